"""What the daily watch over models reads and writes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl
from psycopg.types.json import Jsonb

from voice_ai.db import queries
from voice_ai.db.connect import Db, Row

_SQL = queries("watching")
ANY_VERSION = "any"
ALERT = "ModelDrift"
_TURNS: dict[str, type[pl.DataType]] = {
    "call": pl.Int64,
    "label": pl.String,
    "score": pl.Float64,
    "words": pl.Int64,
}


@dataclass(frozen=True)
class Heard:
    """One version of one task, as heard in calls of one kind."""

    task: str
    model: str
    version: str
    rehearsal: bool


@dataclass(frozen=True)
class Span:
    """Calls that ended after `since` and not after `until`."""

    since: datetime
    until: datetime


def versions_heard(db: Db, span: Span, tasks: Sequence[str], *, rehearsal: bool) -> list[Heard]:
    """By task, the version heard last first."""
    asked = {**vars(span), "tasks": list(tasks), "rehearsal": rehearsal}
    return [
        Heard(row["task"], row["model_name"], row["model_version"], rehearsal)
        for row in db.execute(_SQL.versions_heard, asked)
    ]


def newest_turns(db: Db, heard: Heard, span: Span, most: int) -> pl.DataFrame:
    """Columns call, label, score and words (null: what was said is not kept)."""
    return _frame(db.execute(_SQL.newest_turns, _asked(heard, span, most)).fetchall())


def first_turns(
    db: Db, heard: Heard, span: Span, most: int
) -> tuple[pl.DataFrame, datetime | None]:
    """The same columns (all of one call), and when the last of these calls ended."""
    rows = db.execute(_SQL.first_turns, _asked(heard, span, most)).fetchall()
    until = rows[-1]["ended_at"] if rows else None
    return _frame([{**row, "call": 0} for row in rows]), until


def newest_texts(db: Db, span: Span, most: int, *, rehearsal: bool) -> list[str]:
    asked = {**vars(span), "most": most, "rehearsal": rehearsal}
    return [row["text"] for row in db.execute(_SQL.newest_texts, asked)]


def missing(db: Db, span: Span, tasks: Sequence[str], *, rehearsal: bool) -> list[Row]:
    """`task`, `turns` and `missing`; a task without a turn has no row."""
    asked = {**vars(span), "tasks": list(tasks), "rehearsal": rehearsal}
    return db.execute(_SQL.missing, asked).fetchall()


def reference_of(db: Db, heard: Heard) -> Row | None:
    """`reference` and `until`; None while the version has not said enough."""
    return db.execute(_SQL.reference_of, _named(heard)).fetchone()


def keep_reference(
    db: Db, heard: Heard, reference: Mapping[str, Any], *, until: datetime, now: datetime
) -> None:
    """Kept once; a later one changes nothing."""
    values = {**_named(heard), "reference": Jsonb(dict(reference)), "until": until, "now": now}
    db.execute(_SQL.keep_reference, values)


def first_measured(db: Db, heard: Heard) -> date | None:
    row = db.execute(_SQL.first_measured, _named(heard)).fetchone()
    return None if row is None else row["day"]


def labelled(db: Db, since: date, *, rehearsal: bool) -> list[Row]:
    """A row for each standing label of the samples of the weeks since, turn by turn."""
    return db.execute(_SQL.labelled, {"since": since, "rehearsal": rehearsal}).fetchall()


def write_day(
    db: Db, day: date, measures: Sequence[Mapping[str, Any]], *, rehearsal: bool, now: datetime
) -> None:
    """Replaces the day's measures; in the caller's transaction."""
    db.execute(_SQL.lock)
    asked = {"day": day, "rehearsal": rehearsal, "now": now}
    db.execute(_SQL.clear_day, asked)
    db.execute(_SQL.insert_measures, {**asked, "measures": Jsonb([dict(m) for m in measures])})


def newest(db: Db, *, rehearsal: bool) -> list[Row]:
    """The measures of the newest measured day."""
    return db.execute(_SQL.newest, {"rehearsal": rehearsal}).fetchall()


def history(db: Db, task: str, since: date, *, rehearsal: bool) -> list[Row]:
    asked = {"task": task, "since": since, "rehearsal": rehearsal}
    return db.execute(_SQL.history, asked).fetchall()


def raise_alert(db: Db, heard: Heard, summary: str, *, now: datetime) -> None:
    """One open alert for a version; those of other versions of the task are over."""
    name = _alert(heard)
    values = {"name": name, "summary": summary, "task": heard.task, "now": now}
    clear_alerts(db, heard.task, rehearsal=heard.rehearsal, now=now, but=name)
    db.execute(_SQL.raise_alert, {**values, "rehearsal": heard.rehearsal})


def clear_alerts(
    db: Db, task: str, *, rehearsal: bool, now: datetime, but: str | None = None
) -> None:
    prefix = _prefix(task, rehearsal=rehearsal)
    db.execute(_SQL.clear_alerts, {"prefix": prefix, "kept": but, "now": now})


def keep_alert_of(db: Db, heard: Heard, *, now: datetime) -> None:
    """Nothing new is known of this version: its own alert stays, others of the task are over."""
    clear_alerts(db, heard.task, rehearsal=heard.rehearsal, now=now, but=_alert(heard))


def _alert(heard: Heard) -> str:
    return _prefix(heard.task, rehearsal=heard.rehearsal) + heard.version


def _prefix(task: str, *, rehearsal: bool) -> str:
    return f"{ALERT} {task} {kind(rehearsal=rehearsal)} "


def kind(*, rehearsal: bool) -> str:
    """The third word of an alert's name."""
    return "rehearsal" if rehearsal else "live"


def _named(heard: Heard) -> dict[str, Any]:
    return {"task": heard.task, "version": heard.version, "rehearsal": heard.rehearsal}


def _asked(heard: Heard, span: Span, most: int) -> dict[str, Any]:
    return {**_named(heard), **vars(span), "model": heard.model, "most": most}


def _frame(rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame({name: [row[name] for row in rows] for name in _TURNS}, schema=_TURNS)
