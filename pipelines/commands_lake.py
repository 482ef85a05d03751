"""`voice-ai lake …`: finished calls as Parquet; write, prove, look, ask."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from voice_ai.errors import BadInput

if TYPE_CHECKING:  # polars and DuckDB load only when the lake is opened
    import polars as pl

    from pipelines.lake.manifest import Manifest
    from pipelines.lake.read import Lake
    from pipelines.lake.store import Store
    from pipelines.lake.sync import SyncReport
    from pipelines.lake.verify import VerifyReport

_ALL_ROWS = 10_000_000
_PATIENCE_S = 3600.0

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Finished calls as Parquet: write it, prove it equals the database, ask it in SQL.",
)
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
AsOf = Annotated[
    str | None,
    typer.Option(
        "--as-of",
        metavar="MOMENT",
        help="The lake as it was: 2026-11-24T19:00Z, a day, or the number of a commit.",
    ),
]
Out = Annotated[Path, typer.Option("--out", help="A file that ends in .csv or .parquet.")]
Name = Annotated[str, typer.Argument(help="attempts, turns, v_decisions … (`lake tables`)")]


@app.command()
def sync(as_json: AsJson = False) -> None:
    """Write what finished since the last commit. The flows process does so every minute.

    A second one beside it does nothing and says so. Killed at any moment it loses and doubles
    nothing: what was not committed is read again.

    Example: voice-ai lake sync
    """
    from pipelines.lake.sync import sync as run

    with _places() as (url, store, now), _bar("syncing") as tell:
        made = run(url, store, now=now, tell=tell)
    _told(made, as_json=as_json)


@app.command()
def rebuild(as_json: AsJson = False) -> None:
    """Make the lake anew from the database, after a restore or a doubt. Older commits stay.

    Example: voice-ai lake rebuild
    """
    from pipelines.lake.sync import sync as run

    with _places() as (url, store, now), _bar("rebuilding") as tell:
        made = run(url, store, now=now, tell=tell, anew=True)
    _told(made, as_json=as_json)


@app.command()
def verify(as_json: AsJson = False) -> None:
    """Prove that lake and database agree: counts and sums of every table, campaign and month.

    Exit 1 when a figure differs. Rows that changed after the last commit are left out.

    Example: voice-ai lake sync && voice-ai lake verify
    """
    from pipelines.lake.verify import verify as run

    with _places() as (url, store, _), _bar("comparing") as tell:
        made = run(url, store, tell=tell)
    if as_json:
        print(json.dumps({"same": made.same, **made.model_dump(mode="json")}))
    else:
        _show_verdict(made)
    if not made.same:
        sys.exit(1)


@app.command()
def compact(as_json: AsJson = False) -> None:
    """Put small files together, seal months that are over, delete what no kept commit needs.

    Example: voice-ai lake compact
    """
    from pipelines.lake.sync import compact_now

    with _places() as (url, store, _), _bar("compacting") as tell:
        made = compact_now(url, store, tell=tell)
    if as_json:
        print(json.dumps(made.model_dump(mode="json") if made else {"commit": None}))
    elif made is None:
        print("There is no commit yet, or another process writes to the lake just now.")
    elif made.merged:
        print(
            f"{made.merged:,} files became {made.written:,} ({made.sealed:,} sealed), "
            f"commit {made.commit:,}"
        )
    else:
        print("No file is due to be put together.")


@app.command()
def commits(
    most: Annotated[int, typer.Option(help="How many, the newest first.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List the commits that can still be read, and the names they are kept by.

    Example: voice-ai lake commits --most 5
    """
    from pipelines.lake import manifest as known
    from pipelines.lake.sweep import pinned

    store = _store()
    names: dict[int, list[str]] = {}
    for name, number in pinned(store).items():
        names.setdefault(number, []).append(name)
    found = [known.read(store, n) for n in reversed(known.commit_numbers(store))][:most]
    rows = [{**_about(each), "pins": names.get(each.number, [])} for each in found]
    if as_json:
        print(json.dumps({"commits": rows}))
        return
    table = Table("Commit", "As of", "Why", "Files", "Size", "Kept for")
    for row in rows:
        pins = ", ".join(row["pins"])
        table.add_row(
            f"{row['commit']:,}",
            row["as_of"],
            row["why"],
            f"{row['files']:,}",
            f"{row['bytes'] / 2**20:,.1f} MB",
            pins,
        )
    Console().print(table)


@app.command()
def tables(as_of: AsOf = None, as_json: AsJson = False) -> None:
    """List tables and cubes with their rows, files and columns.

    Example: voice-ai lake tables --as-of 2026-11-24
    """
    from pipelines.lake.cube_list import CUBES
    from pipelines.lake.tables import TABLES

    made = _opened(as_of).manifest
    columns = {name: list(table.schema) for name, table in TABLES.items()}
    columns |= {cube.table: [*cube.dims, *cube.measures] for cube in CUBES}
    rows: list[dict[str, Any]] = []
    for name, listed in columns.items():
        files = made.of(name) if made else ()
        size = sum(file.bytes for file in files)
        held = sum(file.rows for file in files)
        rows.append(
            {"table": name, "rows": held, "files": len(files), "bytes": size, "columns": listed}
        )
    if as_json:
        print(json.dumps({"commit": made.number if made else None, "tables": rows}))
        return
    shown = Table("Table", "Rows in files", "Files", "Size", "Columns")
    for row in rows:
        shown.add_row(
            row["table"],
            f"{row['rows']:,}",
            f"{row['files']:,}",
            f"{row['bytes'] / 2**20:,.1f} MB",
            ", ".join(row["columns"]),
        )
    Console().print(shown)


@app.command()
def sql(
    query: Annotated[str, typer.Argument(help="One SELECT in DuckDB's SQL.")],
    most: Annotated[int, typer.Option(help="Rows that are shown; --json gives all.")] = 50,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Ask the lake in SQL. Tables are those of `lake tables`; v_attempts … are their names too.

    Example: voice-ai lake sql "SELECT campaign, count(*) AS dials FROM attempts GROUP BY ALL"
    """
    from pipelines.lake.free import free_sql

    lake = _opened(as_of)
    found = free_sql(lake, query, rows=_ALL_ROWS, seconds=_PATIENCE_S).rows
    if as_json:
        number = lake.manifest.number if lake.manifest else None
        print(f'{{"commit": {json.dumps(number)}, "rows": {_as_json(found)}}}')
        return
    shown = Table(*found.columns)
    for row in found.head(most).iter_rows():
        shown.add_row(*("" if value is None else str(value) for value in row))
    console = Console()
    console.print(shown)
    if found.height > most:
        console.print(f"{most:,} of {found.height:,} rows; --most shows more")


@app.command("export")
def export_table(table: Name, out: Out, as_of: AsOf = None, as_json: AsJson = False) -> None:
    """Write a table of the lake, or the answer of a SELECT, as CSV or Parquet.

    Example: voice-ai lake export attempts --out attempts.parquet
    """
    export(table, out, as_of, as_json)


def export(
    table: Annotated[str, typer.Argument(help="A table of `lake tables`, or one SELECT.")],
    out: Out,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Write a table of the lake, or the answer of a SELECT, as CSV or Parquet.

    Example: voice-ai export "SELECT * FROM turns WHERE speaker = 'caller'" --out said.csv
    """
    from pipelines.lake.files import write_file

    lake = _opened(as_of)
    rows = write_file(lake, table, out)
    number = lake.manifest.number if lake.manifest else None
    if as_json:
        print(json.dumps({"out": str(out), "rows": rows, "commit": number}))
    else:
        print(f"{rows:,} rows in {out}")


@contextmanager
def _places() -> "Iterator[tuple[str, Store, datetime]]":
    """The database's address, the lake's store, the campaign clock's time."""
    from pipelines.lake.store import open_store
    from voice_ai.context import open_context

    with open_context() as context:
        store = open_store(context.settings.lake_url, context.settings.home)
        yield context.role_url("flows"), store, context.clock.now()


def _store() -> "Store":
    """Looking needs no database."""
    from pipelines.lake.store import open_store
    from voice_ai.settings import Settings

    settings = Settings.read()
    return open_store(settings.lake_url, settings.home)


def _opened(as_of: str | None) -> "Lake":
    from pipelines.lake import manifest as known
    from pipelines.lake.read import Lake

    store = _store()
    if as_of is None:
        return Lake(store, known.newest(store))
    if as_of.isdigit():
        return Lake(store, known.read(store, int(as_of)))
    return Lake(store, known.as_of(store, _moment(as_of)))


def _moment(text: str) -> datetime:
    """A day means its end; without a zone it is UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadInput(
            f"--as-of {text!r} is no moment; 2026-11-24, 2026-11-24T19:00Z or a commit is"
        ) from None
    if len(text) == len("2026-11-24"):
        moment = moment.replace(hour=23, minute=59, second=59, microsecond=999_999)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


@contextmanager
def _bar(words: str) -> Iterator[Callable[[float, str], None]]:
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    ) as bar:
        task = bar.add_task(words, total=1.0)
        yield lambda share, step: bar.update(task, completed=share, description=f"{words}: {step}")


def _told(made: "SyncReport", *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(made.model_dump(mode="json")))
    elif made.busy:
        print("Another process writes to the lake just now; nothing was done.")
    elif not made.commits:
        print(f"Nothing is new since commit {made.commit:,}.")
    else:
        rows = ", ".join(f"{count:,} {name}" for name, count in made.rows.items())
        print(f"Commit {made.commit:,}: {rows or 'no rows'} in {made.seconds:.1f} s")


def _show_verdict(made: "VerifyReport") -> None:
    left_out = ", ".join(f"{count:,} {name}" for name, count in made.later.items())
    later = f"; changed since and left out: {left_out}" if left_out else ""
    if made.same:
        print(f"Commit {made.commit:,} equals the database in {made.compared:,} figures{later}.")
        return
    table = Table("Figures of", "Month", "Campaign", "Figure", "Lake", "Database")
    for each in made.differences:
        table.add_row(
            each.of,
            each.month or "",
            each.campaign or "",
            each.figure,
            "none" if each.lake is None else f"{each.lake:,.6g}",
            "none" if each.postgres is None else f"{each.postgres:,.6g}",
        )
    Console().print(table)
    print(
        f"Commit {made.commit:,} differs in {len(made.differences):,} of {made.compared:,}"
        f" figures{later}. `voice-ai lake rebuild` makes it anew."
    )


def _about(made: "Manifest") -> dict[str, Any]:
    return {
        "commit": made.number,
        "as_of": made.as_of.isoformat(timespec="seconds"),
        "made_at": made.made_at.isoformat(timespec="seconds"),
        "why": made.why,
        "bound": made.bound,
        "files": len(made.files),
        "bytes": sum(file.bytes for file in made.files),
    }


def _as_json(found: "pl.DataFrame") -> str:
    return found.write_json()
