"""Calls: those that live, and those that ended, filtered and page by page."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import polars as pl
import sqlalchemy as sa

from pipelines.metrics.calls import dispositions
from pipelines.metrics.frames import MOMENT
from pipelines.metrics.measures import Totals

PAGE = 200
MOST_LIVE = 100
_FLAGS = ("reached_carrier", "answered", "human_answered", "machine", "conversed", "goal")
_LIVE = f"""
SELECT attempt_id, campaign, lead_id, attempt_no, state, answered_at,
       EXISTS (SELECT FROM campaigns c JOIN campaign_versions v
                   ON v.campaign_id = c.id AND v.version = c.version
               WHERE c.id = a.campaign_id AND jsonb_typeof(v.config->'transfer') = 'object')
           AS can_transfer,
       coalesce(answered_at, intended_at) AS since, count(*) OVER () AS live,
       count(*) FILTER (WHERE state = 'ringing') OVER () AS ringing,
       count(*) FILTER (WHERE state = 'in_progress') OVER () AS talking
FROM v_attempts a WHERE state <> 'ended' AND rehearsal = :rehearsal
ORDER BY state = 'in_progress' DESC, since, attempt_id LIMIT {MOST_LIVE}
"""
_TURNS = """
SELECT attempt_id, turn_index, speaker, text, node, interrupted, heard_fraction, started_at,
       ended_at, intent, intent_score, emotion, emotion_score, endpoint_ms, stt_tail_ms, mind_ms,
       tts_first_byte_ms, response_ms
FROM v_turns WHERE attempt_id = ANY(:ids) ORDER BY attempt_id, turn_index
"""
_RECORDED = """EXISTS (SELECT FROM recordings r WHERE r.attempt_id = a.attempt_id
    AND r.status = 'completed' AND r.path IS NOT NULL AND r.purged_at IS NULL)"""


@dataclass(frozen=True)
class Turn:
    """One turn as it may be shown: names and numbers are hidden in `text`."""

    attempt_id: UUID
    turn_index: int
    speaker: str
    text: str | None
    node: str | None
    interrupted: bool | None
    heard_fraction: float | None
    started_at: datetime
    ended_at: datetime
    intent: str | None
    intent_score: float | None
    emotion: str | None
    emotion_score: float | None
    endpoint_ms: float | None
    stt_tail_ms: float | None
    mind_ms: float | None
    tts_first_byte_ms: float | None
    response_ms: float | None


@dataclass(frozen=True)
class LiveCall:
    """`since`: picked up, else intended."""

    attempt_id: UUID
    campaign: str
    lead_id: int
    attempt_no: int
    state: str
    answered_at: datetime | None
    since: datetime
    can_transfer: bool
    turns: tuple[Turn, ...]


@dataclass(frozen=True)
class LiveBoard:
    """Counts are of all live calls; `calls` are at most `MOST_LIVE`, talking ones first."""

    live: int
    ringing: int
    talking: int
    calls: tuple[LiveCall, ...]

    @property
    def turns(self) -> pl.DataFrame:
        """What `pipelines.metrics.latency` needs of the turns so far."""
        schema = pl.Schema(
            {
                "attempt_id": pl.String(),
                "turn_index": pl.Int64(),
                "speaker": pl.String(),
                "started_at": MOMENT,
                "response_ms": pl.Float64(),
            }
        )
        rows = [
            (str(t.attempt_id), t.turn_index, t.speaker, t.started_at, t.response_ms)
            for call in self.calls
            for t in call.turns
        ]
        return pl.DataFrame(rows, schema=schema, orient="row")


@dataclass(frozen=True)
class Filters:
    """What is looked for; None: anything. Days are days of the end, UTC."""

    rehearsal: bool
    campaign: str | None = None
    disposition: str | None = None
    emotion: str | None = None
    first_day: date | None = None
    last_day: date | None = None
    min_seconds: int = 0
    recorded: bool = False


@dataclass(frozen=True)
class Finished:
    """The figures of everything that was found, and its outcomes."""

    totals: Totals
    outcomes: pl.DataFrame


@dataclass(frozen=True)
class Order:
    """What somebody asked of one call; `outcome` None: nobody has obeyed yet."""

    id: int
    kind: str
    asked_by: str
    outcome: str | None


Place = tuple[datetime, UUID]


def live_board(connection: sa.Connection, *, rehearsal: bool) -> LiveBoard:
    """Two queries, however many calls live."""
    rows = connection.execute(sa.text(_LIVE), {"rehearsal": rehearsal}).all()
    if not rows:
        return LiveBoard(0, 0, 0, ())
    said: dict[UUID, list[Turn]] = {row.attempt_id: [] for row in rows}
    for turn in connection.execute(sa.text(_TURNS), {"ids": list(said)}):
        said[turn.attempt_id].append(Turn(**turn._mapping))
    calls = tuple(
        LiveCall(
            row.attempt_id,
            row.campaign,
            row.lead_id,
            row.attempt_no,
            row.state,
            row.answered_at,
            row.since,
            row.can_transfer,
            tuple(said[row.attempt_id]),
        )
        for row in rows
    )
    return LiveBoard(rows[0].live, rows[0].ringing, rows[0].talking, calls)


def last_order(connection: sa.Connection, attempt_id: UUID) -> Order | None:
    """The newest command about this one call."""
    query = """SELECT id, kind, asked_by, outcome FROM commands
    WHERE attempt_id = :id ORDER BY id DESC LIMIT 1"""
    row = connection.execute(sa.text(query), {"id": attempt_id}).first()
    return None if row is None else Order(**row._mapping)


def turns_of(connection: sa.Connection, attempt_id: UUID) -> tuple[Turn, ...]:
    rows = connection.execute(sa.text(_TURNS), {"ids": [attempt_id]})
    return tuple(Turn(**row._mapping) for row in rows)


def finished(connection: sa.Connection, filters: Filters) -> Finished:
    """One pass over what the filters let through; a disposition decides its flags."""
    where, parameters = _where(filters)
    query = f"""
    SELECT disposition, count(*) AS attempts,
           {", ".join(f"bool_or({flag}) AS {flag}" for flag in _FLAGS)},
           bool_or(opted_out) AS opted_out
    FROM v_attempts a WHERE {where} GROUP BY disposition
    """
    rows = connection.execute(sa.text(query), parameters).all()

    def dials(flag: str) -> int:
        return sum(row.attempts for row in rows if row.reached_carrier and getattr(row, flag))

    totals = Totals(
        attempts=sum(row.attempts for row in rows),
        live=0,
        dials=dials("reached_carrier"),
        answered=dials("answered"),
        human_answered=dials("human_answered"),
        machine=dials("machine"),
        conversed=dials("conversed"),
        goal=dials("goal"),
        opted_out=dials("opted_out"),
    )
    counts = pl.DataFrame(
        [(row.disposition, row.attempts) for row in rows if row.disposition is not None],
        schema={"disposition": pl.String(), "attempts": pl.Int64()},
        orient="row",
    )
    return Finished(totals, dispositions(counts))


def newest(
    connection: sa.Connection, filters: Filters, before: Place | None = None
) -> Sequence[sa.Row[Any]]:
    """A page of ended calls, the newest first; `before` is the last place of the page before."""
    where, parameters = _where(filters)
    if before is not None:
        where += " AND (a.ended_at, a.attempt_id) < (:before_at, :before_id)"
        parameters |= {"before_at": before[0], "before_id": before[1]}
    query = f"""
    SELECT a.attempt_id, a.ended_at, a.campaign, a.lead_id, a.attempt_no, a.disposition,
           a.carrier_status, extract(epoch FROM a.ended_at - a.answered_at)::float AS seconds,
           (SELECT string_agg(DISTINCT p.label, ', ') FROM model_predictions p
            WHERE p.attempt_id = a.attempt_id AND p.task = 'emotion') AS emotions,
           {_RECORDED} AS recorded
    FROM v_attempts a WHERE {where}
    ORDER BY a.ended_at DESC, a.attempt_id DESC LIMIT {PAGE}
    """
    return connection.execute(sa.text(query), parameters).all()


def _where(filters: Filters) -> tuple[str, dict[str, Any]]:
    """Only the conditions that are asked for, so that each can use its index."""
    given = {
        "campaign": "a.campaign_id = (SELECT id FROM campaigns WHERE name = :campaign)",
        "disposition": "a.disposition = :disposition",
        "emotion": "EXISTS (SELECT FROM model_predictions p WHERE p.attempt_id = a.attempt_id"
        " AND p.task = 'emotion' AND p.label = :emotion)",
        "first_day": "a.ended_at >= :first_day",
        "last_day": "a.ended_at < CAST(:last_day AS date) + 1",
        "min_seconds": "a.ended_at - a.answered_at >= :min_seconds * interval '1 second'",
        "recorded": _RECORDED,
    }
    values = asdict(filters)
    wanted = ["a.state = 'ended'", "a.rehearsal = :rehearsal"]
    wanted += [condition for name, condition in given.items() if values[name]]
    return " AND ".join(wanted), values
