"""`voice-ai leads hours`: when people pick up, and what choosing the hour is worth so far."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from voice_ai.command_database import AsJson, database
from voice_ai.errors import BadInput, NotFound

if TYPE_CHECKING:
    from datetime import datetime

    from ml.slots.hours import Hours
    from voice_ai.db.connect import Db, Row

# So many hours are shown, the best of all segments first; --json has all.
_SHOWN = 15


def hours(
    seller: Annotated[
        str | None, typer.Option(help="Whose dials; may be left out where only one has any.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """When people pick up, by zone and kind of line, and what choosing the hour is worth.

    Example: voice-ai leads hours --seller "Acme"
    """
    from pipelines.lead_slots import benefit_of, hours_of
    from pipelines.scores import WINDOW

    with database() as (context, db):
        now = context.clock.now()
        whose = _seller(db, seller, now, rehearsal=context.rehearsal)
        facts: dict[str, Any] = {
            "seller_id": whose["id"],
            "rehearsal": context.rehearsal,
            "since": now - WINDOW,
            "now": now,
        }
        learnt = hours_of(db, facts)
        worth = benefit_of(db, whose["id"], rehearsal=context.rehearsal, now=now)
    cells = _cells(learnt)
    if as_json:
        told = {**asdict(worth), "sentence": worth.sentence}
        answer = {"seller": whose["name"], "dials": learnt.dials, "strengths": learnt.strengths}
        print(json.dumps({**answer, "benefit": told, "hours": cells}))
        return
    table = Table("Zone and line", "Hour", "Picked up, estimated", "On its own dials")
    for cell in cells[:_SHOWN]:
        own = f"{cell['contacts']:,} of {cell['dials']:,}"
        clock = f"{cell['hour']:02}:00"
        table.add_row(cell["segment"], clock, f"{100 * cell['estimate']:.1f} %", own)
    Console().print(table)
    print(f"{whose['name']}, {learnt.dials:,} dials of ninety days, the best hours first.")
    print(f"What choosing hours is worth: {worth.sentence}.")


def _seller(db: "Db", seller: str | None, now: "datetime", *, rehearsal: bool) -> "Row":
    """Raises NotFound and BadInput."""
    from voice_ai.db import queries

    values = {"seller": seller, "rehearsal": rehearsal, "now": now}
    found = db.execute(queries("scores").sellers_dialed, values).fetchall()
    if not found:
        whose = f"seller {seller!r} has" if seller else "there are"
        raise NotFound(f"{whose} no dials yet; call some leads first")
    if len(found) > 1:
        names = ", ".join(row["name"] for row in found[:10])
        raise BadInput(f"several sellers have dials; choose one with --seller ({names})")
    return found[0]


def _cells(learnt: "Hours") -> list[dict[str, Any]]:
    """Per segment and hour over all days, the likeliest first."""
    rows = [
        {
            "segment": segment,
            "hour": hour,
            "estimate": round(posterior.mean, 4),
            "contacts": learnt.counts[segment, hour].contacts,
            "dials": learnt.counts[segment, hour].dials,
        }
        for (segment, hour), posterior in learnt.hours.items()
    ]
    return sorted(rows, key=lambda row: -float(str(row["estimate"])))
