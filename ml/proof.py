"""What a trained model is proved by when it is loaded: its manifest, with recorded answers."""

from collections.abc import Mapping, Sequence
from typing import Any

from ml.artifact import Golden, Manifest
from ml.kinds import Fitted, kind_of
from ml.tasks import Task

_GOLDEN_ROWS = 24


def manifest_of(
    task: Task, made: Fitted, inputs: Sequence[Any], metrics: Mapping[str, float]
) -> Manifest:
    """Without version and pin, which the registry gives. Answers are recorded to some `inputs`."""
    asked = inputs[:: max(1, len(inputs) // _GOLDEN_ROWS)][:_GOLDEN_ROWS]
    answers = kind_of(task.kind).reference(made.pipeline, made.settings, asked)
    return Manifest(
        task=task.name,
        kind=task.kind,
        model_name=task.model_name,
        version=None,
        sha256="",
        parameters_sha256=made.fingerprint,
        labels=made.labels,
        settings=made.settings,
        dataset=made.dataset.name,
        dataset_sha256=made.dataset.sha256,
        metrics={k: v for k, v in metrics.items() if not k.startswith("latency")},
        golden=tuple(
            Golden(one, dict(zip(made.labels, row.tolist(), strict=True)))
            for one, row in zip(asked, answers, strict=True)
        ),
    )
