"""`voice-ai campaign show/decisions`: what happens next and when, and what was decided before."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress_bar import ProgressBar
from rich.table import Table

from voice_ai.command_database import AsJson, Name, database
from voice_ai.compliance import Reason
from voice_ai.errors import UsageError
from voice_ai.standing import CampaignNext, LeadNext, reason_words
from voice_ai.store import campaigns as store
from voice_ai.store import standing

ALLOW = "ALLOW"
Lead = Annotated[
    str | None, typer.Option(help="Only this lead: its id, or its phone number with a +.")
]


def show(name: Name, lead: Lead = None, as_json: AsJson = False) -> None:
    """What happens next and when: in a campaign, or with one lead of it.

    Example: voice-ai campaign show "Spring survey"
             voice-ai campaign show "Spring survey" --lead 4711
    """
    if lead is not None:
        _show_lead(name, lead, as_json=as_json)
        return
    with database() as (context, db):
        row, now = store.find_campaign(db, name), context.clock.now()
        outcomes = store.outcome_counts(db, row["id"])
        seen = standing.campaign_next(standing.fetching(db), row["id"], now)
    if as_json:
        _json({**row, "outcomes": outcomes, "waiting": _waiting(seen), "now": now, "next": seen})
        return
    print(f"{row['name']} ({row['seller']}): {row['state']} since {row['state_since']:%F %R %Z}")
    print(f"Clock: {now:%F %R %Z}. Version {row['version']}.")
    _print_progress(seen)
    print("\n".join(seen.sentences))
    _print_outcomes(outcomes)
    _print_waiting(seen)


def _show_lead(name: str, lead: str, *, as_json: bool) -> None:
    with database() as (context, db):
        campaign_id = store.find_campaign(db, name)["id"]
        lead_id = standing.lead_of(db, context.keyring, campaign_id, lead)
        now = context.clock.now()
        seen = standing.lead_next(standing.fetching(db), campaign_id, lead_id, now)
    if as_json:
        _json(seen)
        return
    print(f"Lead {seen.lead_id} (person …{seen.person}) in {seen.campaign}.")
    print("\n".join(seen.sentences))
    _print_decision(seen)
    _print_dials(seen)
    for line in outlook_lines(seen):
        print(line)


def decisions(
    name: Name,
    reason: Annotated[
        str | None, typer.Option(help="Only with this code, as HOURS_CLOSED; or ALLOW.")
    ] = None,
    lead: Lead = None,
    since: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"], help="From, UTC."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 50,
    as_json: AsJson = False,
) -> None:
    """The ledger: every decision about the campaign's leads, the newest first.

    Example: voice-ai campaign decisions "Spring survey" --reason HOURS_CLOSED --since 2026-11-24
    """
    code = None if reason is None else reason.strip().upper()
    if code is not None and code not in (*Reason, ALLOW):
        known = ", ".join((ALLOW, *Reason))
        raise UsageError(f"there is no reason {reason!r}; there are: {known}")
    with database() as (context, db):
        campaign_id = store.find_campaign(db, name)["id"]
        lead_id = standing.lead_of(db, context.keyring, campaign_id, lead) if lead else None
        rows = standing.ledger(
            db,
            campaign_id,
            reason=code,
            lead_id=lead_id,
            since=since.replace(tzinfo=UTC) if since else None,
            limit=limit,
        )
    if as_json:
        _json({"campaign": name, "decisions": rows})
        return
    if not rows:
        print("No decision is like that.")
        return
    table = Table("When (UTC)", "Lead", "At", "Answer", "Asked again (UTC)")
    for row in rows:
        answer = "may be called" if row["allow"] else reason_words("+".join(row["reasons"]))
        table.add_row(
            f"{row['decided_at']:%F %T}",
            str(row["lead_id"]),
            row["stage"],
            answer,
            _time(row["next_allowed_at"]),
        )
    Console().print(table)
    if len(rows) == limit:
        print(f"The newest {limit:,}; --limit shows more.")


def outlook_lines(seen: LeadNext) -> list[str]:
    """What the retry rule would do after the next call, in words."""
    lines = []
    for one in seen.outlook:
        then = f"again at {seen.local(one.at)}" if one.at else "it is done"
        lines.append(f"If the next call ends with {one.outcome.replace('_', ' ')}: {then}.")
    return lines


def _print_decision(seen: LeadNext) -> None:
    told = seen.decision
    if told is None:
        print("No decision about it yet.")
        return
    answer = "it may be called" if told["allow"] else reason_words("+".join(told["reasons"]))
    print(f"Last decision, {seen.local(told['decided_at'])}: {answer}.")


def _print_dials(seen: LeadNext) -> None:
    if not seen.dials:
        return
    table = Table("Dial", "When, local time", "Ended with", "Counts")
    for row in seen.dials:
        when, ended = seen.local(row["intended_at"]), row["label"] or row["state"]
        table.add_row(str(row["attempt_no"]), when, ended, "yes" if row["counts"] else "no")
    Console().print(table)


def _print_progress(seen: CampaignNext) -> None:
    bar = Table.grid(padding=(0, 1))
    told = f"{seen.done:,} of {seen.leads:,} leads done, {seen.calling:,} being called"
    bar.add_row(ProgressBar(total=max(seen.leads, 1), completed=seen.done, width=30), told)
    Console().print(bar)


def _print_outcomes(outcomes: Mapping[str, int]) -> None:
    if not outcomes:
        return
    table = Table("Outcome", "Count")
    for label, n in outcomes.items():
        table.add_row(label, f"{n:,}")
    Console().print(table)


def _print_waiting(seen: CampaignNext) -> None:
    if not seen.waiting:
        return
    table = Table("Why leads wait", "Count", "Due now", "First (UTC)", "Last (UTC)")
    for one in seen.waiting:
        times = (_time(one.first_at), _time(one.last_at))
        table.add_row(escape(one.words), f"{one.leads:,}", f"{one.due:,}", *times)
    Console().print(table)


def _waiting(seen: CampaignNext) -> list[dict[str, Any]]:
    return [
        {"decision": one.what, "n": one.leads, "due": one.due, "next_at": one.first_at}
        for one in seen.waiting
    ]


def _time(at: datetime | None) -> str:
    return f"{at:%F %R}" if at else ""


def _json(facts: CampaignNext | LeadNext | dict[str, Any]) -> None:
    def plain(value: Any) -> Any:
        if isinstance(value, CampaignNext | LeadNext):
            return {**asdict(value), "sentences": value.sentences}
        return str(value)

    print(json.dumps(facts, default=plain))


def add_to(app: typer.Typer) -> None:
    app.command("show")(show)
    app.command("decisions")(decisions)
