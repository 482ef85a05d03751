"""Brings the lake to where the database is: commit after commit, exactly once, by one writer.

A commit says itself up to which transaction it goes, so there is no place beside it that a killed
process could leave wrong: what was not committed is read again.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

import polars as pl
from pydantic import BaseModel, ConfigDict

from pipelines.lake import export
from pipelines.lake import manifest as commits
from pipelines.lake.batch import Batch
from pipelines.lake.compact import CompactReport, compact, due
from pipelines.lake.cube_list import CUBES
from pipelines.lake.manifest import Manifest
from pipelines.lake.read import Lake
from pipelines.lake.store import AlreadyThere, Store
from pipelines.lake.sweep import sweep
from pipelines.lake.tables import SMALL
from pipelines.lake.write import write_batch
from voice_ai.db.connect import Db, connect
from voice_ai.errors import Refused

Tell = Callable[[float, str], None]
_OTHER = "another process wrote to the lake in the meantime; this one wrote nothing, try again"


class SyncReport(BaseModel):
    """`rows`: new or written anew, by table; `gone`: rows that no longer count; `busy`: another
    process is at it, nothing was done."""

    model_config = ConfigDict(frozen=True)

    commit: int | None
    commits: int
    bound: int | None
    rows: dict[str, int]
    gone: int
    seconds: float
    busy: bool = False


def _silent(share: float, words: str) -> None:
    """Nobody watches."""


def sync(
    url: str, store: Store, *, now: datetime, tell: Tell = _silent, anew: bool = False
) -> SyncReport:
    """Writes what finished since the last commit. `now`: the campaign clock's time. `anew`: reads
    everything from this database again; older commits stay as they are. Raises Refused (see
    `export.window`), NotAvailable."""
    began = time.monotonic()
    rows: dict[str, int] = {}
    gone = made = 0
    with (
        connect(url, name="voice-ai lake sync", autocommit=True) as db,
        one_writer(db, store) as mine,
    ):
        manifest = commits.newest(store)
        if not mine:
            return _report(manifest, 0, {}, 0, began, busy=True)
        if anew or manifest is None:
            export.restamp(db)
        if anew and manifest is not None:
            manifest = _emptied(manifest, db)
        going = True  # once more after what another sync began and did not finish
        while going:
            going = manifest is not None and manifest.resume is not None
            for batch in batches(db, store, manifest, now, tell):
                manifest = _written(store, manifest, batch, db)
                made += 1
                for name, frame in batch.rows.items():
                    rows[name] = rows.get(name, 0) + frame.height
                gone += sum(keys.height for keys in batch.gone.values())
    return _report(manifest, made, rows, gone, began)


def batches(
    db: Db, store: Store, manifest: Manifest | None, now: datetime, tell: Tell
) -> Iterator[Batch]:
    """What one window holds, read in one snapshot; nothing where nothing changed."""
    with db.transaction():
        export.begin(db)
        found = export.window(db, manifest)
        resume = manifest.resume if manifest else None
        planned = export.plan(db, found, resume)
        small = _changed(export.small_tables(db), Lake(store, manifest))
        done, all_of_it = 0, max(1, planned.rows)
        for batch in export.pieces(db, planned, now):
            whole = replace(batch, rows={**batch.rows, **small})
            small = {}
            if whole.rows or not whole.is_empty or resume or whole.resume or _stale(manifest):
                yield whole
            resume = whole.resume
            done += sum(frame.height for name, frame in batch.rows.items() if name in export.MOST)
            tell(min(1.0, done / all_of_it), f"{done:,} of {planned.rows:,} rows")


def tail(db: Db, manifest: Manifest | None, now: datetime) -> Batch:
    """The next commit without writing it, for readers (`Lake.with_tail`). Only its first piece,
    where the lake is far behind. `db` must not be in a transaction. Raises Refused."""
    with db.transaction():
        export.begin(db)
        planned = export.plan(
            db, export.window(db, manifest), manifest.resume if manifest else None
        )
        first = next(export.pieces(db, planned, now))
        return replace(first, rows={**first.rows, **export.small_tables(db)})


@contextmanager
def one_writer(db: Db, store: Store) -> Iterator[bool]:
    """Whether this session is the one that writes to the lake; the lock falls with the session."""
    key = {"name": f"voice_ai lake {store.url}"}
    row = db.execute("SELECT pg_try_advisory_lock(hashtextextended(%(name)s, 0)) AS mine", key)
    mine = bool((row.fetchone() or {})["mine"])
    try:
        yield mine
    finally:
        if mine and not db.closed:
            db.execute("SELECT pg_advisory_unlock(hashtextextended(%(name)s, 0))", key)


def _written(store: Store, manifest: Manifest | None, batch: Batch, db: Db) -> Manifest:
    source = manifest.source if manifest else export.window(db, None).source
    try:
        return write_batch(
            store, manifest, batch, source=source, why="sync", made_at=datetime.now(UTC)
        )
    except AlreadyThere:
        raise Refused(_OTHER) from None


def compact_now(
    url: str, store: Store, *, tell: Tell = _silent, only_if_due: bool = False
) -> CompactReport | None:
    """Puts small files together and sweeps; None when another process writes to the lake, or there
    is no commit, or (asked so) nothing is due. Raises NotAvailable, Refused."""
    with (
        connect(url, name="voice-ai lake compact", autocommit=True) as db,
        one_writer(db, store) as mine,
    ):
        manifest = commits.newest(store) if mine else None
        if manifest is None or (only_if_due and not due(manifest)):
            return None
        try:
            _, report = compact(store, manifest, tell=tell)
        except AlreadyThere:
            raise Refused(_OTHER) from None
        sweep(store, now=datetime.now(UTC))
        return report


def _emptied(manifest: Manifest, db: Db) -> Manifest:
    """The same commit without a row, of this database: what a lake is made anew from."""
    source = export.window(db, None).source
    nothing = {"files": (), "cubes": {}, "bound": 0, "resume": None, "witness": None}
    return manifest.model_copy(update={**nothing, "source": source})


def _changed(small: dict[str, pl.DataFrame], lake: Lake) -> dict[str, pl.DataFrame]:
    return {name: small[name] for name in SMALL if not small[name].equals(lake.rows(name))}


def _stale(manifest: Manifest | None) -> bool:
    """A cube is defined in another way than the commit has it."""
    if manifest is None:
        return False
    return manifest.cubes != {cube.name: cube.version for cube in CUBES}


def _report(
    manifest: Manifest | None,
    made: int,
    rows: dict[str, int],
    gone: int,
    began: float,
    *,
    busy: bool = False,
) -> SyncReport:
    return SyncReport(
        commit=manifest.number if manifest else None,
        commits=made,
        bound=manifest.bound if manifest else None,
        rows={name: count for name, count in rows.items() if count},
        gone=gone,
        seconds=round(time.monotonic() - began, 3),
        busy=busy,
    )
