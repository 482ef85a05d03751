"""`voice-ai models shadow|canary|rollout|stop-rollout`: a candidate in running calls."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ml.commands_lifecycle import AsJson, Name, Version, Why, answer

if TYPE_CHECKING:
    from ml.rollout.books import Rollout
    from ml.rollout.start import Desk
    from voice_ai.context import Context


def add_rollout(app: typer.Typer) -> None:
    """Make them commands of `voice-ai models`."""
    app.command("shadow")(start_shadow)
    app.command("canary")(start_canary)
    app.command("rollout")(show_rollout)
    app.command("stop-rollout")(stop_rollout)


def start_shadow(name: Name, version: Version, as_json: AsJson = False) -> None:
    """Let a version listen to running calls without touching them; then it goes on by itself.

    It hears each turn after it was answered, and what it would have said is kept beside the
    champion's word. Once it heard enough calls for long enough and agrees well enough, the judge
    gives it 5 % of the calls, then 25 %, then all, and makes it champion; at every stage it is
    taken back by itself when calls go worse. Refused without a passed gate.

    Examples:

      voice-ai models shadow intent 4

      voice-ai models rollout intent
    """
    with _desk() as (context, desk):
        rollout = desk.shadow(name, version, now=context.clock.now())
    _say_begun(rollout, as_json=as_json)


def start_canary(
    name: Name,
    version: Version,
    share: Annotated[
        float | None,
        typer.Option(help="Percent of the calls that it answers; left out: the plan's first."),
    ] = None,
    campaign: Annotated[
        list[str] | None,
        typer.Option(help="Only calls of this campaign; may be given again. Left out: all."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Let a version answer in a share of the calls, without waiting for its time in the shadow.

    Which calls: a hash of the call, so that a call keeps its side to its end. Opt-outs, early
    hang-ups, slow answers and failed scorecards are held against the champion's after every look,
    and a version that is worse is taken back by itself, with the figures kept.

    Examples:

      voice-ai models canary intent 4 --share 5

      voice-ai models canary intent 4 --share 20 --campaign "Spring survey"
    """
    with _desk() as (context, desk):
        touched = _campaigns(context, campaign) if campaign else None
        rollout = desk.canary(name, version, share, touched, now=context.clock.now())
    _say_begun(rollout, as_json=as_json)


def show_rollout(
    name: Name,
    seen: Annotated[bool, typer.Option("--seen", help="Put the alert of a rollback away.")] = False,
    as_json: AsJson = False,
) -> None:
    """How the newest rollout of a task stands: stage, figures, and every step with its reason.

    Examples:

      voice-ai models rollout intent --json

      voice-ai models rollout intent --seen
    """
    with _desk() as (context, desk):
        if seen:
            desk.seen(name, now=context.clock.now())
        told = desk.show(name)
    if as_json:
        print(json.dumps(told, default=str))
        return
    print("\n".join(_lines(told)))


def stop_rollout(name: Name, reason: Why = "asked for", as_json: AsJson = False) -> None:
    """End the rollout under way: calls go on with the champion within seconds.

    Example: voice-ai models stop-rollout intent --reason "the script changes tomorrow"
    """
    with _desk() as (context, desk):
        rollout = desk.stop(name, why=reason, now=context.clock.now())
    version = rollout.standing.version
    told = {"task": name, "version": version, "outcome": rollout.row["outcome"]}
    answer(told, [f"{name} version {version} is out of the calls"], as_json=as_json)


def _say_begun(rollout: "Rollout", *, as_json: bool) -> None:
    standing = rollout.standing
    told = {
        "task": rollout.task,
        "version": standing.version,
        "champion": standing.champion,
        "stage": standing.stage,
        "share": standing.share,
    }
    does = "listens" if standing.stage == "shadow" else f"answers in {standing.share:g} % of calls"
    line = (
        f"{rollout.task} version {standing.version} {does}, beside version {standing.champion};"
        f" `voice-ai models rollout {rollout.task}` shows how it goes"
    )
    answer(told, [line], as_json=as_json)


def _lines(told: dict[str, Any]) -> list[str]:
    lines = [
        f"{told['task']}: version {told['serving'] or 'none'} is champion",
        f"plan: {told['plan']}",
    ]
    rollout = told["rollout"]
    if rollout is None:
        return [*lines, f"no rollout yet; `voice-ai models shadow {told['task']} VERSION` begins"]
    at = "in the shadow" if rollout["stage"] == "shadow" else f"at {rollout['share']:g} % of calls"
    over = f"{rollout['outcome'].replace('_', ' ')}: {rollout['why']}" if rollout["outcome"] else at
    lines.append(f"version {rollout['model_version']}: {over}")
    if not rollout["outcome"] and rollout["standing"]:
        lines.append(f"now: {rollout['standing']['kind']}, {rollout['standing']['why']}")
    for step in rollout["steps"]:
        share = "" if step["share"] is None else f" {step['share']:g} %"
        lines.append(
            f"  {step['decided_at']:%F %R} UTC  {step['decision']:<9} {step['stage'] or 'over'}"
            f"{share}  {step['why']} ({step['decided_by']})"
        )
    return lines


def _campaigns(context: "Context", names: list[str]) -> list[str]:
    """Their ids. Raises NotFound."""
    from voice_ai.db.connect import connect
    from voice_ai.errors import NotFound

    with connect(context.role_url("flows"), name="voice-ai models") as db:
        rows = db.execute("SELECT id, name FROM campaigns WHERE name = ANY(%s)", (names,))
        ids = {row["name"]: str(row["id"]) for row in rows}
    for name in names:
        if name not in ids:
            raise NotFound(f"there is no campaign {name!r}; `voice-ai campaign list` names all")
    return [ids[name] for name in names]


@contextmanager
def _desk() -> Iterator[tuple["Context", "Desk"]]:
    from ml.lifecycle import os_user
    from ml.rollout.judge import Judge
    from ml.rollout.start import Desk
    from voice_ai.context import open_context
    from voice_ai.db.connect import connect

    with (
        open_context() as context,
        connect(context.role_url("flows"), name="voice-ai models", autocommit=True) as db,
    ):
        by = os_user()
        yield context, Desk(Judge.of(context.settings, db, by), by, context.rehearsal)
