"""What turns say of a call."""

from datetime import UTC, datetime, timedelta

import polars as pl

from pipelines.lake.spoken import measures
from pipelines.lake.tables import TABLES

NOW = datetime(2026, 11, 24, 19, tzinfo=UTC)


def turn(
    key: str, index: int, speaker: str, start: float, end: float, **more: object
) -> dict[str, object]:
    given = {
        "attempt_id": key,
        "turn_index": index,
        "speaker": speaker,
        "started_at": NOW + timedelta(seconds=start),
        "ended_at": NOW + timedelta(seconds=end),
        **more,
    }
    return {column: given.get(column) for column in TABLES["turns"].schema}


def test_speech_overlap_and_what_was_synthesised() -> None:
    rows = [
        turn("a", 0, "agent", 0, 4, node="greet", text="Hello", interrupted=True),
        turn("a", 1, "caller", 3, 5),
        turn("a", 2, "agent", 6, 8, node="ask", text="Fine?", tts_first_byte_ms=80.0),
        # Another call begins while that one goes on: they do not overlap each other.
        turn("b", 0, "caller", 7, 9, node="open"),
    ]
    found = measures(pl.DataFrame(rows[::-1], schema=TABLES["turns"].schema)).sort("attempt_id")
    first, second = found.to_dicts()
    assert (first["agent_turns"], first["caller_turns"], first["interruptions"]) == (2, 1, 1)
    assert (first["agent_speech_s"], first["caller_speech_s"]) == (6.0, 2.0)
    assert (first["overlap_s"], first["longest_turn_s"]) == (1.0, 4.0)
    assert (first["synthesised_characters"], first["last_node"]) == (5, "ask")
    assert (second["overlap_s"], second["last_node"]) == (0.0, "open")


def test_no_turn_is_no_row() -> None:
    assert measures(TABLES["turns"].schema.to_frame()).is_empty()
