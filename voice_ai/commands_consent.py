"""`voice-ai consent …`: what a person agreed to, and taking it back."""

import getpass
import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from voice_ai.command_database import AsJson, database
from voice_ai.errors import UsageError
from voice_ai.store import consents as store

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Consent of a person for a seller and a purpose: record it, look, take it back.",
)

Number = Annotated[str, typer.Argument(help="The phone number, best with its country: +1 …")]
_DAYS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]


@app.command()
def add(
    number: Number,
    seller: Annotated[str, typer.Option(help="Who may call.")],
    kind: Annotated[str, typer.Option(help="written, express, uk_automated or eu_automated")],
    purpose: Annotated[str, typer.Option(help="informational or telemarketing")],
    channel: Annotated[str, typer.Option(help="web, paper, call, sms or import")] = "web",
    evidence: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="The proof; repeat for more.")
    ] = None,
    obtained: Annotated[
        datetime | None, typer.Option(formats=_DAYS, help="When it was given (UTC); now if absent.")
    ] = None,
    expires: Annotated[
        datetime | None, typer.Option(formats=_DAYS, help="When it ends (UTC).")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Record that a person agreed to be called by a seller for a purpose.

    Example: voice-ai consent add +12125550100 --seller Acme --kind written --purpose telemarketing
    --evidence proof=https://acme.example/c/81 --evidence wording=2026-03
    """
    with database() as (context, db):
        now = context.clock.now()
        consent = store.Consent(
            seller,
            kind,
            purpose,
            channel,
            _pairs(evidence or []),
            obtained.replace(tzinfo=UTC) if obtained else now,
            expires.replace(tzinfo=UTC) if expires else None,
        )
        made = store.record(db, context.keyring, number, consent, now=now)
    if as_json:
        print(json.dumps(asdict(made)))
        return
    print(f"Consent {made.consent_id} for {seller} is recorded.")
    if made.suppressed:
        print("The number is suppressed, which a consent does not lift: it is not called.")


@app.command("list")
def list_consents(number: Number, as_json: AsJson = False) -> None:
    """Every consent of a number, also those that were taken back.

    Example: voice-ai consent list +12125550100
    """
    with database() as (context, db):
        rows = store.of_number(db, context.keyring, number)
    if as_json:
        print(json.dumps({"consents": rows}, default=str))
        return
    if not rows:
        print("No consent of this number is recorded.")
        return
    table = Table("Given (UTC)", "For", "Kind", "Purpose", "By", "Ends", "Taken back")
    for row in rows:
        back = f"{row['revoked_at']:%F} by {row['revoked_through']}" if row["revoked_at"] else ""
        table.add_row(
            f"{row['obtained_at']:%F %R}",
            row["seller"],
            row["kind"],
            row["purpose"],
            row["channel"],
            f"{row['expires_at']:%F}" if row["expires_at"] else "",
            back,
        )
    Console().print(table)


@app.command()
def revoke(
    number: Number,
    seller: Annotated[str | None, typer.Option(help="For this seller only.")] = None,
    everybody: Annotated[bool, typer.Option("--all", help="For every seller.")] = False,
    as_json: AsJson = False,
) -> None:
    """Take a person's consent back: the number is suppressed, also for dials on their way.

    Example: voice-ai consent revoke +12125550100 --all
    """
    if (seller is None) == (not everybody):
        raise UsageError("say for whom: --seller NAME, or --all for every seller")
    with database() as (context, db):
        done = store.revoke(
            db,
            context.keyring,
            number,
            seller=seller,
            source="command",
            now=context.clock.now(),
            by=getpass.getuser(),
        )
    whom = seller or "Nobody"
    verb = "does not call" if seller else "calls"
    if as_json:
        print(json.dumps({"consents": done.consents, **asdict(done.suppression)}))
        return
    print(f"{done.consents} consents were taken back. {whom} {verb} this number again.")


def _pairs(pairs: list[str]) -> dict[str, str]:
    found = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not (key.strip() and equals and value.strip()):
            raise UsageError(f"--evidence takes KEY=VALUE, as in proof=https://…, not {pair!r}")
        found[key.strip()] = value.strip()
    return found
