"""SQL that somebody typed: one SELECT over the lake alone, so many rows, so much time.

A connection of its own that may open the lake's files and nothing else: no other file, no network,
no extension; and one that writes is refused before it runs.
"""

from dataclasses import dataclass
from pathlib import Path
from threading import Timer

import duckdb
import polars as pl
import polars.selectors as cs

from pipelines.lake.read import MEMORY, THREADS, Lake
from pipelines.lake.tables import aware
from voice_ai.errors import BadInput

MOST_ROWS = 10_000
MOST_SECONDS = 20.0
_READS = {duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN}


@dataclass(frozen=True)
class Found:
    """`cut`: there were more rows than these."""

    rows: pl.DataFrame
    cut: bool


def free_sql(
    lake: Lake, query: str, *, rows: int = MOST_ROWS, seconds: float = MOST_SECONDS
) -> Found:
    """The first rows of the answer. Raises BadInput, in words, for SQL that DuckDB does not
    understand, that would write, or that takes too long."""
    text = query.strip().rstrip(";")
    with duckdb.connect(config={"memory_limit": MEMORY, "threads": THREADS}) as connection:
        _fence(connection, lake.store.root)
        lake.prepare(connection, text)
        _only_reads(text)
        stop = Timer(seconds, connection.interrupt)
        stop.start()
        try:
            found = connection.sql(text)
            if found is None:
                raise BadInput("that gives no rows; ask with SELECT")
            answer = found.limit(rows + 1).pl()
        except duckdb.InterruptException as error:
            raise BadInput(
                f"that took longer than {seconds:.0f} s and was stopped; ask for one campaign or a"
                " shorter time, or ask a cube"
            ) from error
        except duckdb.OutOfMemoryException as error:
            raise BadInput(
                f"that needs more than {MEMORY} of memory; ask for less at once"
            ) from error
        except duckdb.Error as error:
            raise BadInput(str(error).strip()) from error
        except pl.exceptions.ComputeError as error:
            raise BadInput(
                "a column has a type that cannot be shown here; CAST it to VARCHAR"
            ) from error
        finally:
            stop.cancel()
    return Found(_plain(aware(answer.head(rows))), answer.height > rows)


def _plain(rows: pl.DataFrame) -> pl.DataFrame:
    """Sums of whole numbers come as decimals, which tables and charts do not take."""
    whole = [
        name
        for name, kind in rows.schema.items()
        if kind == pl.Int128 or (isinstance(kind, pl.Decimal) and kind.scale == 0)
    ]
    return rows.with_columns(pl.col(whole).cast(pl.Int64, strict=False)).with_columns(
        cs.decimal().cast(pl.Float64)
    )


def _fence(connection: duckdb.DuckDBPyConnection, root: Path) -> None:
    folder = str(root.resolve()).replace("'", "''")
    connection.execute(f"SET allowed_directories = ['{folder}/']")
    connection.execute("SET enable_external_access = false")
    # Else a name that is no table would be looked for among this program's own variables.
    connection.execute("SET python_enable_replacements = false")
    connection.execute("SET lock_configuration = true")


def _only_reads(text: str) -> None:
    try:
        statements = duckdb.extract_statements(text)
    except duckdb.Error as error:
        raise BadInput(str(error).strip()) from error
    if len(statements) != 1:
        raise BadInput("one SELECT at a time, please" if statements else "there is no SQL to run")
    if statements[0].type not in _READS:
        raise BadInput("the lake is read here, never written; ask with SELECT")
