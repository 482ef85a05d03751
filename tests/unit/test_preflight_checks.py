"""Every check of a pre-flight: what turns it amber or red, and that it says how to mend it."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.factories_preflight import DATABASE, GONE, GREEN, LINE, NOW, RUN, SCRIPT, TRIP
from voice_ai.conversation.experiments import Experiment
from voice_ai.preflight import (
    GROUPS,
    Check,
    Light,
    as_rows,
    blockers,
    from_rows,
    judge,
    unfinished,
    worst,
)
from voice_ai.preflight.check import Failed
from voice_ai.preflight.experiment import ExperimentFacts
from voice_ai.preflight.law import Switch
from voice_ai.preflight.lists import Import, Pace, finish_at
from voice_ai.preflight.machines import ModelFacts
from voice_ai.preflight.vendors import AccountFacts, BalanceFacts, Limits, QuotaFacts, SampleFacts
from voice_ai.vitals import Disk


def machines(**changed: Any) -> dict[str, Any]:
    return {"machines": replace(GREEN.machines, **changed)}


def database(**changed: Any) -> dict[str, Any]:
    return machines(database=replace(DATABASE, **changed))


def voice(**changed: Any) -> dict[str, Any]:
    return {"voice": replace(GREEN.voice, **changed)}


def law(**changed: Any) -> dict[str, Any]:
    return {"law": replace(GREEN.law, **changed)}


def lines(*changes: dict[str, Any]) -> dict[str, Any]:
    return {"caller_ids": {n: replace(LINE, **one) for n, one in enumerate(changes)}}


def imports(rejected: int = 0, duplicates: int = 0, days: int = 1) -> dict[str, Any]:
    return {"imports": (Import(NOW - timedelta(days=days), 1000, 900, rejected, duplicates),)}


def run(**changed: Any) -> dict[str, Any]:
    return {"dry_run": replace(RUN, **changed)}


def forecast(**changed: Any) -> dict[str, Any]:
    return {"forecast": replace(GREEN.forecast, **changed)}


def experiment(**changed: Any) -> dict[str, Any]:
    """Needs some 3,600 leads in all; half of those dialed so far were reached."""
    plan = Experiment(name="one", arms={"a": 0.5, "b": 0.5}, baseline=0.1)
    facts = ExperimentFacts(plan, stopped=False, assigned=900, dialed=2000, reached=1000, goals=90)
    return {"experiment": replace(facts, **changed), **run(ready=10_000)}


def unplanned(**changed: float | None) -> Experiment:
    return Experiment(name="one", arms={"a": 0.5, "b": 0.5}, baseline=None, **changed)


def switch(kind: str, key: str) -> dict[str, Any]:
    return {"switches": (Switch(kind, key, "complaints", "ana"),)}


def test_a_sound_campaign_is_green_in_every_check() -> None:
    checks = judge(GREEN)
    assert [one for one in checks if one.light is not Light.GREEN] == []
    assert worst(checks) is Light.GREEN
    assert {one.group for one in checks} == set(GROUPS)
    assert len({one.id for one in checks}) == len(checks)
    assert not any(one.mend for one in checks)


R, A, G = Light.RED, Light.AMBER, Light.GREEN
CASES: list[tuple[str, dict[str, Any], Light]] = [
    ("list.invalid", imports(rejected=50), G),
    ("list.invalid", imports(rejected=51), R),
    ("list.duplicates", imports(duplicates=20), G),
    ("list.duplicates", imports(duplicates=21), R),
    ("list.age", imports(days=90), G),
    ("list.age", imports(days=91), A),
    ("list.age", {"imports": ()}, R),
    ("list.consent", run(reasons={"CONSENT_MISSING": 1}), R),
    ("list.suppressed", run(reasons={"DNC_INTERNAL": 1}), A),
    ("list.zones", run(reasons={"TZ_UNKNOWN": 10}), G),
    ("list.zones", run(reasons={"TZ_UNKNOWN": 11}), A),
    ("list.experiment", experiment(), G),
    ("list.experiment", experiment(assigned=0, reached=100), A),
    ("list.experiment", experiment(plan=unplanned(), goals=0), A),
    ("list.experiment", experiment(plan=unplanned()), G),
    ("list.experiment", {**experiment(), "max_leads": 500}, A),
    ("list.experiment", experiment(stopped=True, assigned=0, reached=0), G),
    ("law.script", law(script=None, faults=("script:3: a dead end",)), R),
    ("law.ring", law(ring_timeout_s=14), R),
    ("law.policy", law(dry_run=Failed("the rules broke with KeyError")), R),
    ("window.callable", {"dry_run": Failed("the rules broke")}, R),
    ("window.callable", run(now=0, soon=0, later=100), A),
    ("window.callable", run(now=0, soon=0, later=0, never=100), R),
    ("window.callable", run(ready=0, asked=0, now=0, soon=0, later=0), R),
    ("window.refusals", run(now=49, soon=0, later=0, never=51), A),
    ("window.finish", {"pace": replace(GREEN.pace, days=frozenset())}, A),
    ("stops.switches", switch("global", "*"), R),
    ("stops.switches", switch("campaign", "c1"), R),
    ("stops.switches", switch("campaign", "another"), G),
    ("stops.switches", switch("caller_id", "7"), A),
    ("stops.switches", switch("caller_id", "99"), G),
    ("stops.switches", switch("country", "US"), A),
    ("stops.emergency", {"state": "emergency_stopped"}, R),
    ("numbers.usable", lines({"active": False}, {}), A),
    ("numbers.usable", lines({"standing": "cooling"}), R),
    ("numbers.usable", lines({"standing": "warming"}), G),
    ("numbers.usable", lines({"verified": False}), R),
    ("numbers.owned", lines({"owned": False}, {}), R),
    ("numbers.owned", {"not_owned": GONE}, R),
    ("numbers.inbound", lines({"inbound_ok_at": None}), A),
    ("numbers.inbound", lines({"inbound_ok_at": NOW - timedelta(days=31)}), A),
    ("numbers.health", lines({"health": 49.0}, {}), A),
    ("numbers.health", lines({"health": 49.0}), R),
    ("numbers.health", lines({"health": None}), G),
    ("money.account", {"account": AccountFacts("Trial", "active")}, R),
    ("money.account", {"account": AccountFacts("Full", "suspended")}, R),
    ("money.account", {"account": GONE}, R),
    ("money.balance", {"balance": GONE}, R),
    ("money.balance", {"balance": BalanceFacts(2.0, "USD")}, R),  # 1.2 x 1.68 is 2.02
    ("money.balance", {"balance": BalanceFacts(2.1, "USD")}, G),
    ("money.balance", {"balance": BalanceFacts(100.0, "EUR")}, A),
    ("money.balance", {"balance": BalanceFacts(-1.0, "EUR")}, R),
    ("money.balance", forecast(price=None), A),
    # 120 minutes: 2.88 at the usual price with a fifth to spare, 1.01 at the least.
    ("money.balance", {"balance": BalanceFacts(2.0, "USD"), **forecast(price=None)}, A),
    ("money.balance", {"balance": BalanceFacts(1.0, "USD"), **forecast(price=None)}, R),
    ("money.limits", {"limits": Limits(51, 1.0, 50, 5.0)}, A),
    ("money.limits", {"limits": Limits(10, 6.0, 50, 5.0)}, A),
    ("money.limits", {"limits": Limits(10, 6.0, None, None)}, G),
    ("voice.known", voice(known=False), R),
    ("voice.known", voice(known=GONE), R),
    ("voice.other", voice(other=("v2", True)), G),
    ("voice.other", voice(other=("v2", False)), A),
    ("voice.quota", voice(quota=QuotaFacts(5_999)), R),
    ("voice.quota", voice(quota=QuotaFacts(6_000)), G),
    ("voice.quota", voice(quota=GONE), R),
    ("voice.sample", voice(sample=SampleFacts(1.1, 8000)), A),
    ("voice.sample", voice(sample=SampleFacts(2.1, 8000)), R),
    ("voice.sample", voice(sample=SampleFacts(0.1, 0)), R),
    ("voice.sample", voice(sample=GONE), R),
    ("models.serving", machines(models=ModelFacts({}, {})), A),
    ("models.serving", machines(models=ModelFacts({}, {"intent": "a hash differs"})), R),
    ("models.serving", machines(models=GONE), R),
    ("machines.webhook", machines(round_trip=GONE), R),
    ("machines.webhook", machines(round_trip=replace(TRIP, accepted=False)), R),
    ("machines.signature", machines(round_trip=replace(TRIP, wrong_refused=False)), R),
    ("machines.database", machines(database=GONE), R),
    ("machines.database", database(latency_ms=101.0), A),
    ("machines.database", database(connections=91), A),
    ("machines.events", database(event_lag_s=5.1), A),
    ("machines.events", database(event_lag_s=None), G),
    ("machines.events", database(stray_events=True), A),
    ("machines.dialer", database(alive={"server": 1}), R),
    ("machines.server", database(alive={"dialer": 1}), R),
    ("machines.clocks", database(skew_s=-1.1), R),
    ("machines.clocks", machines(round_trip=replace(TRIP, skew_s=90.0)), R),
    ("machines.clocks", machines(round_trip=GONE, database=GONE), A),
    ("machines.disk", machines(disk=Disk(10**12, 10**10)), A),
    ("machines.disk", machines(disk=Disk(10**12, 10**6)), R),
    ("machines.spool", machines(spooled_opt_outs=1), A),
]


@pytest.mark.parametrize(("check_id", "changed", "light"), CASES)
def test_what_turns_a_check(check_id: str, changed: dict[str, Any], light: Light) -> None:
    found = one_of(judge(replace(GREEN, **changed)), check_id)
    assert found.light is light
    assert bool(found.mend) is (light is not Light.GREEN)
    assert found.seen


def test_every_check_that_can_be_other_than_green_is_tried_here() -> None:
    tried = {check_id for check_id, _, light in CASES if light is not Light.GREEN}
    known = {one.id for one in judge(GREEN)}
    # These come with the script's own faults, which leave no script to look at.
    opening = {"law.identify", "law.disclose", "law.opt_out", "law.recording", "law.abandon"}
    assert known - tried == opening


@pytest.mark.parametrize("part", ["identify", "disclose", "opt_out"])
def test_an_opening_without_a_part_is_red(part: str) -> None:
    assert SCRIPT is not None
    start = SCRIPT.nodes[SCRIPT.start].model_copy(update={part: None})
    changed = SCRIPT.model_copy(update={"nodes": {**SCRIPT.nodes, SCRIPT.start: start}})
    checks = judge(replace(GREEN, **law(script=changed)))
    assert one_of(checks, f"law.{part}").light is Light.RED


def test_what_is_said_first_must_be_the_same_in_every_call() -> None:
    assert SCRIPT is not None
    start = SCRIPT.nodes[SCRIPT.start].model_copy(update={"identify": "{lead_name}, {seller} here"})
    changed = SCRIPT.model_copy(update={"nodes": {**SCRIPT.nodes, SCRIPT.start: start}})
    found = one_of(judge(replace(GREEN, **law(script=changed))), "law.abandon")
    assert found.light is Light.RED
    assert "lead_name" in found.seen


@pytest.mark.parametrize(
    ("check_id", "changed"),
    [
        ("list.invalid", imports(rejected=500)),
        ("list.consent", run(reasons={"CONSENT_MISSING": 100})),
        ("window.callable", run(now=0, soon=0, later=0, never=100)),
        ("money.balance", {"balance": BalanceFacts(0.0, "USD")}),
    ],
)
def test_list_hours_and_money_do_not_forbid_a_rehearsal(
    check_id: str, changed: dict[str, Any]
) -> None:
    found = one_of(judge(replace(GREEN, rehearsal=True, **changed)), check_id)
    assert found.light is Light.AMBER
    assert found.mend


def test_a_rehearsal_without_a_server_stays_red() -> None:
    checks = judge(replace(GREEN, rehearsal=True, **database(alive={})))
    assert [one.id for one in blockers(checks)] == ["machines.dialer", "machines.server"]


def test_a_sample_of_a_long_list_stands_for_all_of_it() -> None:
    sampled = run(ready=200_000, asked=20_000, now=18_000, soon=0, later=0, never=2_000)
    found = one_of(judge(replace(GREEN, **sampled)), "window.callable")
    assert "180,000 leads may be called now" in found.seen
    assert "from a sample of 20,000" in found.seen


def test_the_forecast_skips_days_on_which_nobody_is_called() -> None:
    pace = Pace(10, 1.0, 10.0, frozenset({1, 2}), 2.0)  # 600 dials an hour, Tuesday, Wednesday
    assert finish_at(3_000, pace, NOW) == NOW + timedelta(hours=10)
    assert finish_at(6_000, pace, NOW) == NOW + timedelta(days=1, hours=10)
    assert finish_at(6_300, pace, NOW) == NOW + timedelta(days=7, hours=1)
    assert finish_at(10_000_000, pace, NOW) is None


def test_nothing_checked_is_red_and_so_is_what_was_not_finished() -> None:
    assert worst([]) is Light.RED
    assert unfinished(60).light is Light.RED


def test_checks_are_the_same_after_the_database() -> None:
    checks = judge(replace(GREEN, **imports(rejected=500)))
    assert from_rows(as_rows(checks)) == checks
    assert from_rows(None) == []
    later = [{**as_rows(checks)[0], "group": "of a later version", "more": 1}]
    assert from_rows(later)[0].group == "machines"


def one_of(checks: Iterable[Check], check_id: str) -> Check:
    (found,) = [one for one in checks if one.id == check_id]
    return found
