"""What the watch found of one version, or of a task as a whole."""

from dataclasses import dataclass
from typing import Any

from ml.watching.measures import DRIFT, Measure, Verdict, worst
from voice_ai.store.watching import Heard


@dataclass(frozen=True)
class Found:
    """The measures of one version, or (version `any`) of a task as a whole."""

    heard: Heard
    measures: tuple[Measure, ...]
    reference: str | None
    held_out_accuracy: float | None = None

    @property
    def key(self) -> tuple[str, str]:
        return self.heard.task, self.heard.version

    @property
    def drift(self) -> Verdict:
        """The worst of those that may end in the fallback."""
        return worst(one.verdict for one in self.measures if one.name in DRIFT)

    @property
    def verdict(self) -> Verdict:
        return worst(one.verdict for one in self.measures)

    def rows(self) -> list[dict[str, Any]]:
        shared = {
            "task": self.heard.task,
            "model_version": self.heard.version,
            "reference": self.reference,
        }
        return [{**shared, "measure": m.name, **_columns(m)} for m in self.measures]


def _columns(measure: Measure) -> dict[str, Any]:
    names = ("value", "low", "high", "n", "verdict")
    return {**{name: getattr(measure, name) for name in names}, "detail": dict(measure.detail)}
