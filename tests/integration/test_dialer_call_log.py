"""What a conversation leaves behind: words sealed, figures and labels open, nothing twice."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import orjson

from dialer.call_log import PostgresCallLog
from dialer.metrics import ServerMetrics
from dialer.ports import TurnRecord
from dialer.spool import OptOutSpool
from tests.factories import NOW
from tests.integration.dialer_parts import House
from voice_ai.answering import AnswerVerdict
from voice_ai.ids import AttemptId

pytest_plugins = ("tests.integration.dialer_fixtures",)

SAID = "This is Ann Miller, call me on 212 555 0133"


@dataclass(frozen=True)
class Heard:
    """One model's word on one utterance."""

    task: str
    label: str
    score: float | None = 0.75
    scores: dict[str, float] = field(default_factory=lambda: {"yes": 0.75, "no": 0.25})
    model_name: str = "keywords"
    version: str = "1"
    latency_us: float = 40.0
    slot: str | None = None


async def call_log(dialer: House, home: Path) -> tuple[AttemptId, PostgresCallLog]:
    dialer.office.leads(1)
    dialer.office.campaign()
    attempt_id, _ = await dialer.dial()
    log = PostgresCallLog(
        pool=dialer.pool,
        keyring=dialer.keyring,
        clock=dialer.clock,
        spool=OptOutSpool(home),
        attempt_id=attempt_id,
        known=("Ann Miller",),
        metrics=ServerMetrics(),
    )
    return attempt_id, log


def turn(index: int = 0, response_ms: float | None = None) -> TurnRecord:
    return TurnRecord(
        index=index,
        speaker="caller",
        node="opening",
        text=SAID,
        started_at=NOW,
        ended_at=NOW + timedelta(seconds=2),
        intent=Heard("intent", "yes"),
        emotion=Heard("emotion", "joy"),
        response_ms=response_ms,
    )


async def test_words_are_sealed_and_what_is_readable_names_nobody(
    dialer: House, tmp_path: Path
) -> None:
    attempt_id, log = await call_log(dialer, tmp_path)
    await log.turn(turn(response_ms=640.0))
    (row,) = dialer.office.rows("SELECT * FROM turns")
    assert dialer.keyring.decrypt(bytes(row["text_sealed"])).decode() == SAID
    assert (row["response_ms"], row["mind_ms"]) == (640.0, None)
    readable = (
        row["text_redacted"]
        + orjson.dumps([event["payload"] for event in dialer.office.events(attempt_id)]).decode()
    )
    # The four digits alone may stand in the carrier's id of the call.
    for private in ("Ann", "Miller", "555 0133", "5550133", dialer.carrier.placed[0].to):
        assert private not in readable
    assert "0133" not in row["text_redacted"]


async def test_a_turn_is_written_with_its_predictions_once(dialer: House, tmp_path: Path) -> None:
    attempt_id, log = await call_log(dialer, tmp_path)
    await log.turn(turn())
    await log.turn(turn())
    assert len(dialer.office.rows("SELECT FROM turns")) == 1
    predictions = dialer.office.rows("SELECT * FROM model_predictions ORDER BY task")
    assert [(row["task"], row["label"], row["model_version"]) for row in predictions] == [
        ("emotion", "joy", "1"),
        ("intent", "yes", "1"),
    ]
    assert dialer.office.kinds(attempt_id).count("turn_taken") == 1
    event = dialer.office.events(attempt_id)[-1]
    assert event["payload"] | {"index": 0} == {
        "index": 0,
        "speaker": "caller",
        "node": "opening",
        "intent": "yes",
        "emotion": "joy",
    }


async def test_what_a_feeling_was_made_of_is_written_beside_it(
    dialer: House, tmp_path: Path
) -> None:
    _, log = await call_log(dialer, tmp_path)
    apart = (Heard("emotion_text", "joy"), Heard("emotion_voice", "anger"))
    await log.turn(replace(turn(), intent=None, emotion=None, apart=apart))
    predictions = dialer.office.rows("SELECT task, label FROM model_predictions ORDER BY task")
    assert [(row["task"], row["label"]) for row in predictions] == [
        ("emotion_text", "joy"),
        ("emotion_voice", "anger"),
    ]
    assert dialer.office.rows("SELECT emotion FROM v_turns") == [{"emotion": None}]


async def test_a_call_is_told_in_the_order_in_which_it_happened(
    dialer: House, tmp_path: Path
) -> None:
    attempt_id, log = await call_log(dialer, tmp_path)
    await log.media_started("MZ1")
    await log.turn(turn(0))
    await log.barge_in(0, 0.4)
    await log.turn(turn(1))
    await log.outcome("goal", "agent_goodbye", {"comment": SAID})
    await log.media_stopped("agent_goodbye")
    assert dialer.office.kinds(attempt_id)[2:] == [
        "media_started",
        "turn_taken",
        "barge_in",
        "turn_taken",
        "outcome_reached",
        "media_stopped",
    ]
    attempt = dialer.office.attempt(attempt_id)
    assert (attempt["outcome"], attempt["end_reason"]) == ("goal", "agent_goodbye")
    seqs = [event["seq"] for event in dialer.office.events(attempt_id)]
    assert seqs == list(range(1, 9))


async def test_an_opt_out_is_in_the_table_before_anything_else_is_said(
    dialer: House, tmp_path: Path
) -> None:
    attempt_id, log = await call_log(dialer, tmp_path)
    await log.opt_out("speech")
    (row,) = dialer.office.rows("SELECT * FROM suppressions")
    assert (row["attempt_id"], row["source"]) == (attempt_id, "call")


async def test_events_written_at_the_same_moment_are_numbered_without_a_gap(
    dialer: House, tmp_path: Path
) -> None:
    attempt_id, log = await call_log(dialer, tmp_path)
    await asyncio.gather(*(log.turn(turn(index)) for index in range(12) for _ in "ab"))
    seqs = [event["seq"] for event in dialer.office.events(attempt_id)]
    assert seqs == list(range(1, 15))
    assert dialer.office.attempt(attempt_id)["event_seq"] == 14


async def test_our_own_verdict_is_kept_beside_the_carriers_and_may_be_revised(
    dialer: House, tmp_path: Path
) -> None:
    attempt_id, log = await call_log(dialer, tmp_path)
    await log.answered(AnswerVerdict("human", 0.8, 2.26, "short_hello"))
    await log.answered(AnswerVerdict("machine", 0.97, 5.0, "words", revised=True))
    (row,) = dialer.office.rows("SELECT * FROM v_attempts")
    assert (row["own_answer_class"], row["own_answer_confidence"]) == ("machine", 0.97)
    assert (row["own_answer_at_ms"], row["answer_class"]) == (5000.0, None)
    events = [e for e in dialer.office.events(attempt_id) if e["kind"] == "answer_heard"]
    assert [event["payload"] for event in events] == [
        {"label": "human", "confidence": 0.8, "at_ms": 2260.0, "why": "short_hello"},
        {"label": "machine", "confidence": 0.97, "at_ms": 5000.0, "why": "words"},
    ]
