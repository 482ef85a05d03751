"""`voice-ai experiment`: what is compared, how it stands, what one needs, and the end of one."""

import getpass
import json
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from voice_ai.command_database import AsJson, database
from voice_ai.experiments.arms import control_of

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="Comparing wordings with real people: list, show, plan one, stop one.",
)
Experiment = Annotated[str, typer.Argument(help="Its name, or its id.")]
Campaign = Annotated[
    str | None, typer.Option(help="Whose; needed where several have one of that name.")
]


@app.command("list")
def list_experiments(
    running: Annotated[bool, typer.Option("--running", help="Only those that go on.")] = False,
    as_json: AsJson = False,
) -> None:
    """The newest first: arms, leads, and what the last look found.

    Example: voice-ai experiment list --running
    """
    from voice_ai.store import experiments as books

    with database() as (_, db):
        rows = books.experiments(db, running=running)
    if as_json:
        print(json.dumps({"experiments": rows}, default=str))
        return
    table = Table("Experiment", "Campaign", "Arms", "Leads", "Planned", "State")
    for row in rows:
        planned = f"{row['planned_n']:,} an arm" if row["planned_n"] else "–"
        arms = ", ".join(f"{arm} {share:.0%}" for arm, share in row["arms"].items())
        table.add_row(row["name"], row["campaign"], arms, f"{row['leads']:,}", planned, _state(row))
    Console().print(table)


@app.command("show")
def show(experiment: Experiment, campaign: Campaign = None, as_json: AsJson = False) -> None:
    """One experiment: its plan, and what the last look found.

    Example: voice-ai experiment show kind_question --campaign "Spring survey"
    """
    from voice_ai.store import experiments as books

    with database() as (_, db):
        row = books.find(db, experiment, campaign)
    if as_json:
        print(json.dumps(row, default=str))
        return
    print(f"{row['name']} of {row['campaign']}: {_state(row)}")
    if row["minimal_effect"] is not None:
        print(
            f"looks for {row['minimal_effect']:.1%} in {row['metric']}, alpha {row['alpha']:g},"
            f" power {row['power']:g}; stops {row['stop']}"
        )
    told = row["verdict"]
    if told is None:
        print("not judged yet: `voice-ai flows ask judge-experiments --wait`")
        return
    control = control_of(tuple(row["arms"]))
    table = Table("Arm", "Leads", "Goals", "Difference", "Opt-outs", "Hang-ups")
    for arm in told["figures"]["arms"]:
        other = told["figures"]["differences"].get(arm["arm"])
        name = f"{arm['arm']} (control)" if arm["arm"] == control else arm["arm"]
        counts = [f"{arm[column]:,}" for column in ("leads", "goals", "opt_outs", "hang_ups")]
        table.add_row(name, *counts[:2], _difference(other), *counts[2:])
    Console().print(table)
    print(f"{told['kind']}: {told['why']} (looked at {row['judged_at']:%F %R})")


@app.command("plan")
def plan(
    baseline: Annotated[float, typer.Option(help="Goals per lead of the control, as in .12.")],
    effect: Annotated[float, typer.Option(help="Least difference worth finding, as in .03.")],
    alpha: Annotated[float, typer.Option(help="Chance to see what is not there.")] = 0.05,
    power: Annotated[float, typer.Option(help="Chance to see what is there.")] = 0.8,
    arms: Annotated[int, typer.Option(help="How many, the control included.")] = 2,
    leads_a_day: Annotated[
        float | None, typer.Option(help="Leads with a conversation, to tell the days.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """How many leads it takes, before anybody is called.

    Example: voice-ai experiment plan --baseline .12 --effect .03 --leads-a-day 200
    """
    from voice_ai.errors import BadInput
    from voice_ai.experiments.power import needed, needed_always_valid

    if leads_a_day is not None and leads_a_day <= 0:
        raise BadInput("leads a day are above 0", field="leads-a-day")
    once = needed(baseline, effect, alpha, power, arms)
    always = needed_always_valid(baseline, effect, alpha, power, arms)
    days = None if leads_a_day is None else always * arms / leads_a_day
    if as_json:
        facts = {"per_arm": always, "in_all": always * arms, "per_arm_one_look": once}
        print(json.dumps({**facts, "days": days}))
        return
    print(
        f"{always:,} leads an arm, {always * arms:,} in all with arms of equal size: from"
        f" {baseline:.1%} to {baseline + effect:.1%} is then found with chance {power:.0%}."
    )
    print(f"With a single look at the end {once:,} would do; looking every day costs the rest.")
    if days is not None:
        print(f"At {leads_a_day:g} leads a day that takes {days:,.1f} days.")


@app.command("stop")
def stop(
    experiment: Experiment,
    reason: Annotated[str, typer.Option(help="Why; it stays in the audit log.")],
    winner: Annotated[
        str | None, typer.Option(help="Arm for leads without one; left out: the control.")
    ] = None,
    harmful: Annotated[
        list[str] | None, typer.Option(help="Arm that nobody is to hear any more.")
    ] = None,
    campaign: Campaign = None,
    as_json: AsJson = False,
) -> None:
    """End one: new leads hear the winner, those in an arm stay in it. It cannot go on again.

    Example: voice-ai experiment stop kind_question --winner b --reason "b is clearly better"
    """
    from voice_ai.store import experiments as books

    with database() as (context, db):
        row = books.find(db, experiment, campaign)
        books.stop(
            db,
            row["id"],
            reason=reason,
            by=getpass.getuser(),
            now=context.clock.now(),
            winner=winner,
            harmful=harmful or (),
        )
        row = books.find(db, str(row["id"]))
    if as_json:
        print(json.dumps(row, default=str))
        return
    heard = row["winner"] or control_of(tuple(row["arms"]))
    print(f"{row['name']} of {row['campaign']} is stopped; new leads hear {heard}")


def _state(row: dict[str, Any]) -> str:
    if row["stopped_at"] is not None:
        won = f", {row['winner']} won" if row["winner"] else ""
        return f"stopped{won}: {row['stopped_reason'] or 'no reason told'}"
    return row["verdict"]["why"] if row["verdict"] else "goes on"


def _difference(found: dict[str, Any] | None) -> str:
    if found is None or found["value"] is None:
        return "–"
    if found["low"] is None:
        return f"{found['value']:+.1%}"
    return f"{found['value']:+.1%} ({found['low']:+.1%} to {found['high']:+.1%})"
