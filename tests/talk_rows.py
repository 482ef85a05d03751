"""Rows of the lake from short words: attempts, and the turns of calls."""

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from pipelines.lake.tables import TABLES

START = datetime(2026, 11, 24, 19, tzinfo=UTC)
CAMPAIGN = "11111111-1111-1111-1111-111111111111"


def attempts(*rows: dict[str, Any]) -> pl.DataFrame:
    """Attempts "1", "2" … of one campaign; flags that are not given are false, the rest null."""
    schema = TABLES["attempts"].schema
    unknown = ("right_party", "qa_passed")
    flags = {n: False for n, kind in schema.items() if kind == pl.Boolean and n not in unknown}
    known = {
        "campaign_id": CAMPAIGN,
        "intended_at": START,
        "local_day": START.date(),
        "local_hour": 14,
        "rehearsal": True,
    }
    made = [
        dict.fromkeys(schema) | flags | known | {"attempt_id": str(number)} | row
        for number, row in enumerate(rows, 1)
    ]
    return pl.DataFrame(made, schema=schema)


def call(attempt_id: str, *spoken: str) -> list[dict[str, Any]]:
    """One call, a second a turn: "a node" (the agent; with ! interrupted) or "c node emotion"."""
    made = []
    for index, turn in enumerate(spoken):
        who, node, *emotion = turn.split()
        made.append(
            {
                "attempt_id": attempt_id,
                "campaign_id": CAMPAIGN,
                "turn_index": index,
                "speaker": "agent" if who == "a" else "caller",
                "node": node.rstrip("!"),
                "interrupted": node.endswith("!") if who == "a" else None,
                "started_at": START + timedelta(seconds=index),
                "ended_at": START + timedelta(seconds=index + 1),
                "emotion": emotion[0] if emotion else None,
                "emotion_model": "emotion" if emotion else None,
                "emotion_version": "1" if emotion else None,
            }
        )
    return made


def turns(*calls: list[dict[str, Any]]) -> pl.DataFrame:
    schema = TABLES["turns"].schema
    rows = [turn for spoken in calls for turn in spoken]
    return pl.DataFrame([{c: row.get(c) for c in schema} for row in rows], schema=schema)
