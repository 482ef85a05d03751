"""What serves from this home, what the registry knows, and what stands between them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ml.deploy import damage_of, history, in_use
from ml.gates import Check
from ml.lifecycle import GATE_FILE, Lifecycle
from ml.registry import CARD_FILE, CHAMPION, Registry
from ml.registry_records import Registered
from ml.tasks import TASKS, Task, find_task
from voice_ai.errors import NotAvailable
from voice_ai.store.model_trail import ModelTrail


def status(lifecycle: Lifecycle) -> dict[str, Any]:
    """Per task as JSON: served, aliases, versions with their gates, and `trouble` in sentences."""
    registry = lifecycle.registry
    trouble: str | None = None
    known: dict[str, list[Registered]] = {}
    try:
        known = {name: registry.versions(task) for name, task in TASKS.items()}
    except NotAvailable as error:
        trouble = error.message
    return {
        "home": str(lifecycle.home),
        "registry": registry.address,
        "registry_trouble": trouble,
        "steps_waiting_for_audit": len(ModelTrail(lifecycle.home).waiting()),
        "models": {name: _of(lifecycle, task, known.get(name, [])) for name, task in TASKS.items()},
    }


def _of(lifecycle: Lifecycle, task: Task, versions: list[Registered]) -> dict[str, Any]:
    served = in_use(lifecycle.home, task.name)
    champion = next((v for v in versions if CHAMPION in v.aliases), None)
    aliases = {alias: v.version for v in versions for alias in v.aliases}
    trouble = [said for said in (damage_of(lifecycle.home, task.name),) if said]
    if lifecycle.owed(task.name) is not None:
        trouble.append("the registry's aliases still have to follow what serves")
    if champion is not None and not lifecycle.passed(champion):
        trouble.append(
            f"version {champion.version} carries the alias champion without a passed gate, so it "
            f"is not served; `voice-ai models gate {task.name} {champion.version}` judges it"
        )
    return {
        "served": served.version if served else None,
        "champion": champion.version if champion else None,
        "aliases": aliases,
        "newest": versions[-1].version if versions else None,
        "can_go_back_to": _before(lifecycle, task),
        "trouble": trouble,
        "versions": [
            {
                "version": v.version,
                "gate": v.gate,
                "proved": lifecycle.passed(v),
                "gate_reasons": v.gate_reasons,
                "aliases": list(v.aliases),
                "dataset_sha256": v.dataset_sha256,
                "run_id": v.run_id,
            }
            for v in versions
        ],
    }


def _before(lifecycle: Lifecycle, task: Task) -> list[str]:
    """Versions that served here before the one that does, the latest first, each once."""
    known = [one.version for one in reversed(history(lifecycle.home, task.name))]
    return [version for version in dict.fromkeys(known) if version != known[0]]


@dataclass(frozen=True)
class Notes:
    """What a version's run keeps for people; None where it keeps none."""

    checks: Sequence[Check] | None
    card: str | None


def notes_on(registry: Registry, found: Registered) -> Notes:
    """The checks of its last gate, and its card as Markdown. Raises NotAvailable."""
    judged = registry.read_text(found, GATE_FILE)
    checks = None
    if judged is not None:
        checks = tuple(Check(**check) for check in json.loads(judged)["checks"])
    return Notes(checks, registry.read_text(found, CARD_FILE))


def card(lifecycle: Lifecycle, name: str, wanted: str) -> tuple[Registered, str]:
    """The model card of a version as Markdown, its last gate at the end. Raises NotFound."""
    found = lifecycle.registry.find(find_task(name), wanted)
    notes = notes_on(lifecycle.registry, found)
    text = notes.card or f"# {name} version {found.version}\n"
    if "\n## Gate\n" in text:  # a kind that is judged while it is trained
        return found, text
    lines = [text.rstrip(), "", "## Gate"]
    if notes.checks is None:
        return found, "\n".join([*lines, "It was not judged yet."])
    signs = {True: "passed", False: "failed", None: "open"}
    return found, "\n".join([*lines, *(f"- {signs[c.passed]}: {c.detail}" for c in notes.checks)])
