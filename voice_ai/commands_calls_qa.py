"""`voice-ai calls sample` and `score`: whom to listen to, and what a listener says of a call."""

import getpass
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, get_args

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from voice_ai.command_database import AsJson, answer, database
from voice_ai.commands_calls_orders import call_id
from voice_ai.errors import BadInput, NotFound
from voice_ai.qa.card import GateMark, default_card
from voice_ai.store import calls, qa

_POINTS = 5


def sample(
    day: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="UTC; default: the newest.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Which calls of a day to listen to, and why; every conversation is judged by facts.

    Example: voice-ai calls sample --day 2026-11-24
    """
    with database() as (context, db):
        wanted = day.date() if day else qa.last_day(db, rehearsal=context.rehearsal)
        if wanted is None:
            raise NotFound("nobody has talked yet: there is nothing to listen to")
        found = qa.listening(db, default_card(), wanted, rehearsal=context.rehearsal)
    rows = [
        _row(found.calls[pick.attempt_id], pick.stratum, double=pick.double) for pick in found.picks
    ]
    if as_json:
        facts = {"day": f"{wanted:%F}", "conversations": len(found.calls), "sample": rows}
        print(json.dumps(facts))
        return
    id_column = Column("Call", no_wrap=True, min_width=36)
    table = Table(id_column, "Why", "By facts", "Failed", title=f"{wanted:%F}, UTC")
    for row in rows:
        total = "–" if row["total"] is None else f"{row['total']:.0f}"
        why = row["why"] + (", twice" if row["double"] else "")
        table.add_row(row["call"], why, total, escape(", ".join(row["failed"])))
    Console().print(table)
    print(f"{len(rows)} of {len(found.calls)} conversations")


def _row(call: qa.AutoScored, why: str, *, double: bool) -> dict[str, Any]:
    return {
        "call": str(call.attempt_id),
        "why": why,
        "double": double,
        "total": call.judgement.total,
        "passed": call.judgement.passed,
        "failed": [gate for gate, mark in call.gates.items() if mark == "fail"],
    }


def score(
    attempt: Annotated[str, typer.Argument(help="Id of the call.")],
    gate: Annotated[
        list[str] | None, typer.Option(help="KEY=pass, fail or n/a; may be repeated.")
    ] = None,
    item: Annotated[list[str] | None, typer.Option(help="KEY=0 to 5; may be repeated.")] = None,
    note: Annotated[str | None, typer.Option(help="What you want to add.")] = None,
    as_json: AsJson = False,
) -> None:
    """Score a call that you listened to, by the scorecard (docs/listening.md has its keys).

    Example: voice-ai calls score 2acc4035-613c-f69b-b08f-7c197a284763 --gate identified=pass
    --item tone=4 --note "friendly"
    """
    attempt_id, card = call_id(attempt), default_card()
    gates = {key: _mark(key, value) for key, value in _pairs("--gate", gate)}
    scores = {key: _score(key, value) for key, value in _pairs("--item", item)}
    with database() as (context, db):
        ended = calls.whole_call(db, attempt_id).call["ended_at"]
        found = qa.listening(db, card, ended.date(), rehearsal=context.rehearsal) if ended else None
        call = found.calls.get(attempt_id) if found else None
        if call is None:
            raise NotFound("only a conversation that has ended can be scored")
        judgement = qa.save_with_auto(
            db,
            card,
            call,
            by=getpass.getuser(),
            gates=gates,
            scores=scores,
            note=note,
            now=context.clock.now(),
        )
    total = "no item judged" if judgement.total is None else f"{judgement.total:.0f} of 100"
    standing = {True: "passed", False: "failed", None: "gates are open"}[judgement.passed]
    facts = {"total": judgement.total, "judged": judgement.judged, "passed": judgement.passed}
    answer(facts, f"{total}; {standing}", as_json=as_json)


def _pairs(option: str, given: Sequence[str] | None) -> list[tuple[str, str]]:
    """Raises BadInput."""
    pairs = []
    for one in given or ():
        key, equals, value = one.partition("=")
        if not equals:
            raise BadInput(f"{one!r} is not KEY=VALUE", field=option)
        pairs.append((key.strip(), value.strip()))
    return pairs


def _mark(key: str, value: str) -> GateMark:
    """Raises BadInput."""
    marks: dict[str, GateMark] = {mark: mark for mark in get_args(GateMark)}
    if value not in marks:
        raise BadInput(f"{value!r} is not one of {', '.join(marks)}", field=key)
    return marks[value]


def _score(key: str, value: str) -> float:
    """Raises BadInput."""
    try:
        points = float(value)
    except ValueError:
        raise BadInput(f"{value!r} is not a number from 0 to {_POINTS}", field=key) from None
    if not 0 <= points <= _POINTS:
        raise BadInput(f"{value} is not between 0 and {_POINTS}", field=key)
    return points / _POINTS


def add_to(app: typer.Typer) -> None:
    app.command()(sample)
    app.command()(score)
