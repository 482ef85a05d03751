"""Candidates in running calls: a bad one is taken back by itself, and a shadow touches nothing.

The conversations are the product's own in virtual time, their books a real database.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import pytest

from dialer.call_log import PostgresCallLog
from dialer.metrics import ServerMetrics
from dialer.mind import ServedMind
from dialer.shadows import Shadows
from dialer.spool import OptOutSpool
from dialer.virtual.world import SLOTS, Call
from ml.candidates import CHALLENGER, SHADOW, read_candidate, slot_file
from ml.deploy import Champion
from ml.rollout import books
from ml.rollout.books import Rollout
from ml.rollout.decide import Standing
from ml.rollout.judge import Judge
from ml.rollout.plan import PLANS_FILE
from ml.rollout.start import Desk
from ml.serving import ModelServer
from tests.factories import login_url
from tests.integration.dialer_parts import House
from tests.integration.rollout_home import candidate, champion
from tests.integration.test_dialer_journal import HUMAN, deliver, hooks_of
from voice_ai.conversation import builtin_scripts, load_script
from voice_ai.db.connect import connect
from voice_ai.ids import AttemptId
from voice_ai.settings import Settings
from voice_ai.store.audit import broken_at

pytest_plugins = ("tests.integration.dialer_fixtures",)

SURVEY = load_script(builtin_scripts()["satisfaction_survey"], source="survey")
SAID = "Yes, go ahead."
_OPTED_OUT = "SELECT FROM call_events WHERE attempt_id = %s AND kind = 'opt_out_heard'"


@dataclass
class Studio:
    """The server's parts that hold conversations, and the calls that were dialed for them."""

    house: House
    home: Path
    metrics: ServerMetrics = field(default_factory=ServerMetrics)

    def __post_init__(self) -> None:
        self.models = ModelServer(self.home)
        self.models.refresh()
        self.mind = ServedMind(self.models)
        self.shadows = Shadows(self.house.pool, self.house.clock, self.models, self.metrics.shadows)

    async def hold(self) -> AttemptId:
        """The next call, from its answer to its terminal event."""
        self.house.clock.advance(1)
        attempt_id, sid = await self.house.dial()
        hooks = hooks_of(self.house)
        await deliver(hooks, attempt_id, sid, HUMAN[:3])
        call = Call(SURVEY, slots=SLOTS)
        call.mind = self.mind.of_call(str(attempt_id))  # type: ignore[assignment]
        call.log = PostgresCallLog(  # type: ignore[assignment]
            pool=self.house.pool,
            keyring=self.house.keyring,
            clock=call.clock,
            spool=OptOutSpool(self.home),
            attempt_id=attempt_id,
            known=(),
            metrics=self.metrics,
            shadows=self.shadows,
        )
        call.pick_up()
        await call.pass_time(1.0)
        await call.say(SAID)
        if not self.house.office.rows(_OPTED_OUT, attempt_id):
            call.line.hang_up()
        await call.until_over()
        self.house.clock.advance(40)
        await deliver(hooks, attempt_id, sid, HUMAN[3:])
        return attempt_id


@pytest.fixture
def judging(dialer: House, dialer_database: str) -> Iterator[Judge]:
    """With the flows' own login, so that every right the judge needs is proved too."""
    url = login_url(dialer_database, "flows", dialer.keyring)
    with connect(url, autocommit=True) as db:
        yield Judge.of(Settings.read(), db)


def studio_of(house: House, judge: Judge) -> Studio:
    house.office.leads(80)
    house.office.campaign(pacing={"max_concurrent": 1, "calls_per_second": 200})
    return Studio(house, judge.settings.home)


def begun(
    judge: Judge, pinned: Champion, stage: Literal["shadow", "canary"], share: float, at: datetime
) -> Rollout:
    """As `Desk` begins it, of a version that no registry knows."""
    if stage == "shadow":
        judge.moves.listen(pinned)
    else:
        judge.moves.answer(pinned, share)
    return books.begin(
        judge.db,
        task="intent",
        model_name="voice-ai-intent",
        standing=Standing(pinned.version, "1", stage, share, at),
        campaigns=None,
        rehearsal=True,
        by="test",
        why="a test",
    )


async def test_a_bad_challenger_is_taken_back_by_itself_and_calls_go_on(
    dialer: House, judging: Judge
) -> None:
    home = judging.settings.home
    champion(home)
    bad = candidate(home, bad=True)
    studio = studio_of(dialer, judging)
    begun(judging, bad, "canary", 50.0, dialer.clock.now())
    assert studio.models.refresh() == ["intent: version 2 answers in 50 % of the calls"]

    # Whichever calls the hash gives it: the judge looks as often as it likes.
    calls = 0
    looks: list[dict[str, Any]] = []
    while not looks or looks[-1]["decision"] == "hold":
        assert calls < 78, looks[-1]
        for _ in range(3):
            await studio.hold()
            calls += 1
        looks = judging.look(dialer.clock.now())
    (verdict,) = looks
    assert (verdict["task"], verdict["version"], verdict["decision"]) == (
        "intent",
        "2",
        "roll_back",
    )
    assert "asked for no more calls" in verdict["why"]
    assert not slot_file(home, "intent", CHALLENGER).exists()
    assert studio.models.refresh() == ["intent: version 2 is no longer the challenger"]

    (rollout,) = dialer.office.rows("SELECT * FROM rollouts")
    assert (rollout["outcome"], rollout["why"]) == ("rolled_back", verdict["why"])
    start, end = dialer.office.rows("SELECT * FROM rollout_steps ORDER BY id")
    assert (start["decision"], end["decision"], end["decided_by"]) == (
        "start",
        "roll_back",
        "judge",
    )
    evidence = end["evidence"]
    lost = {call["disposition"] for call in dialer.office.rows("SELECT disposition FROM attempts")}
    assert lost == {"human_hangup", "opt_out"}
    assert evidence["challenger"]["wrong"]["opt_out"] == evidence["challenger"]["calls"] >= 6
    assert evidence["champion"]["wrong"]["opt_out"] == 0
    assert evidence["challenger"]["calls"] + evidence["champion"]["calls"] == calls
    worst = min(evidence["tests"], key=lambda test: test["p_value"])
    assert worst["guardrail"] == "opt_out"
    assert worst["p_value"] <= evidence["level"]
    (alert,) = dialer.office.rows("SELECT * FROM alerts WHERE cleared_at IS NULL")
    assert (alert["severity"], alert["name"]) == ("page", "models.rollout.intent")
    assert Desk(judging, "ben", rehearsal=True).seen("intent", now=dialer.clock.now())
    assert dialer.office.rows("SELECT FROM alerts WHERE cleared_at IS NULL") == []
    audit = dialer.office.rows("SELECT actor, action, subject FROM audit_log ORDER BY id")
    assert audit[-1] == {
        "actor": "judge",
        "action": "model.rollout.roll_back",
        "subject": "intent 2",
    }
    assert broken_at(dialer.office.db) is None

    after = await studio.hold()
    assert dialer.office.attempt(after)["disposition"] == "human_hangup"
    (heard,) = dialer.office.rows(
        "SELECT label, model_version, slot FROM model_predictions WHERE attempt_id = %s", after
    )
    assert heard == {"label": "yes", "model_version": "1", "slot": None}
    assert judging.look(dialer.clock.now()) == []


async def test_a_shadow_that_disagrees_touches_nothing(dialer: House, judging: Judge) -> None:
    home = judging.settings.home
    champion(home)
    bad = candidate(home, bad=True)
    studio = studio_of(dialer, judging)
    alone = await studio.hold()
    begun(judging, bad, "shadow", 0.0, dialer.clock.now())
    assert studio.models.refresh() == ["intent: version 2 listens as a shadow"]
    heard = await studio.hold()
    await studio.shadows.catch_up()

    assert left_behind(dialer, heard) == left_behind(dialer, alone)
    (word,) = dialer.office.rows("SELECT * FROM shadow_predictions")
    assert (word["attempt_id"], word["slot"], word["acted_on"]) == (heard, "shadow", False)
    assert (word["label"], word["champion_label"]) == ("opt_out", "yes")
    assert (word["model_version"], word["champion_version"]) == ("2", "1")
    (look,) = judging.look(dialer.clock.now())
    assert (look["decision"], look["why"]) == ("hold", "1 of 60 calls")
    (rollout,) = dialer.office.rows("SELECT standing FROM rollouts")
    assert rollout["standing"]["compared"] == {
        "calls": 1,
        "turns": 1,
        "differ": 1,
        "most": [["yes", "opt_out", 1]],
    }


async def test_a_file_taken_away_by_hand_ends_the_rollout(dialer: House, judging: Judge) -> None:
    home = judging.settings.home
    champion(home)
    begun(judging, candidate(home), "canary", 5.0, dialer.clock.now())
    slot_file(home, "intent", CHALLENGER).unlink()
    (look,) = judging.look(dialer.clock.now())
    assert look["decision"] == "stop"
    assert dialer.office.row("SELECT outcome FROM rollouts")["outcome"] == "stopped"


async def test_a_good_shadow_goes_on_to_a_canary_and_a_cut_step_is_mended(
    dialer: House, judging: Judge
) -> None:
    home = judging.settings.home
    (home / "models").mkdir(parents=True)
    (home / "models" / PLANS_FILE).write_text(
        "rehearsal:\n  shadow: {calls: 1, lasts: PT10S}\n"
        "  canary:\n    - {share: 5, calls: 1, lasts: PT10S}\n"
        "    - {share: 100, calls: 1, lasts: PT10S}\n"
    )
    champion(home)
    studio = studio_of(dialer, judging)
    begun(judging, candidate(home), "shadow", 0.0, dialer.clock.now())
    studio.models.refresh()
    await studio.hold()
    await studio.shadows.catch_up()
    (look,) = judging.look(dialer.clock.now())
    assert look["decision"] == "advance", look
    assert not slot_file(home, "intent", SHADOW).exists()
    assert read_candidate(slot_file(home, "intent", CHALLENGER)).share == 5.0
    row = dialer.office.row("SELECT stage, share FROM rollouts")
    assert row == {"stage": "canary", "share": 5.0}

    placed = judging.moves.placed("intent", "canary")
    assert placed is not None
    judging.moves.mend(placed, 100.0)  # a step that was written to the home, but not to the books
    (look,) = judging.look(dialer.clock.now())
    assert (look["decision"], look["why"]) == ("hold", "0 of 1 calls")
    assert read_candidate(slot_file(home, "intent", CHALLENGER)).share == 5.0


def left_behind(house: House, attempt_id: AttemptId) -> tuple[list[Any], list[Any], list[Any]]:
    """All that a call wrote while it was held, without ids and when or how fast it was written."""
    turns = house.office.rows(
        "SELECT * FROM turns WHERE attempt_id = %s ORDER BY index", attempt_id
    )
    heard = house.office.rows(
        "SELECT * FROM model_predictions WHERE attempt_id = %s ORDER BY turn_index, task",
        attempt_id,
    )
    events = house.office.events(attempt_id)
    kinds = [event["kind"] for event in events]
    held = events[kinds.index("media_started") : kinds.index("media_stopped") + 1]
    return (
        [_without(turn, "attempt_id", "text_sealed", "changed_xid") for turn in turns],
        [_without(one, *_OF_ITS_OWN) for one in heard],
        [_without(event, "attempt_id", "recorded_at", "occurred_at") for event in held],
    )


_OF_ITS_OWN = ("attempt_id", "latency_us", "predicted_at", "changed_xid")


def _without(row: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}
