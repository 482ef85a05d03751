"""Writes a generated history straight into a lake, a commit for each campaign's month."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files

import duckdb
import polars as pl

from pipelines.generate.history import history
from pipelines.generate.plan import Ask, campaigns
from pipelines.generate.standing import small_rows
from pipelines.lake import manifest as commits
from pipelines.lake.batch import Batch
from pipelines.lake.manifest import Manifest
from pipelines.lake.store import Store
from pipelines.lake.tables import TABLES
from pipelines.lake.write import write_batch
from voice_ai.errors import Refused

_SEEDS = ("0002_dispositions.sql", "0006_disposition.sql")


@dataclass(frozen=True)
class Written:
    """What is in the lake now, by table; the last commit."""

    rows: dict[str, int]
    manifest: Manifest


def write(
    store: Store,
    ask: Ask,
    *,
    made_at: datetime,
    done: Callable[[int], None] = lambda calls: None,
) -> Written:
    """Fills an empty lake; `done` is told of calls as they are written. Raises Refused for a lake
    that has rows: made-up calls are never mixed with others."""
    if commits.newest(store) is not None:
        raise Refused(
            f"the lake at {store.url} has rows already, and generated ones are never mixed with"
            " others; name an empty folder in VOICE_AI_LAKE_URL, or remove this one first"
        )
    parent: Manifest | None = None
    for batch in batches(ask):
        parent = write_batch(
            store,
            parent,
            batch,
            source=f"{commits.MADE_UP}:{ask.seed}",
            why="voice-ai generate",
            made_at=made_at,
        )
        done(batch.table("attempts").height)
    assert parent is not None
    counts = {name: sum(file.rows for file in parent.of(name)) for name in TABLES}
    return Written(counts, parent)


def batches(ask: Ask) -> Iterator[Batch]:
    """The history in the order of time, by month and campaign. Small tables come with the first."""
    small = small_rows(campaigns(ask)) | {"dispositions": dispositions()}
    for bound, part in enumerate(history(ask), start=2):
        yield Batch(bound, part.ends, part.rows | small)
        small = {}


def dispositions() -> pl.DataFrame:
    """The product's outcomes, as its migrations write them."""
    schema = TABLES["dispositions"].schema
    columns = ", ".join(
        f"{name} {'BOOLEAN' if kind == pl.Boolean else 'VARCHAR'}" for name, kind in schema.items()
    )
    with duckdb.connect() as db:
        db.execute(f"CREATE TABLE dispositions ({columns})")
        for name in _SEEDS:
            db.execute((files("voice_ai.db.migrations") / "sql" / name).read_text())
        found: pl.DataFrame = db.sql("FROM dispositions ORDER BY code").pl()
        return found.cast(dict(schema))  # type: ignore[arg-type]
