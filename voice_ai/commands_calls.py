"""`voice-ai calls …`: the calls that live, those that ended, one whole, and its audio."""

import getpass
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Column, Table

from voice_ai import commands_calls_orders, commands_calls_qa
from voice_ai.commands_calls_orders import AsJson, call_id
from voice_ai.commands_calls_transfer import transfer
from voice_ai.context import Context, open_context
from voice_ai.db import connect
from voice_ai.db.connect import Db, Row
from voice_ai.errors import BadInput, NotFound, UsageError
from voice_ai.recordings import open_recording
from voice_ai.store import calls as store
from voice_ai.store.campaigns import find_campaign
from voice_ai.store.recordings import delete_recordings

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Calls: the live ones, the ended ones, one whole, its audio; hand one over.",
)

_BEAT_S = 1.0

Campaign = Annotated[str | None, typer.Option(help="Only calls of this campaign.")]
Attempt = Annotated[str, typer.Argument(help="Id of the call; `voice-ai calls list` shows it.")]
Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Day of its end, UTC.")]


@contextmanager
def _database() -> Iterator[tuple[Context, Db]]:
    with (
        open_context() as context,
        connect(context.role_url("app"), name="voice-ai calls", autocommit=True) as db,
    ):
        yield context, db


@app.command("list")
def list_ended(
    campaign: Campaign = None,
    outcome: Annotated[str | None, typer.Option(help="goal, opt_out, machine …")] = None,
    emotion: Annotated[str | None, typer.Option(help="Heard in it: joy, anger …")] = None,
    since: Day = None,
    until: Day = None,
    min_seconds: Annotated[float | None, typer.Option(min=0, help="At least this long.")] = None,
    recorded: Annotated[bool, typer.Option("--recorded", help="Only with a recording.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 20,
    as_json: AsJson = False,
) -> None:
    """Ended calls, the newest first.

    Example: voice-ai calls list --campaign "Spring survey" --emotion anger --since 2026-11-01
    """
    with _database() as (_, db):
        wanted = store.CallFilter(
            campaign_id=find_campaign(db, campaign)["id"] if campaign else None,
            disposition=outcome,
            emotion=emotion,
            since=since.date() if since else None,
            until=until.date() if until else None,
            min_seconds=min_seconds,
            recorded=recorded,
            limit=limit,
        )
        rows = store.newest_calls(db, wanted)
    if as_json:
        _json({"calls": rows})
        return
    if not rows:
        print("No ended call is like that.")
        return
    table = Table(_id_column(), "Ended (UTC)", "Campaign", "Lead", "Outcome", "Seconds", "Audio")
    for row in rows:
        table.add_row(
            str(row["attempt_id"]),
            f"{row['ended_at']:%F %T}",
            escape(row["campaign"]),
            f"{row['lead_id']}",
            row["disposition"] or "–",
            _seconds(row["seconds"]),
            "yes" if row["recorded"] else "",
        )
    Console().print(table)


@app.command()
def live(
    campaign: Campaign = None,
    once: Annotated[bool, typer.Option("--once", help="Print once and end.")] = False,
    as_json: AsJson = False,
) -> None:
    """Calls that live now, with the last words of each; Ctrl-C ends it.

    Examples: voice-ai calls live · voice-ai calls live --once --json
    """
    with _database() as (context, db):
        campaign_id = find_campaign(db, campaign)["id"] if campaign else None

        def look() -> list[Row]:
            return store.live_calls(db, campaign_id)

        if as_json:
            _json({"calls": look(), "now": context.clock.now()})
            return
        if once:
            Console().print(_live_table(look(), context.clock.now()))
            return
        with Live(_live_table(look(), context.clock.now()), auto_refresh=False) as screen:
            while True:
                time.sleep(_BEAT_S)
                screen.update(_live_table(look(), context.clock.now()), refresh=True)


@app.command()
def show(attempt: Attempt, as_json: AsJson = False) -> None:
    """One call: its transcript, the decisions that allowed it, its events.

    Example: voice-ai calls show 2acc4035-613c-f69b-b08f-7c197a284763
    """
    with _database() as (_, db):
        whole = store.whole_call(db, call_id(attempt))
    if as_json:
        _json(whole.as_dict())
        return
    console = Console(highlight=False)
    call = whole.call
    console.print(
        f"[bold]{escape(call['campaign'])}[/], lead {call['lead_id']}, attempt"
        f" {call['attempt_no']}: {call['disposition'] or call['state']}"
        f" ({call['end_reason'] or 'no reason told'}), {_seconds(call['seconds'])} s"
    )
    for decision in whole.decisions:
        verdict = "allowed" if decision["allow"] else "refused"
        reasons = ", ".join(decision["reasons"]) or "no objection"
        console.print(f"{decision['stage']}: {verdict}, {reasons}")
    for turn in whole.turns:
        console.print(_said(turn))
    table = Table("No.", "At (UTC)", "Event", "Fields")
    for event in whole.events:
        fields = escape(json.dumps(event["payload"]))
        table.add_row(str(event["seq"]), f"{event['occurred_at']:%F %T}", event["kind"], fields)
    console.print(table)
    for recording in whole.recordings:
        console.print(
            f"Recording: {_seconds(recording['duration_s'])} s;"
            f" voice-ai calls audio {call['attempt_id']} --out call.wav"
        )


@app.command()
def audio(
    attempt: Attempt,
    out: Annotated[Path | None, typer.Option(help="WAV file to write; it must not exist.")] = None,
    delete: Annotated[
        bool, typer.Option("--delete", help="Delete it for good; needs --reason.")
    ] = False,
    reason: Annotated[str, typer.Option(help="Why it is deleted; kept with your name.")] = "",
    as_json: AsJson = False,
) -> None:
    """A call's recording as WAV: left the called party, right the agent. Or delete it.

    Examples: voice-ai calls audio 2acc4035-613c-f69b-b08f-7c197a284763 --out call.wav
    · voice-ai calls audio 2acc4035-613c-f69b-b08f-7c197a284763 --delete --reason "asked for it"
    """
    attempt_id = call_id(attempt)
    if delete == (out is not None):
        raise UsageError("say either --out FILE or --delete")
    if out is None:
        _delete(attempt_id, reason, as_json=as_json)
        return
    with _database() as (context, db):
        store.whole_call(db, attempt_id)
        kept = store.recordings_of(db, attempt_id)
        if not kept:
            raise NotFound("there is no recording of this call; docs/recordings.md says when")
        sound = open_recording(context.settings.home, context.keyring, kept[0]["path"])
    _write(out, sound)
    facts = {"file": str(out), "seconds": kept[0]["duration_s"], "bytes": len(sound)}
    if as_json:
        _json(facts)
    else:
        print(f"{out}: {_seconds(kept[0]['duration_s'])} s, {len(sound):,} bytes")


def _delete(attempt_id: UUID, reason: str, *, as_json: bool) -> None:
    with _database() as (context, db):
        now, home = context.clock.now(), context.settings.home
        by = getpass.getuser()
        gone = delete_recordings(db, home, attempt_id, by=by, reason=reason, now=now)
    if as_json:
        _json({"deleted": gone})
    else:
        print("the recording is deleted" if gone == 1 else f"{gone} recordings are deleted")


def _write(out: Path, sound: bytes) -> None:
    """For the owner's eyes only: it is somebody's voice."""
    try:
        descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(sound)
    except OSError as error:
        raise BadInput(f"{out} cannot be written: {error.strerror}", field="--out") from error


def _live_table(rows: list[Row], now: datetime) -> Table:
    table = Table(_id_column(), "Where", "Last words", "Heard", title=f"{len(rows)} live calls")
    for row in rows:
        seconds = _seconds(max(0.0, (now - row["since"]).total_seconds()))
        said = f"{row['speaker']}: {row['text'] or '…'}" if row["speaker"] else ""
        table.add_row(
            str(row["attempt_id"]),
            f"{escape(row['campaign'])}\n{row['state']}, {seconds} s",
            escape(said),
            "\n".join(filter(None, (row["emotion"], row["intent"]))),
        )
    return table


def _id_column() -> Column:
    """Whole in the narrowest terminal: the other commands ask for it."""
    return Column("Call", no_wrap=True, min_width=36)


def _said(turn: Row) -> str:
    heard = [
        f"{turn[task]} {turn[f'{task}_score']:.0%}" if turn[f"{task}_score"] else turn[task]
        for task in ("emotion", "intent")
        if turn[task]
    ]
    told = f"  [dim]{', '.join(heard)}[/]" if heard else ""
    return f"[bold]{turn['speaker']:>6}[/]  {escape(turn['text'] or '…')}{told}"


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}"


def _json(facts: dict[str, Any]) -> None:
    print(json.dumps(facts, default=_plain))


def _plain(value: object) -> str:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else str(value)


app.command()(transfer)
commands_calls_orders.add_to(app)
commands_calls_qa.add_to(app)
