"""`voice-ai dnc …`: who must not be called; one number, a file, and the lists that others keep."""

import getpass
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from voice_ai.errors import UsageError

if TYPE_CHECKING:  # polars and the database driver load only when they are needed
    from pipelines.do_not_call.load import FileReport
    from pipelines.do_not_call.numbers_file import RefusedLine
    from voice_ai.context import Context
    from voice_ai.db.connect import Db, Row
    from voice_ai.store.suppressions import Order

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Do not call: numbers, files of numbers, and the lists that others keep.",
)
snapshot = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Outside do-not-call lists and their age."
)
app.add_typer(snapshot, name="snapshot")

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
Scope = Annotated[str, typer.Option(help="Who must not call: campaign, seller or all.")]
Seller = Annotated[str | None, typer.Option(help="The seller, for scope seller.")]
Campaign = Annotated[str | None, typer.Option(help="The campaign, for scope campaign.")]
Why = Annotated[str, typer.Option("--reason", help="opt_out, wrong_number, complaint or other")]
Country = Annotated[str, typer.Option(help="For numbers without a plus sign: two letters.")]
File = Annotated[Path, typer.Argument(help="CSV, TSV, TXT, XLSX or Parquet.", show_default=False)]
Column = Annotated[str | None, typer.Option(help="The column with the numbers, if not guessed.")]


@contextmanager
def _database() -> "Iterator[tuple[Context, Db]]":
    from voice_ai.context import open_context
    from voice_ai.db import connect

    with (
        open_context() as context,
        connect(context.role_url("app"), name="voice-ai dnc", autocommit=True) as db,
    ):
        yield context, db


def _order(
    db: "Db", source: str, scope: str, reason: str, seller: str | None, campaign: str | None
) -> "Order":
    from voice_ai.store import suppressions as store

    known = next((one for one in store.REASONS if one == reason), None)
    if known is None:
        raise UsageError(f"--reason is one of {', '.join(store.REASONS)}, not {reason!r}")
    return store.order_for(
        db,
        scope,
        source="file" if source == "file" else "command",
        reason=known,
        seller=seller,
        campaign=campaign,
        added_by=getpass.getuser(),
    )


@app.command()
def add(
    numbers: Annotated[list[str], typer.Argument(metavar="NUMBER…", help="Best with +country.")],
    scope: Scope = "all",
    seller: Seller = None,
    campaign: Campaign = None,
    reason: Why = "opt_out",
    country: Country = "US",
    as_json: AsJson = False,
) -> None:
    """Never call these numbers again; in force, also for dials on their way, when it returns.

    Examples:

      voice-ai dnc add "+1 212 555 0100" "(415) 555-0123"

      voice-ai dnc add +442071838750 --scope seller --seller Acme --reason complaint
    """
    from voice_ai.errors import BadInput
    from voice_ai.store import suppressions as store

    told = []
    for at, number in enumerate(numbers, start=1):
        try:
            told.append(store.e164(number, country.upper()))
        except BadInput as error:
            raise BadInput(f"number {at} of {len(numbers)}: {error.message}") from error
    with _database() as (context, db):
        order = _order(db, "command", scope, reason, seller, campaign)
        now = context.clock.now()
        ids = store.ensure_numbers(db, context.keyring, told, now)
        done = store.suppress(db, ids, order, now)
    live = f" {done.live_calls} live calls: those that ring are ended." if done.live_calls else ""
    text = f"{done.added:,} added, {done.already:,} were so already.{live}"
    _answer({"scope": scope, **asdict(done)}, text, as_json=as_json)


@app.command("import")
def import_file(
    file: File,
    scope: Scope = "all",
    seller: Seller = None,
    campaign: Campaign = None,
    reason: Why = "opt_out",
    column: Column = None,
    country: Country = "US",
    leave_out_refused: Annotated[
        bool, typer.Option("--leave-out-refused", help="Take the good lines of a file with bad.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Look only, write nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Never call the numbers of a file again: all of them, or none if a line is no number.

    Example: voice-ai dnc import said-no.csv --scope seller --seller Acme
    """
    from pipelines.commands import progress_bar
    from pipelines.do_not_call.load import import_numbers

    with _database() as (context, db):
        order = _order(db, "file", scope, reason, seller, campaign)
        with progress_bar(file.name) as progress:
            report = import_numbers(
                db,
                context.keyring,
                file,
                None if dry_run else order,
                context.clock.now(),
                country=country.upper(),
                column=column,
                leave_out_refused=leave_out_refused,
                progress=progress,
            )
    if as_json:
        print(json.dumps({"scope": scope, "dry_run": dry_run, **asdict(report)}))
    else:
        _show_file(report, dry_run=dry_run)
    if report.refused and not report.written and not dry_run:
        raise typer.Exit(1)


def _show_file(report: "FileReport", *, dry_run: bool) -> None:
    _show_refused(report.file, report.refused_lines, report.refused)
    print(
        f"{report.file}, column {report.column}: {report.rows:,} lines,"
        f" {report.numbers:,} different numbers, {report.refused:,} lines refused."
    )
    if report.written:
        print(f"{report.added:,} added, {report.already:,} were so already.")
    elif dry_run:
        print("Nothing was written: it was only a look.")
    else:
        print("Nothing was written. Mend those lines, or take the others with --leave-out-refused.")


def _show_refused(file: str, lines: "tuple[RefusedLine, ...]", count: int) -> None:
    if not lines:
        return
    table = Table("File", "Line", "Field", "What is wrong", "Value, masked")
    for one in lines:
        words = (one.field, one.explanation, one.value_masked or "")
        table.add_row(file, str(one.line), *words)
    Console(stderr=True).print(table)
    if count > len(lines):
        Console(stderr=True).print(f"… and {count - len(lines):,} more.")


@app.command("list")
def list_newest(
    limit: Annotated[int, typer.Option(min=1, help="How many of the newest.")] = 30,
    as_json: AsJson = False,
) -> None:
    """The newest suppressions: who may not call, how it came in; no numbers.

    Example: voice-ai dnc list --limit 100
    """
    from voice_ai.store import suppressions as store

    with _database() as (_, db):
        rows = store.newest(db, limit)
    if as_json:
        print(json.dumps({"suppressions": rows}, default=str))
        return
    if not rows:
        print("Nobody is suppressed yet. Begin: voice-ai dnc add NUMBER")
        return
    table = Table("Since (UTC)", "Person", "Who may not call", "Came by", "Reason", "Added by")
    for row in rows:
        table.add_row(
            f"{row['created_at']:%F %R}",
            f"…{row['person']}",
            _who(row),
            row["source"],
            row["reason"],
            row["added_by"] or "the person",
        )
    Console().print(table)


def _who(row: "Row") -> str:
    return {"all": "nobody", "seller": row["seller"], "campaign": row["campaign"]}[
        row["scope"]
    ] or ""


@app.command()
def check(
    number: Annotated[str, typer.Argument(help="A phone number, best with its country.")],
    country: Country = "US",
    as_json: AsJson = False,
) -> None:
    """Is this number suppressed, why, since when, and how did it come in?

    Example: voice-ai dnc check "+1 212 555 0100"
    """
    from voice_ai.store import suppressions as store

    with _database() as (context, db):
        standing = store.standing(db, context.keyring, number, country.upper())
    if as_json:
        facts = {"suppressed": bool(standing.suppressions), **asdict(standing)}
        print(json.dumps(facts, default=str))
        return
    for row in standing.suppressions:
        whom = "Nobody calls it" if row["scope"] == "all" else f"{_who(row)} does not call it"
        by = f", added by {row['added_by']}" if row["added_by"] else ""
        print(
            f"{whom}: {row['reason']} by {row['source']}, since {row['created_at']:%F %R} UTC{by}."
        )
    if not standing.suppressions:
        print("No suppression stops calls to this number.")
    for row in standing.outside_lists:
        print(f"On the list {row['source']} of {row['taken_at']:%F}.")
    for row in standing.consents:
        end = f", taken back {row['revoked_at']:%F}" if row["revoked_at"] else ""
        print(f"Consent for {row['seller']}, {row['kind']}, of {row['obtained_at']:%F}{end}.")
    for row in standing.contacts:
        print(f"It reached us by {row['kind']} on {row['received_at']:%F %R} UTC.")


@snapshot.command("load")
def load(
    file: File,
    source: Annotated[
        str,
        typer.Option(help="us_national_dnc, uk_tps, ca_national_dncl, us_reassigned, litigators."),
    ],
    taken_on: Annotated[
        datetime, typer.Option(formats=["%Y-%m-%d"], help="The day the list was made.")
    ],
    column: Column = None,
    much_smaller: Annotated[
        bool, typer.Option("--much-smaller", help="Also if it has less than half the numbers.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Put a whole outside list in force; it replaces the former one of its source at once.

    Example: voice-ai dnc snapshot load dnc.txt --source us_national_dnc --taken-on 2026-11-20
    """
    from pipelines.commands import progress_bar
    from pipelines.do_not_call.snapshots import load_snapshot
    from voice_ai.context import open_context

    with open_context() as context, progress_bar(file.name) as progress:
        report = load_snapshot(
            context.role_url("flows"),
            context.keyring,
            file,
            source=source,
            taken_on=taken_on.date(),
            now=context.clock.now(),
            column=column,
            much_smaller=much_smaller,
            progress=progress,
        )
    if not as_json:
        _show_refused(report.file, report.refused_lines, report.refused)
    before = f"; before: {report.before:,}" if report.before is not None else ""
    text = (
        "This list is in force already; nothing was changed."
        if report.repeated
        else f"{report.numbers:,} numbers of {report.source} are in force{before}."
    )
    _answer(asdict(report), text, as_json=as_json)


@snapshot.command("list")
def list_snapshots(as_json: AsJson = False) -> None:
    """Every outside list: what is in force, how old it is, and how old it may be.

    Example: voice-ai dnc snapshot list --json
    """
    from voice_ai.outside_lists import age_in_words
    from voice_ai.store.outside_lists import outside_lists

    with _database() as (context, db):
        now = context.clock.now()
        found = outside_lists(db, now)
    if as_json:
        rows = [
            {
                "source": one.outside.source,
                "state": one.state,
                "days": one.days,
                "warn_days": one.outside.warn_days,
                "limit_days": one.outside.limit_days,
                "numbers": one.rows,
                "taken_on": f"{one.taken_at:%F}" if one.taken_at else None,
                "loaded_at": one.loaded_at,
            }
            for one in found
        ]
        print(json.dumps({"lists": rows}, default=str))
        return
    table = Table("List", "Source", "Numbers", "Of", "Age", "State")
    colours = {"ok": "green", "warn": "yellow", "stale": "red", "missing": "dim"}
    for one in found:
        table.add_row(
            one.outside.title,
            one.outside.source,
            f"{one.rows:,}" if one.rows is not None else "",
            f"{one.taken_at:%F}" if one.taken_at else "",
            age_in_words(one.outside, one.taken_at, now),
            f"[{colours[one.state]}]{one.state}[/]",
        )
    Console().print(table)


def _answer(facts: dict[str, Any], text: str, *, as_json: bool) -> None:
    print(json.dumps(facts, default=str) if as_json else text)
