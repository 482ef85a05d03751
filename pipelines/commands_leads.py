"""`voice-ai leads …`: lists, imports, refused rows, one lead's history, and never calling again."""

import getpass
import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from pipelines.commands_callback import callback
from pipelines.commands_hours import hours
from voice_ai.errors import NotFound, Refused, UsageError

if TYPE_CHECKING:
    from voice_ai.context import Context
    from voice_ai.db.connect import Db, Row

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Leads: lists, imports, refused rows, history, suppression.",
)

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
Run = Annotated[str, typer.Argument(help="Id of the import; `leads imports` shows it.")]


@contextmanager
def _database(role: str = "app") -> "Iterator[tuple[Context, Db]]":
    from voice_ai.context import open_context
    from voice_ai.db import connect

    with (
        open_context() as context,
        connect(context.role_url(role), name="voice-ai leads", autocommit=True) as db,
    ):
        yield context, db


@app.command()
def lists(as_json: AsJson = False) -> None:
    """Every list: whose it is, its leads, its consent, who calls it.

    Example: voice-ai leads lists
    """
    from voice_ai.store import leads as store

    with _database() as (_, db):
        rows = store.lists(db)
    if as_json:
        print(json.dumps({"lists": rows}, default=str))
        return
    if not rows:
        print("There is no list yet. Make one: voice-ai import leads.csv --list NAME")
        return
    table = Table("List", "Seller", "Leads", "Suppressed", "Consent", "Campaigns")
    for row in rows:
        consent, campaigns = row["consent_kind"] or "per number", ", ".join(row["campaigns"])
        counts = (f"{row['leads']:,}", f"{row['suppressed']:,}")
        table.add_row(row["name"], row["seller"], *counts, consent, campaigns)
    Console().print(table)


@app.command()
def imports(as_json: AsJson = False) -> None:
    """Every import, the newest first, with its id.

    Example: voice-ai leads imports
    """
    from voice_ai.store import leads as store

    with _database() as (_, db):
        rows = store.imports(db)
    if as_json:
        kept = [{key: row[key] for key in row if key != "report"} for row in rows]
        print(json.dumps({"imports": kept}, default=str))
        return
    if not rows:
        print("Nothing was imported yet. Begin: voice-ai import leads.csv --list NAME")
        return
    table = Table("Import", "When", "List", "File", "Accepted", "Not imported", "Taken back")
    for row in rows:
        undone = f"{row['undone_at']:%F %R %Z}" if row["undone_at"] else ""
        table.add_row(
            str(row["run_id"]),
            f"{row['finished_at']:%F %R %Z}",
            row["list"],
            row["file"],
            f"{row['accepted']:,}",
            f"{row['rejected']:,}",
            undone,
        )
    Console().print(table)


@app.command()
def rejects(
    run_id: Run,
    out: Annotated[
        Path | None, typer.Option(help="Copy the file of them, values in clear, there.")
    ] = None,
    limit: Annotated[int, typer.Option(help="How many to show.")] = 20,
    as_json: AsJson = False,
) -> None:
    """The rows that an import refused, each with its reason; values are masked.

    Example: voice-ai leads rejects 5f0c… --out refused.csv
    """
    from voice_ai.store import leads as store

    with _database() as (_, db):
        run = store.find_run(db, run_id)
        rows = store.rejects(db, run["run_id"], limit=limit)
    copied = _copied(run, out) if out else None
    if as_json:
        facts = {"run_id": run_id, "file": run["file"], "rejected": run["rejected"]}
        print(json.dumps({**facts, "rejects": rows, "out": copied}, default=str))
        return
    table = Table("Line", "Field", "Reason", "What is wrong", "Value, masked")
    for row in rows:
        words = (row["field"], row["reason"], row["explanation"], row["value_masked"] or "")
        table.add_row(str(row["line"]), *words)
    Console().print(table)
    print(f"{len(rows):,} of {run['rejected']:,} rows of {run['file']}.")
    if copied:
        print(f"All of them, with their values: {copied}")


def _copied(run: "Row", out: Path) -> str:
    """Raises NotFound."""
    kept = (run["report"] or {}).get("rejects_file")
    if kept is None or not Path(kept).is_file():
        raise NotFound("the file of refused rows of this import is not on this machine")
    out.touch(mode=0o600)
    shutil.copyfile(kept, out)
    return str(out)


@app.command()
def undo(
    run_id: Run,
    wait: Annotated[
        bool, typer.Option("--wait", help="Ask the flows process, and wait for it.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Take an import back while none of its leads was called.

    Example: voice-ai leads undo 5f0c…
    """
    from pipelines.undo import undo_import

    if wait:
        result = _undone_by_flow(run_id)
    else:
        with _database() as (context, _):
            result = undo_import(context.role_url("flows"), run_id, now=context.clock.now())
    _answer(
        result,
        f"{result['leads']:,} leads of {result['file']} were taken off their list,"
        f" {result['campaign_leads']:,} standings in campaigns with them.",
        as_json=as_json,
    )


def _undone_by_flow(run_id: str) -> dict[str, Any]:
    """Raises Refused when the flow did not do it."""
    from voice_ai.store import flow_requests

    with _database() as (context, db):
        now = context.clock.now()
        request = flow_requests.ask(
            db, "undo-import", {"run_id": run_id}, by=getpass.getuser(), now=now
        )
        row = flow_requests.wait_for(db, request, timeout=120)
    if row["state"] != "done":
        raise Refused(
            f"the import was not taken back: {row['message'] or row['state']}"
            + ("" if row["state"] in flow_requests.FINISHED else "; is `voice-ai flows` running?")
        )
    return dict(row["result"])


@app.command()
def show(
    lead: Annotated[str, typer.Argument(help="Id of a lead, or a phone number with a +.")],
    as_json: AsJson = False,
) -> None:
    """All that happened to a lead: campaigns, decisions, dials, suppressions, consents.

    Example: voice-ai leads show 4711
    """
    from voice_ai.store import leads as store

    with _database() as (context, db):
        if lead.isdigit() and len(lead) < 10:
            ids = [int(lead)]
        else:
            ids = store.leads_of_number(db, context.keyring, lead)
        history = store.history(db, ids[0])
    if as_json:
        print(json.dumps(asdict(history), default=str))
        return
    _show(history.lead, {name: getattr(history, name) for name in _SHOWN})


_SHOWN = {
    "siblings": ("list", "seller", "file", "line", "lead_id"),
    "standings": ("campaign", "state", "attempts", "next_allowed_at", "disposition"),
    "attempts": ("intended_at", "campaign", "attempt_no", "state", "disposition"),
    "decisions": ("decided_at", "campaign", "allow", "reasons", "next_allowed_at"),
    "suppressions": ("created_at", "scope", "seller", "source", "reason"),
    "consents": ("obtained_at", "seller", "kind", "purpose", "expires_at", "revoked_at"),
}


def _show(lead: "Row", parts: "dict[str, list[Row]]") -> None:
    console = Console()
    zones = ", ".join(lead["zones"]) or "no known time zone"
    console.print(f"Lead {lead['lead_id']} (person …{lead['person']}), {zones}. Times are UTC.")
    for name, columns in _SHOWN.items():
        rows = parts[name]
        if not rows:
            continue
        table = Table(*(column.replace("_", " ") for column in columns), title=name)
        for row in rows[:20]:
            table.add_row(*(_cell(row[column]) for column in columns))
        console.print(table)
        if len(rows) > 20:
            console.print(f"… and {len(rows) - 20:,} older ones; --json has them.")


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if hasattr(value, "strftime"):
        return f"{value:%F %R}"
    return (
        ", ".join(map(str, value))
        if isinstance(value, Sequence) and not isinstance(value, str)
        else str(value)
    )


@app.command()
def suppress(
    number: Annotated[str, typer.Argument(help="The phone number, best with its country: +1 …")],
    seller: Annotated[str, typer.Option(help="Who must never call it again.")],
    reason: Annotated[
        str, typer.Option(help="opt_out, wrong_number, complaint or other")
    ] = "opt_out",
    as_json: AsJson = False,
) -> None:
    """Never call this number again; in force, also for dials on their way, when it returns.

    Example: voice-ai leads suppress "+1 212 555 0100" --seller "Acme" --reason complaint
    """
    from voice_ai.store import leads as store

    known = next((one for one in store.REASONS if one == reason), None)
    if known is None:
        raise UsageError(f"--reason is one of {', '.join(store.REASONS)}, not {reason!r}")
    with _database() as (context, db):
        done = store.suppress_number(
            db,
            context.keyring,
            number,
            seller=seller,
            reason=known,
            source="command",
            now=context.clock.now(),
            by=getpass.getuser(),
        )
    said = (
        f"{done.seller} was not to call this number already, since {done.since:%F %R} UTC."
        if done.already
        else f"{done.seller} never calls this number again."
    )
    live = " A call to it is live: it ends if it still rings." if done.live_calls else ""
    facts = {**asdict(done), "since": done.since.isoformat()}
    _answer(facts, said + live, as_json=as_json)


def _answer(facts: dict[str, Any], text: str, *, as_json: bool) -> None:
    print(json.dumps(facts, default=str) if as_json else text)


app.command()(callback)
app.command()(hours)
