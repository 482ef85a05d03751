"""`voice-ai carrier …`: the account's own limits, and the numbers we call from."""

import getpass
import json
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Column, Table

from voice_ai.carrier_account import carrier_credentials
from voice_ai.command_database import AsJson, database
from voice_ai.errors import BadInput, UsageError
from voice_ai.pacing.caller_ids import Standing
from voice_ai.store import caller_ids as numbers
from voice_ai.store import carrier as store
from voice_ai.store.prices import CARRIER_MINUTE, ITEMS, Price, prices_in_force, set_price

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="The carrier account: its limits over all campaigns, and the numbers we call from.",
)
_UNLIMITED = "no limit"


@app.command()
def limits(
    max_concurrent: Annotated[
        int | None, typer.Option(help="Live calls at once; 0: no limit.", min=0)
    ] = None,
    calls_per_second: Annotated[
        float | None, typer.Option("--cps", help="New calls a second; 0: no limit.", min=0)
    ] = None,
    daily_spend: Annotated[
        float | None, typer.Option(help="What 24 hours may cost; 0: no limit.", min=0)
    ] = None,
    per_minute: Annotated[
        float | None, typer.Option(help="What a started minute costs, all in all.", min=0)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show the account's limits, or set those that are given. They hold over all campaigns.

    Example: voice-ai carrier limits --max-concurrent 20 --cps 1 --daily-spend 80 --per-minute 0.03
    """
    given = {
        "max_concurrent": max_concurrent,
        "calls_per_second": calls_per_second,
        "daily_spend": None if daily_spend is None else Decimal(str(daily_spend)),
        "per_minute": None if per_minute is None else Decimal(str(per_minute)),
    }
    with database() as (context, db):
        account, _ = carrier_credentials(context.settings, context.keyring)
        stands = vars(store.limits_of(db, account))
        wanted: dict[str, Any] = {
            name: stands[name] if value is None else (value or None)
            for name, value in given.items()
        }
        if wanted != stands:
            new = store.AccountLimits(**wanted)
            store.set_limits(db, account, new, by=getpass.getuser(), now=context.clock.now())
    if as_json:
        print(json.dumps(wanted, default=float))
        return
    for name, value in wanted.items():
        print(f"{name.replace('_', ' '):17} {_UNLIMITED if value is None else value}")


@app.command()
def price(
    amount: Annotated[
        str | None, typer.Argument(help="What one of the item costs; left out: show the prices.")
    ] = None,
    item: Annotated[
        str, typer.Option(help=f"What it is for: {', '.join(ITEMS)}.")
    ] = CARRIER_MINUTE,
    since: Annotated[
        datetime | None,
        typer.Option(help="In force since then (UTC), where no price was yet; left out: from now."),
    ] = None,
    currency: Annotated[str, typer.Option(help="ISO 4217.")] = "USD",
    country: Annotated[
        str | None, typer.Option(help="Where it holds, ISO 3166-1; left out: everywhere.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show the prices in force, or set one: the pre-flight's forecast and the page Costs go by
    them.

    A new price ends the one before; what was costed with that stays.

    Example: voice-ai carrier price 0.014 --country US
    Example: voice-ai carrier price 0.00003 --item tts_character --since 2026-11-01
    """
    with database() as (context, db):
        now = context.clock.now()
        if amount is not None:
            new = Price(item, _amount(amount), currency.upper(), country and country.upper())
            begins = since and since.replace(tzinfo=since.tzinfo or UTC)
            set_price(db, new, by=getpass.getuser(), now=now, since=begins)
        rows = prices_in_force(db, now)
    if as_json:
        print(json.dumps({"prices": rows}, default=str))
        return
    for row in rows:
        where = row["country"] or "everywhere"
        print(f"{row['item']:17} {row['amount'].normalize():f} {row['currency']}  {where}")
    if not rows:
        print("No price is known; the forecast of a pre-flight is an estimate.")


def _amount(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise BadInput("give a number such as 0.014", field="amount") from error


@app.command("caller-ids")
def caller_ids(as_json: AsJson = False) -> None:
    """The numbers we call from: standing, dials of 24 hours, when they may be used again.

    Example: voice-ai carrier caller-ids
    """
    with database() as (context, db):
        rows = numbers.all_caller_ids(db, context.clock.now())
        for row in rows:
            row["number"] = context.keyring.decrypt(row.pop("number_sealed")).decode()
    if as_json:
        print(json.dumps({"caller_ids": rows}, default=str))
        return
    columns = ("Seller", "Standing", "Until", "Dials in 24 h", "Own ceiling", "Where")
    table = Table(Column("Number", no_wrap=True), *columns)
    for row in rows:
        standing = row["standing"] if row["active"] else "retired"
        until = f"{row['cool_until']:%F}" if row["cool_until"] else ""
        where = " ".join(filter(None, (row["country"], *row["states"])))
        most = str(row["daily_ceiling"] or "")
        table.add_row(
            row["number"], row["seller"], standing, until, f"{row['dials']:,}", most, where
        )
    Console().print(table)


@app.command("caller-id")
def caller_id(
    number: Annotated[str, typer.Argument(help="One of our numbers, like +12125550100.")],
    standing: Annotated[
        Standing | None,
        typer.Option(help="active: in full use; warming: new; cooling, burned: let it rest."),
    ] = None,
    ceiling: Annotated[
        int | None, typer.Option(help="Dials in 24 hours; 0: the campaign's default.", min=0)
    ] = None,
    active: Annotated[
        bool | None, typer.Option("--use/--retire", help="May it be used at all?")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say how a number of ours stands: one that was in use before need not warm up.

    Example: voice-ai carrier caller-id +12125550100 --standing active --ceiling 80
    """
    from voice_ai.campaigns import e164

    if standing is None and ceiling is None and active is None:
        raise UsageError("say what to change: --standing, --ceiling, --use or --retire")
    try:
        dialable = e164(number)
    except ValueError as error:
        raise BadInput(str(error), field="number") from error
    wanted = numbers.Change(standing, ceiling, active)
    with database() as (context, db):
        found = numbers.find(db, context.keyring, dialable)
        by, now = getpass.getuser(), context.clock.now()
        changed = numbers.change(db, found, wanted, by=by, now=now)
    if as_json:
        print(json.dumps({"changed": changed}))
    else:
        print("Changed; the next claim heeds it." if changed else "It was so already.")
