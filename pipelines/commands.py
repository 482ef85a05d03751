"""`voice-ai import`."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from voice_ai.errors import UsageError

if TYPE_CHECKING:  # polars and the database driver load only when a file is read
    from pipelines.imports.load import Progress as Report
    from pipelines.imports.report import ImportReport


def import_file(
    file: Annotated[Path, typer.Argument(help="CSV, TSV, XLSX or Parquet", show_default=False)],
    list_name: Annotated[str, typer.Option("--list", help="the list; made when it is new")],
    column: Annotated[
        list[str] | None, typer.Option("--map", metavar="FIELD=COLUMN", help="overrides a guess")
    ] = None,
    seller: Annotated[str | None, typer.Option(help="the business that will call")] = None,
    consent: Annotated[
        str | None, typer.Option(help="attested for the whole new list: written or express")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="judge only, write nothing")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object")] = False,
) -> None:
    """Import a lead file into a list."""
    from pipelines.imports import DEFAULT_SELLER, import_leads
    from voice_ai.context import open_context

    mapping = _mapping(column or [])
    if consent not in (None, "written", "express"):
        raise UsageError("--consent is written or express")
    with open_context() as context:
        rehearsal = context.rehearsal
        with progress_bar(file.name) as progress:
            report = import_leads(
                context.role_url("flows"),
                context.keyring,
                file,
                list_name=list_name,
                seller=seller or DEFAULT_SELLER,
                rehearsal=rehearsal,
                consent_kind=consent or ("rehearsal" if rehearsal else None),
                attested_by=_user(),
                mapping=mapping,
                home=context.settings.home,
                now=context.clock.now(),
                dry_run=dry_run,
                progress=progress,
            )
    print(report.model_dump_json()) if as_json else show(report, Console())


def show(report: "ImportReport", console: Console) -> None:
    """The report as tables."""
    columns = Table(
        "field", "column", "sure", "looks like", title=f"{report.file}: {report.format}"
    )
    for mapped in report.mapping:
        sure = f"{mapped.confidence:.0%}"
        columns.add_row(mapped.field, mapped.column, sure, "  ".join(mapped.samples))
    console.print(columns)
    counts = Table("rows", "count", title="Nothing was written" if report.dry_run else None)
    counts.columns[1].justify = "right"
    for name, count in (
        ("read", report.rows),
        ("accepted", report.accepted),
        ("again in the file", report.duplicates),
        ("on the list already", report.already_in_list),
        *((f"refused: {reason}", count) for reason, count in report.rejected_by_reason.items()),
        *([("accepted, but suppressed", report.suppressed)] if report.suppressed else []),
        *([("marked do-not-call", report.do_not_call)] if report.do_not_call else []),
    ):
        counts.add_row(name, f"{count:,}")
    console.print(counts)
    for warning in report.warnings:
        console.print(f"Note: {warning}.")
    if report.repeated:
        console.print("This file was imported before; nothing was changed.")
    if report.rejects_file:
        console.print(f"Refused rows, with reasons: {report.rejects_file}", soft_wrap=True)
    console.print(f"{report.seconds:.1f} s, {report.rows_per_second:,.0f} rows a second.")


def _mapping(pairs: list[str]) -> dict[str, str]:
    mapping = {}
    for pair in pairs:
        name, equals, column = pair.partition("=")
        if not (name and equals and column):
            raise UsageError(f"--map takes FIELD=COLUMN, as in --map phone=Telefon, not {pair!r}")
        mapping[name.strip()] = column.strip()
    return mapping


def _user() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


@contextmanager
def progress_bar(name: str) -> Iterator["Report"]:
    console = Console(stderr=True)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rows]:,} rows"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not sys.stderr.isatty(),
    ) as bar:
        task = bar.add_task(name, total=1.0, rows=0)

        def progress(rows: int, part: float | None) -> None:
            bar.update(task, rows=rows, completed=part or 0.0, total=None if part is None else 1.0)

        yield progress
