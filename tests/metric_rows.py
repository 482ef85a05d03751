"""Frames of a campaign from short rows, the rest filled in."""

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from pipelines.metrics.frames import ATTEMPTS, DECISIONS, LEADS, TURNS

START = datetime(2026, 11, 24, 19, 0, tzinfo=UTC)
_FLAGS = ("reached_carrier", "answered", "human_answered", "machine", "conversed", "goal")
_REACHED = {
    "goal": 6,
    "opt_out": 5,
    "not_interested": 5,
    "human_hangup": 3,
    "no_answer": 1,
    "busy": 1,
    "not_dialed": 0,
}


def leads(count: int) -> pl.DataFrame:
    return pl.DataFrame(
        [{"lead_id": lead, "state": "ready"} for lead in range(1, count + 1)], schema=LEADS
    )


def attempt(lead: int, disposition: str | None, **columns: Any) -> dict[str, Any]:
    """An ended attempt with the flags of its disposition; without one, a live attempt."""
    flags: dict[str, bool] = dict.fromkeys((*_FLAGS, "opted_out"), False)
    if disposition == "machine":
        flags |= {"reached_carrier": True, "answered": True, "machine": True}
    elif disposition is not None:
        flags |= dict.fromkeys(_FLAGS[: _REACHED[disposition]], True) | {"machine": False}
    return {
        "attempt_id": f"{lead}-{columns.get('attempt_no', 1)}",
        "lead_id": lead,
        "attempt_no": 1,
        "state": "ringing" if disposition is None else "ended",
        "disposition": disposition,
        **flags,
        "opted_out": disposition == "opt_out",
        "right_party": flags["conversed"],
        "intended_at": START,
        "ended_at": None if disposition is None else START + timedelta(seconds=30),
        **columns,
    }


def attempts(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=ATTEMPTS)


def call(attempt_id: str, *spoken: tuple[str, str | None] | tuple[str, None, float | None]) -> Any:
    """Turns of one call: ("caller", emotion) or ("agent", None, response_ms)."""
    return [
        {
            "attempt_id": attempt_id,
            "turn_index": index,
            "speaker": turn[0],
            "started_at": START + timedelta(seconds=index),
            "emotion": turn[1],
            "response_ms": turn[2] if len(turn) == 3 else None,
        }
        for index, turn in enumerate(spoken)
    ]


def turns(*calls: Any) -> pl.DataFrame:
    return pl.DataFrame([turn for spoken in calls for turn in spoken], schema=TURNS)


def decisions(*rows: tuple[int, list[str]]) -> pl.DataFrame:
    """(lead, reasons) in the order of the ledger; no reasons: allowed."""
    return pl.DataFrame(
        [
            {"decision_id": place, "lead_id": lead, "allow": not reasons, "reasons": reasons}
            for place, (lead, reasons) in enumerate(rows, 1)
        ],
        schema=DECISIONS,
    )
