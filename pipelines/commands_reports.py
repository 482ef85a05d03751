"""`voice-ai reports`: the archive of reports."""

import getpass
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:  # the database driver loads only when a command runs
    from voice_ai.context import Context
    from voice_ai.db.connect import Db

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="Reports that were made: list them, build one, send one again.",
)
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
Id = Annotated[str, typer.Argument(help="The report's id, or how it begins.")]


@app.command("list")
def list_reports(
    kind: Annotated[str | None, typer.Option(help="Only this kind.")] = None,
    limit: Annotated[int, typer.Option(help="How many of the newest.")] = 30,
    as_json: AsJson = False,
) -> None:
    """The newest first: what was made, from which commit, to whom it went.

    Example: voice-ai reports list --kind daily
    """
    from pipelines.commands_report import kind_of
    from voice_ai.store import report_archive as store

    with _database() as (_, db):
        rows = store.recent(db, kind=kind_of(kind) if kind else None, limit=limit)
    if as_json:
        print(json.dumps({"reports": rows}, default=str))
        return
    table = Table("Report", "Title", "As of (UTC)", "Commit", "By", "Sent")
    for row in rows:
        table.add_row(
            str(row["id"])[:8],
            row["title"],
            f"{row['as_of']:%F %R}",
            str(row["lake_commit"]),
            row["made_by"],
            _sent(row),
        )
    Console().print(table)


@app.command("show")
def show(report: Id, as_json: AsJson = False) -> None:
    """One report: where its file is, what it was built from.

    Example: voice-ai reports show 3f9a1c20
    """
    from pipelines.report.archive import file_of
    from voice_ai.store import report_archive as store

    with _database() as (context, db):
        row = store.look(db, report)
        path = file_of(context.settings.home, row)
    if as_json:
        told = {key: value for key, value in row.items() if key != "facts"}
        print(json.dumps({**told, "file": str(path)}, default=str))
        return
    source = f"commit {row['lake_commit']} of the lake"
    print(f"{row['title']}, as of {row['as_of']:%F %R} UTC, from {source}.\n{path}\n{_sent(row)}")


@app.command("build")
def build(
    kind: Annotated[str, typer.Argument(help="campaign, interim, daily, model or compliance.")],
    campaign: Annotated[str | None, typer.Argument(help="For campaign and interim.")] = None,
    as_of: Annotated[str | None, typer.Option("--as-of", metavar="MOMENT")] = None,
    commit: Annotated[int | None, typer.Option(help="This commit of the lake.")] = None,
    send: Annotated[bool, typer.Option("--send", help="Also send it.")] = False,
    as_json: AsJson = False,
) -> None:
    """Build a report from the lake and keep it in the archive.

    Example: voice-ai reports build interim "Spring survey" --send
    """
    from pipelines.commands_report import ask_of, kind_of
    from pipelines.lake.store import open_store
    from pipelines.notify import channels_of
    from pipelines.report.archive import keep
    from pipelines.report.delivery import deliver
    from pipelines.report.make import lake_of, make
    from voice_ai.store import report_archive as store

    ask = ask_of(kind_of(kind), campaign, as_of, commit)
    with _database() as (context, db):
        home, now = context.settings.home, context.clock.now()
        url = context.role_url("flows")
        source = lake_of(url, open_store(context.settings.lake_url, home), ask, now=now)
        made = make(url, source, ask, rehearsal=context.rehearsal)
        kept = keep(db, home, made, lake=source.lake, by=_user(), now=now)
        said = "not asked to be sent"
        if send:
            row = store.look(db, str(kept.id))
            said = deliver(db, home, row, channels_of(context.settings), now=now).sentence
    answer = {"id": str(kept.id), "out": str(kept.path), "commit": made.scope.commit, "sent": said}
    if kept.calls is not None:
        answer["calls"] = str(kept.calls)
    print(json.dumps(answer) if as_json else f"{made.title} in {kept.path}; {said}.")


@app.command("send")
def send_again(report: Id, as_json: AsJson = False) -> None:
    """Send an archived report through every channel that is configured; exit 1 when none took it.

    Example: voice-ai reports send 3f9a1c20
    """
    from pipelines.notify import channels_of
    from pipelines.report.delivery import deliver
    from voice_ai.store import report_archive as store

    with _database() as (context, db):
        outcome = deliver(
            db,
            context.settings.home,
            store.look(db, report),
            channels_of(context.settings),
            now=context.clock.now(),
        )
    answer = {"sent_to": list(outcome.told), "failed": list(outcome.failed)}
    print(json.dumps(answer) if as_json else outcome.sentence)
    if not outcome.told:
        raise typer.Exit(1)


@app.command("again")
def build_again(
    report: Id,
    out: Annotated[Path | None, typer.Option("--out", help="Also write it there.")] = None,
    as_json: AsJson = False,
) -> None:
    """Build an archived report again from its commit; exit 1 when it does not come out the same.

    Example: voice-ai reports again 3f9a1c20
    """
    from pipelines.lake.store import open_store
    from pipelines.report.archive import again
    from pipelines.report.write import write_text
    from voice_ai.store import report_archive as store

    with _database() as (context, db):
        row = store.look(db, report)
        settings = context.settings
        made = again(open_store(settings.lake_url, settings.home), row)
    written = None if out is None else str(write_text(made.html, out))
    answer = {"same": True, "sha256": row["sha256"], "commit": made.scope.commit, "out": written}
    print(json.dumps(answer) if as_json else f"{made.title}: the same, {row['sha256']}.")


def _sent(row: Mapping[str, Any]) -> str:
    parts = [f"{row['sent_to']}, {row['sent_at']:%F %R}"] if row["sent_to"] else []
    parts += [row["send_error"]] if row["send_error"] else []
    return "; ".join(parts) or "not sent"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


@contextmanager
def _database() -> Iterator[tuple["Context", "Db"]]:
    from voice_ai.context import open_context
    from voice_ai.db.connect import connect

    with (
        open_context() as context,
        connect(context.role_url("flows"), name="voice-ai reports", autocommit=True) as db,
    ):
        yield context, db
