"""`voice-ai campaign edit/versions/export/try`: what a campaign says, and how it would talk."""

import getpass
import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from voice_ai.campaigns import parse_campaign, script_slots
from voice_ai.command_database import AsJson, Name, answer, database
from voice_ai.conversation.script import builtin_scripts, load_script
from voice_ai.conversation.trial import Exchange, Trial, begin_trial, hear
from voice_ai.errors import BadInput
from voice_ai.store import campaign_versions as stored
from voice_ai.store import campaigns as store

Version = Annotated[int | None, typer.Option(help="Which version; the one in force if left out.")]
# What a script is tried with when no campaign gives it values.
_SAMPLE_SLOTS = {"seller": "Example Company", "callback_number": "+18005550100"}


def edit(
    name: Name,
    file: Annotated[Path, typer.Option(help="The changed campaign file (YAML).")],
    as_json: AsJson = False,
) -> None:
    """Store a changed campaign file as the next version. Name, seller and list stay.

    Example: voice-ai campaign export Spring > spring.yaml
             voice-ai campaign edit Spring --file spring.yaml
    """
    text = _read(file)
    with database() as (context, db):
        campaign_id = store.find_campaign(db, name)["id"]
        before = stored.stored_version(db, context.keyring, campaign_id)
        # A file that was exported names the script that is stored with the campaign.
        scripts = {before.data["script"]: before.script_text}
        if (file.parent / before.data["script"]).is_file():
            scripts = {}
        campaign = parse_campaign(text, source=str(file), folder=file.parent, scripts=scripts)
        made = store.revise_campaign(
            db,
            context.keyring,
            campaign_id,
            campaign,
            by=getpass.getuser(),
            now=context.clock.now(),
        )
    said = f"{name!r} is now version {made.version}."
    if not made.changed:
        said = f"Nothing differs from version {made.version}; it stays in force."
    facts = {"campaign": name, "version": made.version, "changed": made.changed}
    answer(facts, said, as_json=as_json)


def versions(
    name: Name,
    diff: Annotated[bool, typer.Option("--diff", help="What each one changed.")] = False,
    as_json: AsJson = False,
) -> None:
    """Every version of a campaign: who made it, when, and with --diff what it changed.

    Example: voice-ai campaign versions Spring --diff
    """
    with database() as (context, db):
        campaign_id = store.find_campaign(db, name)["id"]
        rows: list[dict[str, Any]] = [dict(row) for row in stored.versions(db, campaign_id)]
        if diff:
            kept = [
                stored.stored_version(db, context.keyring, campaign_id, row["version"])
                for row in rows
            ]
            for row, new, old in zip(rows, kept, kept[1:], strict=False):
                row["diff"] = stored.difference(old, new)
    if as_json:
        print(json.dumps({"campaign": name, "versions": rows}, default=str))
        return
    _print_versions(rows)


def _print_versions(rows: list[dict[str, Any]]) -> None:
    table = Table("Version", "In force", "Script", "By", "When (UTC)")
    for row in rows:
        force = "yes" if row["in_force"] else ""
        when = f"{row['created_at']:%F %R}"
        table.add_row(str(row["version"]), force, row["script_name"], row["created_by"], when)
    Console().print(table)
    for row in rows:
        if row.get("diff"):
            print(f"\nVersion {row['version']}:\n{row['diff']}")


def export(
    name: Name,
    version: Version = None,
    script: Annotated[bool, typer.Option("--script", help="The script instead.")] = False,
    as_json: AsJson = False,
) -> None:
    """The campaign as a file that `campaign edit` and `campaign create` read. Holds its numbers.

    Example: voice-ai campaign export Spring > spring.yaml
             voice-ai campaign export Spring --version 1 --script > script.yaml
    """
    with database() as (context, db):
        campaign_id = store.find_campaign(db, name)["id"]
        kept = stored.stored_version(db, context.keyring, campaign_id, version)
    facts = {
        "campaign": name,
        "version": kept.version,
        "yaml": kept.yaml,
        "script": kept.script_text,
    }
    text = kept.script_text if script else kept.yaml
    answer(facts, text.rstrip("\n"), as_json=as_json)


def try_script(
    what: Annotated[str, typer.Argument(help="A built-in script, a script file, or a campaign.")],
    say: Annotated[
        list[str] | None, typer.Option("--say", help="What the callee says; may be repeated.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Hold a conversation by typing: the same machine as in a call, nothing is dialed.

    Type words, /9 for a key, /silence, /machine or /hangup.

    Example: voice-ai campaign try satisfaction_survey
             voice-ai campaign try Spring --say yes --say "call me tomorrow"
    """
    trial = _trial_of(what)
    if say or as_json:
        for words in say or []:
            if not trial.over:
                trial = hear(trial, words)
        _print_trial(what, trial, as_json=as_json)
        return
    _print_exchange(trial.exchanges[0])
    while not trial.over and (words_typed := _typed()) is not None:
        try:
            trial = hear(trial, words_typed)
        except BadInput as error:
            print(error.message)
            continue
        _print_exchange(trial.exchanges[-1])


def _typed() -> str | None:
    try:
        return input("you> ")
    except EOFError:
        return None


def _trial_of(what: str) -> Trial:
    """Raises NotFound, BadInput."""
    built_in = builtin_scripts()
    path = Path(what)
    if what in built_in or path.is_file():
        text = built_in.get(what) or _read(path)
        return begin_trial(load_script(text, source=what), dict(_SAMPLE_SLOTS))
    with database() as (context, db):
        campaign_id = store.find_campaign(db, what)["id"]
        kept = stored.stored_version(db, context.keyring, campaign_id)
    slots = {**_SAMPLE_SLOTS, **script_slots_of(kept)}
    return begin_trial(load_script(kept.script_text, source=kept.data["script"]), dict(slots))


def script_slots_of(kept: stored.StoredVersion) -> dict[str, str]:
    """The values that a stored campaign fills its script with. Raises BadInput."""
    from voice_ai.campaigns import check_campaign

    return script_slots(check_campaign(kept.data, kept.script_text).config)


def _print_trial(what: str, trial: Trial, *, as_json: bool) -> None:
    if as_json:
        exchanges = [asdict(exchange) for exchange in trial.exchanges]
        print(
            json.dumps(
                {
                    "script": what,
                    "exchanges": exchanges,
                    "over": trial.over,
                    "disposition": trial.state.disposition,
                }
            )
        )
        return
    for exchange in trial.exchanges:
        _print_exchange(exchange)


def _print_exchange(exchange: Exchange) -> None:
    if exchange.heard is not None:
        print(f"  {exchange.heard or '(silence)'}   [{exchange.intent or 'not understood'}]")
    for line in exchange.said or ("(goes on as it was)",):
        print(f"agent: {line}")
    print(f"       at {exchange.node}" + "".join(f"; {effect}" for effect in exchange.effects))


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput("the file cannot be read; give a YAML file in UTF-8", file=file) from error


def add_to(app: typer.Typer) -> None:
    for name, command in (
        ("edit", edit),
        ("versions", versions),
        ("export", export),
        ("try", try_script),
    ):
        app.command(name)(command)
