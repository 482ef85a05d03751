"""`voice-ai campaign edit/versions/export/try`: what a campaign says, and how it would talk."""

import getpass
import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from voice_ai.campaigns import parse_campaign
from voice_ai.command_database import AsJson, Name, answer, database
from voice_ai.commands_script import read_file, try_script
from voice_ai.store import campaign_versions as stored
from voice_ai.store import campaigns as store

Version = Annotated[int | None, typer.Option(help="Which version; the one in force if left out.")]


def edit(
    name: Name,
    file: Annotated[Path, typer.Option(help="The changed campaign file (YAML).")],
    as_json: AsJson = False,
) -> None:
    """Store a changed campaign file as the next version. Name, seller and list stay.

    Example: voice-ai campaign export Spring > spring.yaml
             voice-ai campaign edit Spring --file spring.yaml
    """
    text = read_file(file)
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


def add_to(app: typer.Typer) -> None:
    for name, command in (
        ("edit", edit),
        ("versions", versions),
        ("export", export),
        ("try", try_script),
    ):
        app.command(name)(command)
