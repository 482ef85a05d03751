"""What a version must show before it may become champion. Pure: figures in, a verdict out."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ml.evaluate import Evaluation
from ml.tasks import Task


@dataclass(frozen=True)
class Check:
    name: str
    passed: bool
    detail: str


@dataclass(frozen=True)
class Verdict:
    """The checks of one version, measured on the task's own held-out texts."""

    checks: Sequence[Check]

    @property
    def passed(self) -> bool:
        return all(check.passed for check in self.checks)

    @property
    def reasons(self) -> list[str]:
        return [check.detail for check in self.checks if not check.passed]

    def as_json(self) -> dict[str, Any]:
        return {"passed": self.passed, "checks": [asdict(check) for check in self.checks]}


def judge(task: Task, labels: Sequence[str], held_out: Evaluation | None) -> Verdict:
    """The absolute gate; `held_out` may be None only for labels that are not the task's."""
    same = set(labels) == set(task.labels)
    checks = [
        Check(
            "labels",
            same,
            "the labels are the task's"
            if same
            else f"the labels are not those of {task.name}: {_difference(labels, task.labels)}",
        )
    ]
    if held_out is not None:
        checks.append(_floor("macro_f1", held_out.metrics["macro_f1"], task.floor))
        checks.extend(_recalls(task.recall_floors, held_out))
    return Verdict(tuple(checks))


def not_worse(candidate: Evaluation, champion: Evaluation) -> Check:
    """Whether the candidate may take the champion's place without anybody asking for it."""
    ours, theirs = candidate.metrics["macro_f1"], champion.metrics["macro_f1"]
    detail = f"held-out macro-F1 {ours:.3f} against {theirs:.3f} of version {champion.version}"
    return Check("not_worse", ours >= theirs, detail)


def _recalls(floors: Mapping[str, float], held_out: Evaluation) -> list[Check]:
    by_label = held_out.slices["label"]
    return [
        _floor(f"recall of {label}", by_label[label].accuracy, floor)
        for label, floor in floors.items()
    ]


def _floor(name: str, value: float, floor: float) -> Check:
    relation = "reaches" if value >= floor else "is below"
    return Check(name, value >= floor, f"held-out {name} {value:.3f} {relation} {floor:.2f}")


def _difference(ours: Sequence[str], theirs: Sequence[str]) -> str:
    missing, extra = sorted(set(theirs) - set(ours)), sorted(set(ours) - set(theirs))
    parts = [f"without {', '.join(missing[:5])}" if missing else ""]
    parts.append(f"with {', '.join(extra[:5])}" if extra else "")
    return " and ".join(part for part in parts if part)
