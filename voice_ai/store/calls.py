"""Calls as the command line shows them: ended ones, live ones, one of them whole."""

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from voice_ai.db import queries
from voice_ai.db.connect import Db, Row
from voice_ai.errors import NotFound
from voice_ai.ids import CampaignId

_SQL = queries("calls")
_RECORDINGS = queries("recordings")


@dataclass(frozen=True)
class CallFilter:
    """None: anything. Days are days of the end, UTC."""

    campaign_id: CampaignId | None = None
    disposition: str | None = None
    emotion: str | None = None
    since: date | None = None
    until: date | None = None
    min_seconds: float | None = None
    recorded: bool = False
    limit: int = 20


@dataclass(frozen=True)
class WholeCall:
    call: Row
    turns: list[Row]
    events: list[Row]
    decisions: list[Row]
    recordings: list[Row]

    def as_dict(self) -> dict[str, Any]:
        parts = ("turns", "events", "decisions", "recordings")
        return {**self.call, **{part: getattr(self, part) for part in parts}}


def newest_calls(db: Db, wanted: CallFilter) -> list[Row]:
    return db.execute(_SQL.newest, vars(wanted)).fetchall()


def live_calls(db: Db, campaign_id: CampaignId | None = None, limit: int = 100) -> list[Row]:
    return db.execute(_SQL.live, {"campaign_id": campaign_id, "limit": limit}).fetchall()


def whole_call(db: Db, attempt_id: UUID) -> WholeCall:
    """Raises NotFound."""
    with db.transaction():
        db.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        call = db.execute(_SQL.one, {"attempt_id": attempt_id}).fetchone()
        if call is None:
            raise NotFound(f"there is no call {attempt_id}; `voice-ai calls list` shows the newest")
        asked = {"attempt_id": attempt_id, "lead_id": call["lead_id"]}
        return WholeCall(
            call,
            db.execute(_SQL.turns, asked).fetchall(),
            db.execute(_SQL.events, asked).fetchall(),
            db.execute(_SQL.decisions, asked).fetchall(),
            recordings_of(db, attempt_id),
        )


def recordings_of(db: Db, attempt_id: UUID) -> list[Row]:
    """What can be played of it, the first stream first."""
    return db.execute(_RECORDINGS.recordings_of, {"attempt_id": attempt_id}).fetchall()
