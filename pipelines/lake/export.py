"""What is not in the lake yet, read from Postgres: one snapshot, one window of transactions.

The window goes from the last commit's bound to the oldest transaction that may still be running in
the snapshot, so that a late commit is never skipped. What it holds is first listed by keys
(`plan`), then read in pieces that fit into memory (`pieces`), each of which becomes a commit.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from pipelines.lake.batch import GONE, Batch
from pipelines.lake.copied import copied
from pipelines.lake.manifest import Manifest, Resume
from pipelines.lake.spoken import measures
from pipelines.lake.tables import OF_ATTEMPTS, SMALL, TABLES
from voice_ai.db import queries
from voice_ai.db.connect import Db
from voice_ai.errors import NotAvailable, Refused

_SQL = queries("lake")
# In this order they are read; of each, how many rows a commit holds at most.
MOST = {
    "leads": 250_000,
    "campaign_leads": 250_000,
    "assignments": 250_000,
    "decisions": 250_000,
    "attempts": 25_000,
}
_CHANGED = {
    "leads": _SQL.changed_leads,
    "campaign_leads": _SQL.changed_campaign_leads,
    "assignments": _SQL.changed_assignments,
    "decisions": _SQL.changed_decisions,
    "attempts": _SQL.changed_attempts,
}
_AT_ONCE = 5_000  # keys of a statement
_BY_NUMBER = frozenset({"leads", "decisions"})
_BY_PAIR = frozenset({"campaign_leads", "assignments"})
_FROM_TURNS = frozenset(measures(TABLES["turns"].schema.to_frame()).columns) - {"attempt_id"}
_REBUILD = "run `voice-ai lake rebuild` to make it anew from this database"


@dataclass(frozen=True)
class Window:
    """Transactions from `since` (included) to `until` (not included) of one database."""

    source: str
    since: int
    until: int


@dataclass(frozen=True)
class Plan:
    """`keys`: by table, in reading order: month, campaign, key (text), place (what it is sorted
    by), known (an earlier commit has it), of attempts settled_xid too. `gone`: by table."""

    window: Window
    keys: dict[str, pl.DataFrame]
    gone: dict[str, pl.DataFrame]

    @property
    def rows(self) -> int:
        return sum(frame.height for frame in self.keys.values())


def begin(db: Db) -> None:
    """Everything read after it is of one moment; ends with the transaction."""
    db.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
    # Rows are read by their keys; a plan that reads a whole table to find some would be wrong.
    db.execute("SET LOCAL random_page_cost = 1.1")
    db.execute("SET LOCAL idle_in_transaction_session_timeout = 0")


def restamp(db: Db) -> None:
    """Before the first commit, and before everything is read anew: what a restored dump brought."""
    db.execute(_SQL.restamp)


def window(db: Db, manifest: Manifest | None) -> Window:
    """What comes after that commit. Raises Refused where commit and database do not belong
    together: another one, or one that was restored from a time before the commit."""
    row = db.execute(_SQL.source).fetchone()
    if row is None:
        raise NotAvailable("the database has no id for the lake; run `voice-ai db upgrade`")
    source, bound = str(row["source"]), int(row["bound"])
    if manifest is None:
        return Window(source, 0, bound)
    if manifest.source != source:
        raise Refused(
            f"the lake was made from another database ({manifest.source}, this is {source});"
            f" {_REBUILD}"
        )
    if bound < manifest.bound or not _knows(db, manifest.witness):
        raise Refused(
            "the lake is ahead of the database, which seems to be restored from a backup;"
            f" {_REBUILD}"
        )
    until = manifest.resume.bound if manifest.resume else bound
    return Window(source, manifest.bound, until)


def _knows(db: Db, witness: str | None) -> bool:
    if witness is None:
        return True
    key, _, settled = witness.partition(" ")
    row = db.execute(_SQL.witness, {"id": key}).fetchone()
    return row is not None and str(row["settled_xid"]) == settled


def plan(db: Db, found: Window, resume: Resume | None = None) -> Plan:
    """Which rows the window holds; of one that was begun, those that are left."""
    ends = {"since": found.since, "until": found.until}
    keys = {}
    tables = list(MOST)
    for name in tables[tables.index(resume.table) :] if resume else tables:
        listed = _listed(db, name, ends)
        if resume and name == resume.table:
            listed = listed.filter(pl.col("place") > _place_of(name, resume.after))
        keys[name] = listed
    rows = copied(db, _SQL.gone, pl.Schema({"table_name": pl.String(), **GONE}), ends)
    gone = {str(name): part.drop("table_name") for (name,), part in rows.group_by("table_name")}
    return Plan(found, keys, gone)


def _listed(db: Db, name: str, ends: dict[str, int]) -> pl.DataFrame:
    schema = {"month": pl.String(), "campaign": pl.String(), "key": pl.String()}
    more = {"settled_xid": pl.Int64()} if name == "attempts" else {}
    listed = copied(db, _CHANGED[name], pl.Schema({**schema, "known": pl.Boolean(), **more}), ends)
    place = pl.concat_str("month", "campaign", "key", separator="/", ignore_nulls=True)
    if name in _BY_NUMBER:
        place = pl.col("key").cast(pl.Int64)
    return listed.with_columns(place=place).sort("place")


def _place_of(name: str, after: str) -> int | str:
    return int(after) if name in _BY_NUMBER else after


def pieces(db: Db, planned: Plan, now: datetime) -> Iterator[Batch]:
    """The window as batches, to be committed in this order. All but the last only go part of the
    way and say so (`resume`); small tables are not in them (`small_tables`)."""
    held: dict[str, pl.DataFrame] = {}
    room = 1.0
    for name, listed in planned.keys.items():
        rest = listed
        while not rest.is_empty():
            taken = rest.head(max(1, int(room * MOST[name])))
            rest = rest.slice(taken.height)
            held[name] = taken
            room -= taken.height / MOST[name]
            if room <= 0 or not rest.is_empty():
                resume = Resume(
                    bound=planned.window.until, table=name, after=str(taken["place"][-1])
                )
                yield _batch(db, planned, held, now, resume)
                held, room = {}, 1.0
    yield _batch(db, planned, held, now, None)


def small_tables(db: Db) -> dict[str, pl.DataFrame]:
    """They are written whole, when they changed."""
    return {name: copied(db, getattr(_SQL, name), TABLES[name].schema) for name in SMALL}


def _batch(
    db: Db, planned: Plan, held: dict[str, pl.DataFrame], now: datetime, resume: Resume | None
) -> Batch:
    rows: dict[str, pl.DataFrame] = {}
    for name, listed in held.items():
        if name == "attempts":
            rows |= _whole_attempts(db, listed["key"])
        else:
            rows[name] = _read(db, name, listed, planned.window)
    gone = {} if resume else dict(planned.gone)
    for name, listed in held.items():
        known = listed.filter("known").select("key", "month", "campaign")
        if not known.is_empty():
            gone[name] = pl.concat([gone[name], known]) if name in gone else known
    ended = held.get("attempts")
    witness = None
    if ended is not None:
        newest = ended.sort("settled_xid", "key").row(-1, named=True)
        witness = f"{newest['key']} {newest['settled_xid']}"
    return Batch(
        bound=planned.window.since if resume else planned.window.until,
        as_of=now,
        rows=rows,
        gone=gone,
        resume=resume,
        witness=witness,
    )


def _whole_attempts(db: Db, keys: pl.Series) -> dict[str, pl.DataFrame]:
    """Attempts with all that belongs to them, and what their turns say of them."""
    rows = {}
    for name in OF_ATTEMPTS:
        schema = TABLES[name].schema
        if name == "attempts":
            schema = pl.Schema({c: k for c, k in schema.items() if c not in _FROM_TURNS})
        query = getattr(_SQL, name)
        rows[name] = pl.concat(
            copied(db, query, schema, {"keys": part.to_list()}) for part in _parts(keys)
        )
    told = rows["attempts"].join(measures(rows["turns"]), on="attempt_id", how="left")
    return rows | {"attempts": told.select(TABLES["attempts"].schema.names())}


def _read(db: Db, name: str, listed: pl.DataFrame, found: Window) -> pl.DataFrame:
    read = []
    for part in listed.iter_slices(_AT_ONCE):
        values: dict[str, Any] = {"keys": part["key"].cast(pl.Int64).to_list()}
        if name in _BY_PAIR:
            values["campaigns"] = part["campaign"].to_list()
        if name == "assignments":
            values |= {"since": found.since, "until": found.until}
        read.append(copied(db, getattr(_SQL, name), TABLES[name].schema, values))
    return pl.concat(read)


def _parts(keys: pl.Series) -> Iterator[pl.Series]:
    for start in range(0, len(keys), _AT_ONCE):
        yield keys.slice(start, _AT_ONCE)
