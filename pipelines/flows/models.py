"""Models trained, and what pages order of their versions, as flows."""

from pathlib import Path
from typing import Any

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from ml.table.commands import train_lead
from ml.tasks import find_task
from ml.train import ensure_champions, train
from pipelines.flows import recorded
from pipelines.flows.progress import Progress
from pipelines.model_orders import Order, obey
from voice_ai.context import open_context
from voice_ai.settings import Settings


@flow(name="train-models", flow_run_name="train models")
@recorded.recorded("train-models")
def train_models_flow() -> dict[str, Any]:
    """Per task the version served from now on, and how it came: kept, deployed or trained."""
    return ensure_task()


@task(name="train and register", cache_policy=NO_CACHE)
def ensure_task() -> dict[str, Any]:
    told = Progress("train-models", "looking for champions")
    champions = ensure_champions(Settings.read(), told.at)
    told.at(1.0, ", ".join(f"{name} {made['version']}" for name, made in champions.items()))
    return champions


@flow(name="train-model", flow_run_name="train {name}")
@recorded.recorded("train-model")
def train_model_flow(
    name: str, data: str | None = None, seed: int = 7, *, embeddings: bool = False
) -> dict[str, Any]:
    """The version that was made, and whether it serves."""
    return train_task(name, data, seed, embeddings=embeddings)


@task(name="train one task", cache_policy=NO_CACHE)
def train_task(name: str, data: str | None, seed: int, *, embeddings: bool) -> dict[str, Any]:
    told = Progress("train-model", f"reading the rows of {name}")
    file = Path(data) if data else None
    if find_task(name).kind == "table":
        made = _lead(file, seed, told)
    else:
        options = {"embeddings": True} if embeddings else {}
        trained = train(
            Settings.read(), name, data=file, seed=seed, options=options, progress=told.at
        )
        made = trained.as_json()
    told.at(1.0, f"{name}: {made['reason']}")
    return {"task": name, **{key: made[key] for key in ("version", "promoted", "reason")}}


def _lead(file: Path | None, seed: int, told: Progress) -> dict[str, Any]:
    """From a file, or from the dials of the one seller that has any."""
    made, _ = train_lead(
        Settings.read(),
        data=file,
        label=None,
        keep=(),
        seller=None,
        as_of=None,
        seed=seed,
        register=True,
        progress=told.at,
    )
    return made


@flow(name="model-order", flow_run_name="{action} {name}")
@recorded.recorded("model-order")
def model_order_flow(
    action: str,
    name: str,
    version: str | None = None,
    share: float | None = None,
    reason: str | None = None,
) -> dict[str, Any]:
    """What came of one order about a version."""
    return order_task(Order.of(action, name, version, share, reason))


@task(name="obey", cache_policy=NO_CACHE)
def order_task(order: Order) -> dict[str, Any]:
    told = Progress("model-order", f"{order.action} {order.task}")
    with open_context() as context:
        said = obey(context, order, by=recorded.asked_by() or "flows")
    told.at(1.0, said)
    return {"action": order.action, "task": order.task, "said": said}
