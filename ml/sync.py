"""Keeps the copies of a home as the registry's aliases say, and says what is wrong with them.

An alias is honoured only for a version that passed its gate in this installation: one that was
moved by hand to another is refused. A registry that is down, an alias that is missing and files
that are damaged leave the served copy as it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from ml.alias_peek import peek_aliases
from ml.deploy import Champion, champion_file, damage_of, in_use
from ml.lifecycle import Lifecycle
from ml.registry import CHAMPION
from ml.registry_records import Registered
from ml.tasks import HEARD, TASKS, Task
from voice_ai.db.connect import Db
from voice_ai.errors import NotAvailable, NotFound, Refused
from voice_ai.store.alerts import clear_alert, open_alerts, raise_alert

ALERTS = "models.registry."
_DOWN = f"{ALERTS}down"


@dataclass(frozen=True)
class Synced:
    """One look at the registry. `alerts` are all that should be open now: sentence by rule."""

    news: tuple[str, ...] = ()
    alerts: Mapping[str, str] = field(default_factory=dict)


def sync(lifecycle: Lifecycle) -> Synced:
    """Serve what the aliases name, where that is allowed. Never raises for a registry's sake.

    Another one that works on the registry just now is not waited for: the next look sees it.
    """
    registry = lifecycle.registry
    if not registry.exists:
        kept = "; calls go on with the models they have"
        gone = {_DOWN: f"the model registry {registry.address} is not there{kept}"}
        return Synced(alerts={**_local(lifecycle), **gone} if _serves(lifecycle) else {})
    news, alerts = [], {}
    try:
        if _in_step(lifecycle):
            return Synced()
        with lifecycle.locked(wait=False):
            for task in map(TASKS.__getitem__, HEARD):
                said, trouble = _one(lifecycle, task)
                news += [f"{task.name}: {said}"] if said else []
                if trouble:
                    alerts[f"{ALERTS}{task.name}"] = trouble
    except BlockingIOError:
        return Synced()
    except NotAvailable as error:
        alerts = _local(lifecycle)
        alerts[_DOWN] = f"{error.message}; calls go on with the models they have"
    return Synced(tuple(news), alerts)


def tell(db: Db, synced: Synced, *, now: datetime) -> None:
    """Open the alerts of the last look and close those that are over."""
    for row in open_alerts(db, ALERTS):
        if row["name"] not in synced.alerts and _DOWN not in synced.alerts:
            clear_alert(db, row["name"], now=now)
    for name, sentence in synced.alerts.items():
        raise_alert(db, name, sentence, severity="ticket", now=now)


def _one(lifecycle: Lifecycle, task: Task) -> tuple[str | None, str | None]:
    """What was done and what is wrong, each as a sentence. Raises NotAvailable."""
    name = task.name
    settled = None
    if lifecycle.settle_aliases(task):
        settled = "the registry's aliases follow what serves"
    served, damage = in_use(lifecycle.home, name), damage_of(lifecycle.home, name)
    kept = f"calls go on with version {served.version}" if served else "nothing serves"
    wanted = lifecycle.registry.aliases(task).get(CHAMPION)
    if wanted is None:
        if served is None:
            return settled, damage
        missing = f"{name} has no alias champion in the registry; {kept}"
        return settled, f"{missing}; `voice-ai models promote {name} {served.version}` sets it"
    if served is not None and served.version == wanted:
        return settled, None
    why = "the alias champion was moved in the registry"
    if damage is not None:
        why = f"the served copy was damaged: {damage}"
    try:
        found = lifecycle.registry.find(task, wanted)
        if not lifecycle.passed(found):
            return settled, _ungated(found, kept)
        lifecycle.follow(task, found, why=why)
    except (Refused, NotFound) as error:
        return settled, f"{name} version {wanted} cannot be served, {kept}: {error.message}"
    return f"serving version {wanted}: {why}", None


def _serves(lifecycle: Lifecycle) -> bool:
    return any(champion_file(lifecycle.home, name).exists() for name in HEARD)


def _in_step(lifecycle: Lifecycle) -> bool:
    """Whether a look without MLflow, which takes seconds to load, shows that nothing is to do."""
    aliases = peek_aliases(lifecycle.registry.uri)
    if aliases is None:
        return False
    return all(
        lifecycle.owed(task.name) is None
        and damage_of(lifecycle.home, task.name) is None
        and _version(in_use(lifecycle.home, task.name))
        == aliases.get(task.model_name, {}).get(CHAMPION)
        for task in map(TASKS.__getitem__, HEARD)
    )


def _version(champion: Champion | None) -> str | None:
    return champion.version if champion else None


def _local(lifecycle: Lifecycle) -> dict[str, str]:
    """What is wrong with the home's own files, while the registry cannot mend it."""
    found = {name: damage_of(lifecycle.home, name) for name in HEARD}
    return {f"{ALERTS}{name}": f"{name}: {said}" for name, said in found.items() if said}


def _ungated(found: Registered, kept: str) -> str:
    name, version = found.task, found.version
    if found.gate == "failed":
        why = "failed its gate"
    elif found.gate == "passed":
        why = "carries the tag of a passed gate, but this installation never judged it"
    else:
        why = "was never judged"
    return (
        f"the alias champion of {name} was moved to version {version}, which {why}; {kept}; "
        f"`voice-ai models gate {name} {version}` judges it, `voice-ai models promote {name} …` "
        "moves the alias back"
    )
