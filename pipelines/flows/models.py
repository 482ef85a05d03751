"""Train what has no champion yet, as a flow."""

from typing import Any

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from ml.train import ensure_champions
from pipelines.flows.progress import Progress
from pipelines.flows.recorded import recorded
from voice_ai.settings import Settings


@flow(name="train-models", flow_run_name="train models")
@recorded("train-models")
def train_models_flow() -> dict[str, Any]:
    """Per task the version served from now on, and how it came: kept, deployed or trained."""
    return train_task()


@task(name="train and register", cache_policy=NO_CACHE)
def train_task() -> dict[str, Any]:
    told = Progress("train-models", "looking for champions")
    champions = ensure_champions(Settings.read(), told.at)
    told.at(1.0, ", ".join(f"{name} {made['version']}" for name, made in champions.items()))
    return champions
