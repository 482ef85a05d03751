"""`voice-ai models watch`, `fallback` and `labels`: models in production, and what people heard."""

import csv
import getpass
import os
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, get_args

import typer

from ml.tasks import find_task
from voice_ai.command_database import AsJson, answer, database
from voice_ai.db.connect import Row
from voice_ai.errors import BadInput, NotFound, Refused

labels_app = typer.Typer(
    name="labels", no_args_is_help=True, help="Turns that people label, and the next training."
)
Task = Annotated[str, typer.Option(help="The task, e.g. intent or emotion.")]


def watch(
    now: Annotated[bool, typer.Option("--now", help="Measure at once, and keep it.")] = False,
    as_json: AsJson = False,
) -> None:
    """How the served models do in calls: drift, missing answers, labelled accuracy.

    Example: voice-ai models watch --now
    """
    from ml.watch import watch_models
    from voice_ai.store import watching

    made: dict[str, Any] = {}
    with database() as (context, db):
        if now:
            made = watch_models(
                context.role_url("flows"),
                context.settings.home,
                now=context.clock.now(),
                rehearsal=context.rehearsal,
                progress=lambda share, sentence: print(sentence, file=sys.stderr),
            )
        rows = watching.newest(db, rehearsal=context.rehearsal)
    facts = {
        "day": f"{rows[0]['day']:%F}" if rows else None,
        "measures": [_told(row) for row in rows],
        "drawn": made.get("drawn", {}),
        "trouble": made.get("trouble", []),
    }
    print("\n".join(facts["trouble"]), end="\n" if facts["trouble"] else "", file=sys.stderr)
    answer(facts, _lines(rows), as_json=as_json)


def fallback(
    task: Annotated[str, typer.Argument(help="A task with the label neutral, e.g. emotion.")],
    state: Annotated[str, typer.Argument(help="on or off.")],
    as_json: AsJson = False,
) -> None:
    """Whether a version that the watch found drifted answers neutral instead; off by default.

    Example: voice-ai models fallback emotion on
    """
    from ml.fallback import NEUTRAL, switch_fallback
    from voice_ai.store.audit import write_audit

    if state not in ("on", "off"):
        raise BadInput(f"{state!r} is neither on nor off", field="state")
    if NEUTRAL not in find_task(task).labels:
        raise Refused(f"{task} has no label {NEUTRAL!r} to fall back to")
    with database() as (context, db):
        with db.transaction():
            write_audit(
                db,
                actor=getpass.getuser(),
                action=f"model.fallback_{state}",
                subject=task,
                details={},
                at=context.clock.now(),
            )
        made = switch_fallback(context.settings.home, task, on=state == "on")
    drifted = f"version {made.drifted} drifted" if made.drifted else "no version has drifted"
    facts = {"task": task, "on": made.on, "drifted": made.drifted, "reason": made.reason}
    answer(facts, f"{task}: the fallback is {state}; {drifted}", as_json=as_json)


@labels_app.command("draw")
def draw(
    task: Annotated[str, typer.Argument(help="The task, e.g. emotion.")], as_json: AsJson = False
) -> None:
    """Draw this week's turns now; the watch draws those of every finished week by itself."""
    from ml.watch import draw_labels

    with database() as (context, _):
        made = draw_labels(
            context.role_url("flows"),
            task,
            now=context.clock.now(),
            rehearsal=context.rehearsal,
        )
    sentence = (
        f"{made} turns are drawn; label them on the page Labelling"
        if made
        else "nothing was drawn: this week has its sample already, or no model was heard in it"
    )
    answer({"task": task, "drawn": made}, sentence, as_json=as_json)


@labels_app.command("status")
def status(task: Task, as_json: AsJson = False) -> None:
    """Samples of a task, how far they are labelled, and how far people agree."""
    from voice_ai.labelling.standing import State, agreed
    from voice_ai.store import labels

    find_task(task)
    found: list[dict[str, Any]] = []
    with database() as (context, db):
        for row in labels.weeks(db, task, rehearsal=context.rehearsal):
            turns = labels.turns_of(db, labels.Sample(task, row["week"], context.rehearsal))
            states = [turn.standing.state for turn in turns]
            counts = {state: states.count(state) for state in get_args(State)}
            kappa = agreed(turn.said for turn in turns).kappa
            found.append(
                {"week": f"{row['week']:%F}", "turns": len(turns), **counts, "kappa": kappa}
            )
    lines = [
        f"{one['week']}: {one['turns']} turns, {one['agreed']} agreed, {one['disputed']} disputed,"
        f" {one['unclear']} unclear, {one['waiting']} waiting, kappa {_figure(one['kappa'])}"
        for one in found
    ] or [f"no turn of {task} was drawn yet; `voice-ai models labels draw {task}` draws some"]
    answer({"task": task, "weeks": found}, "\n".join(lines), as_json=as_json)


@labels_app.command("export")
def export(
    task: Task,
    out: Annotated[Path, typer.Option(help="CSV with the columns text and label.")],
    as_json: AsJson = False,
) -> None:
    """Write agreed labels as data for `voice-ai models train`; names and numbers are hidden.

    Example: voice-ai models labels export --task emotion --out emotion-calls.csv
    """
    from voice_ai.store import labels

    find_task(task)
    if out.suffix.lower() != ".csv":
        raise BadInput("is not a .csv", file=out)
    with database() as (context, db):
        rows = labels.agreed_texts(db, task, rehearsal=context.rehearsal)
    if not rows:
        raise NotFound(
            f"no label of {task} is agreed yet; two people label the same turns on the page"
            " Labelling"
        )
    _write(out, rows)
    facts = {"task": task, "rows": len(rows), "file": str(out)}
    answer(facts, f"{len(rows)} labelled texts are in {out}", as_json=as_json)


def _write(out: Path, rows: Sequence[tuple[str, str]]) -> None:
    """All of the file or nothing. Raises BadInput."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{out.name}-", dir=out.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(("text", "label"))
                writer.writerows(rows)
            Path(name).replace(out)
        finally:
            with suppress(FileNotFoundError):
                Path(name).unlink()
    except OSError as error:
        raise BadInput(f"cannot be written ({error.strerror})", file=out) from error


def _told(row: Row) -> dict[str, Any]:
    return {**row, "day": f"{row['day']:%F}", "made_at": row["made_at"].isoformat()}


def _lines(rows: Sequence[Row]) -> str:
    if not rows:
        return "nothing was measured yet; `voice-ai models watch --now` does it"
    told = [f"{rows[0]['day']:%F}, {'rehearsal' if rows[0]['rehearsal'] else 'live'} calls"]
    for row in rows:
        bounds = "" if row["low"] is None else f" ({row['low']:.3f}–{row['high']:.3f})"
        told.append(
            f"  {row['task']:<10} {row['model_version']:<5} {row['measure']:<14}"
            f" {_figure(row['value']):>7}{bounds:<16} n {row['n']:>6}  {row['verdict']}"
        )
    return "\n".join(told)


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
