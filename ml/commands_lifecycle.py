"""`voice-ai models register|gate|promote|rollback|deploy|export|sync|status|card`."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from voice_ai.settings import Settings

if TYPE_CHECKING:
    from ml.lifecycle import Lifecycle, Moved
    from ml.outside import Delivery

Name = Annotated[str, typer.Argument(help="The task, e.g. intent.")]
Version = Annotated[str, typer.Argument(help="A number or an alias.")]
Why = Annotated[str, typer.Option("--reason", help="Kept in the audit log with your name.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]


def say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


def answer(value: dict[str, Any], lines: list[str], *, as_json: bool) -> None:
    print(json.dumps(value) if as_json else "\n".join(lines))


def told_to_the_trail() -> None:
    """What was done goes into the audit log; a sentence when it has to wait."""
    from ml.lifecycle import deliver_trail

    say(deliver_trail(_lifecycle()))


def register_model(name: Name, as_json: AsJson = False) -> None:
    """Make the newest training run a version and judge it; again, it keeps its number.

    Example: voice-ai models register intent
    """
    from ml.train import register_newest

    found = register_newest(Settings.read(), name)
    told_to_the_trail()
    value = {"task": name, "version": found.version, "gate": found.gate, "run_id": found.run_id}
    answer(value, [f"{name} version {found.version}, gate {found.gate}"], as_json=as_json)


def gate_model(
    name: Name,
    version: Annotated[str | None, typer.Argument(help="Left out: the newest.")] = None,
    as_json: AsJson = False,
) -> None:
    """Judge a version by every check, beside what serves now; exit 1 when it does not pass.

    Example: voice-ai models gate intent 3
    """
    lifecycle = _lifecycle()
    with lifecycle.locked():
        found, verdict = lifecycle.gate(name, version)
    told_to_the_trail()
    head = f"{name} version {found.version}: {'passed' if verdict.passed else 'did not pass'}"
    signs = {True: "yes", False: "NO", None: "–"}
    rows = [f"  {signs[check.passed]:<4}{check.detail}" for check in verdict.checks]
    value = {"task": name, "version": found.version, **verdict.as_json()}
    answer(value, [head, *rows], as_json=as_json)
    if not verdict.passed:
        raise typer.Exit(1)


def promote_model(
    name: Name, version: Version, reason: Why = "asked for", as_json: AsJson = False
) -> None:
    """Serve a version and make it champion; refused without a passed gate.

    Example: voice-ai models promote intent 3 --reason "better on opt-outs"
    """
    if name == "lead":
        from ml.table.train import promote as promote_lead

        found = promote_lead(Settings.read(), version, why=reason)
        told_to_the_trail()
        line = f"lead version {found.version} takes part in its seller's scores"
        answer({"task": name, "version": found.version}, [line], as_json=as_json)
        return
    _answer_move(_lifecycle().promote(name, version, why=reason), as_json=as_json)


def rollback_model(
    name: Name,
    to: Annotated[str | None, typer.Option(help="A version; left out: the one before.")] = None,
    reason: Why = "asked for",
    as_json: AsJson = False,
) -> None:
    """Serve the version before again, within seconds, also while the registry is down.

    Example: voice-ai models rollback emotion --reason "hears anger everywhere"
    """
    _answer_move(_lifecycle().rollback(name, to, why=reason), as_json=as_json)


def deploy_models(
    folder: Annotated[Path, typer.Argument(help="Holds NAME/model.skops and manifest.json.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Prove only; change nothing.")] = False,
    reason: Why = "delivered as a folder",
    as_json: AsJson = False,
) -> None:
    """Take models from outside: validate, stage, self-test, gate, register, promote, verify.

    All of them or none; exit 1 when a step did not pass.

    Example: voice-ai models deploy delivered/ --dry-run
    """
    from ml.outside import deliver

    delivery = deliver(_lifecycle(), folder, why=reason, dry_run=dry_run)
    told_to_the_trail()
    answer(delivery.as_json(), _steps(delivery), as_json=as_json)
    if not delivery.passed:
        raise typer.Exit(1)


def export_model(
    name: Name,
    version: Version,
    folder: Annotated[Path, typer.Argument(help="Where to; made when it is not there.")],
    as_json: AsJson = False,
) -> None:
    """Write a version as the folder that `deploy` takes.

    Example: voice-ai models export intent champion delivered/
    """
    from ml.outside import export

    target, found = export(_lifecycle(), name, version, folder)
    value = {"task": name, "version": found.version, "folder": str(target)}
    answer(value, [f"{name} version {found.version} is in {target}"], as_json=as_json)


def sync_models(as_json: AsJson = False) -> None:
    """Serve what the registry's aliases name; `voice-ai flows` does it every ten seconds.

    Exit 1 when something wants attention. Example: voice-ai models sync
    """
    from ml.sync import sync

    synced = sync(_lifecycle())
    told_to_the_trail()
    value = {"news": list(synced.news), "alerts": dict(synced.alerts)}
    lines = [*synced.news, *synced.alerts.values()]
    answer(value, lines or ["what serves is what the aliases name"], as_json=as_json)
    if synced.alerts:
        raise typer.Exit(1)


def show_status(as_json: AsJson = False) -> None:
    """What is served from this home, what the registry knows, and what is wrong.

    Example: voice-ai models status --json
    """
    from ml.standing import status

    found = status(_lifecycle())
    lines = [f"registry: {found['registry']}"]
    if found["registry_trouble"]:
        lines.append(f"  {found['registry_trouble']}; calls go on with the models they have")
    if found["steps_waiting_for_audit"]:
        lines.append(f"  {found['steps_waiting_for_audit']} steps wait for the audit log")
    for name, standing in found["models"].items():
        lines += _standing(name, standing)
    answer(found, lines, as_json=as_json)


def show_card(
    name: Name,
    version: Annotated[str, typer.Argument(help="A number or an alias.")] = "champion",
    as_json: AsJson = False,
) -> None:
    """The model card of a version: purpose, data, figures, gate, limits.

    Example: voice-ai models card emotion 2
    """
    from ml.standing import card

    found, text = card(_lifecycle(), name, version)
    answer({"task": name, "version": found.version, "card": text}, [text], as_json=as_json)


def add_lifecycle(app: typer.Typer) -> None:
    """Each function as a command of `app`."""
    for name, command in (
        ("register", register_model),
        ("gate", gate_model),
        ("promote", promote_model),
        ("rollback", rollback_model),
        ("deploy", deploy_models),
        ("export", export_model),
        ("sync", sync_models),
        ("status", show_status),
        ("card", show_card),
    ):
        app.command(name)(command)


def _lifecycle() -> "Lifecycle":
    from ml.lifecycle import Lifecycle

    return Lifecycle.of(Settings.read())


def _answer_move(moved: "Moved", *, as_json: bool) -> None:
    told_to_the_trail()
    line = f"{moved.task} version {moved.version} serves"
    line += f", version {moved.before} did before" if moved.before else ""
    if moved.owed:
        line += "; the registry does not answer, its aliases follow when it does"
    answer(vars(moved), [line], as_json=as_json)


def _steps(delivery: "Delivery") -> list[str]:
    wide = max(len(step.task) for step in delivery.steps)
    rows = [
        f"{step.task:<{wide}}  {step.step:<9}  {'yes' if step.passed else 'NO':<4}{step.detail}"
        for step in delivery.steps
    ]
    if delivery.served:
        served = ", ".join(f"{name} {version}" for name, version in delivery.served.items())
        return [*rows, f"serving {served}"]
    if delivery.passed:
        return [*rows, "proved only; without --dry-run it is registered and served"]
    return [*rows, "nothing serves that did not serve before"]


def _standing(name: str, standing: dict[str, Any]) -> list[str]:
    if standing["newest"] is None and standing["served"] is None and not standing["trouble"]:
        return [f"{name}: none yet; run `voice-ai models train {name}`"]
    aliases = ", ".join(f"{alias} {number}" for alias, number in standing["aliases"].items())
    head = f"{name}: serving version {standing['served'] or 'none'}, newest {standing['newest']}"
    gates = {version["version"]: version for version in standing["versions"]}
    lines = [f"{head}; aliases: {aliases or 'none'}"]
    newest = gates.get(str(standing["newest"]))
    if newest is not None and newest["version"] != standing["served"]:
        why = f": {newest['gate_reasons']}" if newest["gate_reasons"] else ""
        lines.append(f"  newest: gate {newest['gate'] or 'not judged'}{why}")
    return [*lines, *(f"  {said}" for said in standing["trouble"])]
