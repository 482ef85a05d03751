"""What the registry keeps of runs and versions: rows, tags, and the files of MLflow's flavour.

MLflow itself is handed in by `ml.registry`, the only module that imports it.
"""

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ml.artifact import MODEL_FILE, Manifest
from ml.evaluate import Evaluation
from ml.kinds import Fitted, kind_of
from ml.tasks import Task
from ml.words_in_use import words_in_use
from voice_ai.errors import NotFound

_KEPT_TAGS = (
    "model_sha256",
    "manifest_sha256",
    "dataset",
    "dataset_sha256",
    "parameters_sha256",
    "scripts",
    "prompts",
    "words_sha256",
)


@dataclass(frozen=True)
class Registered:
    """One version in the registry; `gate` is None while nobody judged it.

    `gate_seal` proves the gate (`ml.seal`), `gate_against` is the champion it was judged beside.
    """

    task: str
    version: str
    run_id: str
    source: str
    gate: str | None
    aliases: tuple[str, ...]
    dataset_sha256: str | None
    manifest_sha256: str | None
    gate_seal: str | None = None
    gate_against: str | None = None
    gate_reasons: str = ""


@dataclass(frozen=True)
class Told:
    """A version for people; `n` held-out rows, `intervals` by figure, `experiment` for links.

    `judged` is the whole evaluation as its run kept it, empty where it kept none; `params` are what
    it was trained with.
    """

    version: Registered
    at: datetime
    metrics: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]
    n: int | None
    experiment: str
    dataset: str | None
    params: Mapping[str, str]
    judged: Mapping[str, Any] = field(repr=False)

    @property
    def gate_reasons(self) -> str:
        return self.version.gate_reasons


@dataclass(frozen=True)
class Notes:
    """What a run records besides the model: figures and the card for people."""

    metrics: Mapping[str, float]
    evaluation: Mapping[str, Any]
    card: str


def notes_of(evaluation: Evaluation, card: str) -> Notes:
    """The figures of one evaluation under names MLflow accepts."""
    metrics = {f"heldout_{name}": value for name, value in evaluation.metrics.items()}
    return Notes(metrics, evaluation.as_json(), card)


def log_model(mlflow: Any, task: Task, made: Fitted) -> Any:
    probabilities = made.pipeline.predict_proba(made.example)
    return mlflow.sklearn.log_model(
        made.pipeline,
        name=task.name,
        signature=mlflow.models.infer_signature(made.example, probabilities),
        input_example=made.example,
        pip_requirements=_requirements(),
        serialization_format="skops",
        skops_trusted_types=_trusted(task),
        pyfunc_predict_fn="predict_proba",
    )


def _trusted(task: Task) -> list[str]:
    return sorted(name for name, _ in kind_of(task.kind).ALLOWED)


def _requirements() -> list[str]:
    """Named, as MLflow would otherwise load the model in another process to find them out."""
    import sklearn
    import skops

    return [f"scikit-learn=={sklearn.__version__}", f"skops=={skops.__version__}"]


def pins_of(manifest: Manifest, content: bytes) -> dict[str, str]:
    """What a run says of its model, and hands on to the version."""
    return {
        "model_sha256": manifest.sha256,
        "manifest_sha256": hashlib.sha256(content).hexdigest(),
        "dataset": manifest.dataset,
        "dataset_sha256": manifest.dataset_sha256,
        "parameters_sha256": manifest.parameters_sha256,
        **words_in_use(),
    }


def save_flavour(mlflow: Any, task: Task, pipeline: Any, place: Path, model_file: Path) -> None:
    """MLflow's own files around the model, and in them the very file that was given."""
    mlflow.sklearn.save_model(
        pipeline,
        str(place),
        serialization_format="skops",
        skops_trusted_types=_trusted(task),
        pip_requirements=_requirements(),
    )
    shutil.copyfile(model_file, place / MODEL_FILE)


def make_version(client: Any, task: Task, run: Any) -> Any:
    tags: Mapping[str, str] = run.data.tags
    if "model_uri" not in tags:
        raise NotFound(f"run {run.info.run_id} holds no model; train {task.name} again")
    if not client.search_registered_models(f"name='{task.model_name}'"):
        client.create_registered_model(task.model_name, description=task.purpose)
    uri = tags["model_uri"]
    return client.create_model_version(
        task.model_name,
        source=uri,
        run_id=run.info.run_id,
        tags={name: tags[name] for name in _KEPT_TAGS if name in tags},
        model_id=uri.removeprefix("models:/") if uri.startswith("models:/") else None,
    )


def told_of(client: Any, judged: Mapping[str, Any], version: Registered) -> Told:
    run = client.get_run(version.run_id)
    bounds: Mapping[str, Sequence[float]] = judged.get("intervals", {})
    return Told(
        version=version,
        at=datetime.fromtimestamp(run.info.start_time / 1000, UTC),
        metrics={name.removeprefix("heldout_"): v for name, v in run.data.metrics.items()},
        intervals={name: (low, high) for name, (low, high) in bounds.items()},
        n=judged.get("n"),
        experiment=str(run.info.experiment_id),
        dataset=run.data.tags.get("dataset"),
        params=dict(run.data.params),
        judged=judged,
    )


def registered_of(task: Task, version: Any, aliases: Mapping[str, str]) -> Registered:
    number = str(version.version)
    return Registered(
        task=task.name,
        version=number,
        run_id=str(version.run_id),
        source=str(version.source),
        gate=version.tags.get("gate"),
        aliases=tuple(sorted(name for name, held in aliases.items() if str(held) == number)),
        dataset_sha256=version.tags.get("dataset_sha256"),
        manifest_sha256=version.tags.get("manifest_sha256"),
        gate_seal=version.tags.get("gate_seal"),
        gate_against=version.tags.get("gate_against"),
        gate_reasons=version.tags.get("gate_reasons", ""),
    )
