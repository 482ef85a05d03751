"""A rollout's rules: the sequential test under peeking, the stages, the plan."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import betaincc, betaln

from ml.rollout.decide import Compared, Decision, Facts, Side, Standing, decide
from ml.rollout.plan import GUARDRAILS, PLANS_FILE, Guardrail, plan_of
from voice_ai.errors import BadInput
from voice_ai.experiments.never_worse import challengers_chance, never_worse_p

NOW = datetime(2026, 11, 24, 19, 0, tzinfo=UTC)
PLAN = plan_of("intent", rehearsal=False)
QUIET = dict.fromkeys(GUARDRAILS, 0)
CALLS = 250
RUNS = 400


def first_rejection(hits: NDArray[np.bool_], p: float, alpha: float) -> NDArray[np.int64]:
    """Per run (a row of draws) the first look at which the test says no; CALLS: never.

    The same formula as `never_worse_p`, over all looks at once; a test holds the two together.
    """
    x = hits.cumsum(axis=1)
    n = np.arange(1, hits.shape[1] + 1)
    with np.errstate(divide="ignore"):
        ratio = np.log(betaincc(0.5 + x, 0.5 + n - x, p) / betaincc(0.5, 0.5, p))
    ratio += betaln(0.5 + x, 0.5 + n - x) - betaln(0.5, 0.5)
    ratio -= x * np.log(p) + (n - x) * np.log1p(-p)
    rejected = ratio >= np.log(1 / alpha)
    looks = np.where(rejected.any(axis=1), rejected.argmax(axis=1), hits.shape[1])
    return np.asarray(looks, dtype=np.int64)


@pytest.mark.parametrize(("p", "alpha"), [(0.05, 0.05), (0.25, 0.01), (0.5, 0.05)])
def test_looking_after_every_call_errs_no_more_often_than_promised(p: float, alpha: float) -> None:
    random = np.random.default_rng(7)
    wrong = first_rejection(random.random((RUNS, CALLS)) < p, p, alpha) < CALLS
    # Two standard errors of the simulation above the promise would be a defect.
    assert wrong.mean() <= alpha + 2 * np.sqrt(alpha * (1 - alpha) / RUNS)


def test_less_than_the_chance_is_safer_still() -> None:
    random = np.random.default_rng(7)
    wrong = first_rejection(random.random((RUNS, CALLS)) < 0.15, 0.25, 0.05) < CALLS
    assert wrong.mean() < 0.01


def test_a_planted_bad_effect_is_found_soon() -> None:
    # Ten times the champion's opt-outs at a share of 5 %: the challenger's share of all events.
    random = np.random.default_rng(7)
    p, seen = challengers_chance(0.05, 1.1), challengers_chance(0.05, 10.0)
    looks = first_rejection(random.random((RUNS, CALLS)) < seen, p, PLAN.level)
    assert (looks < CALLS).mean() > 0.99
    assert np.median(looks) < 40


@pytest.mark.parametrize(("hits", "draws", "p"), [(4, 9, 0.2), (11, 14, 0.5), (40, 90, 0.25)])
def test_the_simulated_test_is_the_one_that_decides(hits: int, draws: int, p: float) -> None:
    row = np.array([[True] * hits + [False] * (draws - hits)])
    p_value = never_worse_p(hits, draws, p)
    assert p_value < 1
    # Just above it the last look says no at the latest, just below it that look does not.
    assert first_rejection(row, p, p_value * 1.0001)[0] < draws
    alone = never_worse_p(hits, draws, p) > p_value * 0.9999
    assert alone


def test_what_is_no_evidence_gives_one_and_what_cannot_be_is_refused() -> None:
    assert never_worse_p(0, 50, 0.05) == 1.0
    assert never_worse_p(5000, 100_000, 0.05) == 1.0
    assert never_worse_p(3, 5, 1.0) == 1.0
    assert never_worse_p(1, 5, 0.0) == 0.0
    assert challengers_chance(0.25, 1.0) == 0.25
    with pytest.raises(ValueError, match="6 of 5"):
        never_worse_p(6, 5, 0.5)


def standing(stage: str = "canary", share: float = 5.0, hours: float = 100.0) -> Standing:
    since = NOW - timedelta(hours=hours)
    return Standing("2", "1", stage, share, since)  # type: ignore[arg-type]


def side(calls: int, **wrong: int) -> Side:
    told: Mapping[Guardrail, int] = {**QUIET, **wrong}  # type: ignore[dict-item]
    return Side(calls, told, 700.0)


def of(at: Standing, **facts: object) -> Decision:
    return decide(PLAN, at, Facts(served="1", **facts), NOW)  # type: ignore[arg-type]


HEARD = Compared(1200, 6000, 300, (("yes", "no", 200),))


def test_a_shadow_waits_for_calls_days_and_agreement() -> None:
    shadow = standing("shadow", 0.0)
    decision = of(shadow, compared=HEARD)
    assert (decision.kind, decision.stage, decision.share) == ("advance", "canary", 5.0)
    assert decision.evidence["disagreement"] == 0.05
    few = of(shadow, compared=replace(HEARD, calls=999))
    assert (few.kind, few.why) == ("hold", "999 of 1000 calls")
    young = of(standing("shadow", 0.0, hours=71), compared=HEARD)
    assert (young.kind, young.why) == ("hold", "71.0 hours of 72.0 hours")
    apart = of(shadow, compared=replace(HEARD, differ=3000))
    assert apart.kind == "hold"
    assert "differs in 50.0% of the turns" in apart.why
    assert "no turn was compared" in of(shadow, compared=Compared(1200, 0, 0)).why


@pytest.mark.parametrize(("share", "to"), [(5.0, 25.0), (10.0, 25.0), (25.0, 100.0)])
def test_a_canary_that_is_no_worse_gets_more_calls(share: float, to: float) -> None:
    ours, theirs = side(300, opt_out=6, early_hang_up=30), side(3000, opt_out=60, early_hang_up=300)
    decision = of(standing(share=share), challenger=ours, champion=theirs)
    assert (decision.kind, decision.stage, decision.share) == ("advance", "canary", to)
    waits = of(standing(share=share, hours=23.5), challenger=ours, champion=theirs)
    assert waits.kind == "hold"
    few = of(standing(share=share), challenger=side(9), champion=theirs)
    assert few.kind == "hold"


@pytest.mark.parametrize("guardrail", GUARDRAILS)
def test_a_worse_canary_goes_back_at_once_with_its_figures(guardrail: Guardrail) -> None:
    ours, theirs = side(40, **{guardrail: 12}), side(760, **{guardrail: 20})
    decision = of(standing(hours=1), challenger=ours, champion=theirs)
    assert decision.kind == "roll_back"
    assert "12 in 40 calls of the challenger against 20 in 760 of the champion" in decision.why
    (bad,) = [one for one in decision.evidence["tests"] if one["guardrail"] == guardrail]
    assert bad["p_value"] <= decision.evidence["level"] == pytest.approx(0.05 / 12)
    assert decision.evidence["challenger"]["p95_ms"] == 700.0


def test_at_all_calls_the_champions_earlier_rate_is_what_counts() -> None:
    whole, before = standing(share=100.0), side(3000, opt_out=60)
    fine = of(whole, challenger=side(300, opt_out=6), before=before)
    assert (fine.kind, fine.stage) == ("advance", "champion")
    bad = of(whole, challenger=side(300, opt_out=30), before=before)
    assert bad.kind == "roll_back"
    assert of(whole, challenger=side(300, opt_out=30)).kind == "advance"  # nothing to hold against


def test_another_champion_ends_the_comparison() -> None:
    decision = decide(PLAN, standing(), Facts(served="3"), NOW)
    assert decision.kind == "stop"
    assert "version 1 that it was held against is no longer the champion" in decision.why


def test_a_rehearsal_is_short_and_a_home_overrides_single_values(tmp_path: Path) -> None:
    short = plan_of("intent", rehearsal=True)
    assert (short.shadow.calls, short.shadow.lasts) == (60, timedelta(minutes=1))
    assert [stage.share for stage in short.canary] == [5.0, 25.0, 100.0]
    assert plan_of("emotion", rehearsal=False).shadow.most_disagreement == 0.4
    (tmp_path / "models").mkdir()
    own = tmp_path / "models" / PLANS_FILE
    own.write_text("live:\n  shadow: {calls: 5000}\ntasks:\n  intent: {alpha: 0.01}\n")
    plan = plan_of("intent", rehearsal=False, home=tmp_path)
    assert (plan.shadow.calls, plan.alpha) == (5000, 0.01)
    assert plan.shadow.lasts == timedelta(days=3)
    assert plan_of("intent", rehearsal=True, home=tmp_path).shadow.calls == 60


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("live: {alpha: 2}", "field alpha"),
        ("live: {shadow: {calls: 0}}", "field shadow.calls"),
        ("live: {speed: 1}", "field speed"),
        ("test: {}", "the parts live, rehearsal and tasks"),
        ("tasks: {intent: [1]}", "no mapping"),
        (
            "live: {canary: [{share: 9, calls: 1, lasts: PT0S}, {share: 5, calls: 1, lasts: P1D}]}",
            "rise",
        ),
    ],
)
def test_a_wrong_plan_is_named_with_file_and_field(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / PLANS_FILE).write_text(text)
    with pytest.raises(BadInput, match=told) as caught:
        plan_of("intent", rehearsal=False, home=tmp_path)
    assert PLANS_FILE in caught.value.message
