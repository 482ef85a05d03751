"""What is fixed about a task, whatever model answers it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ml.gate_limits import Limits

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Task:
    """`floor` is the least held-out macro-F1 at which a version may become champion.

    `recall_floors` are the same for the recall of single labels: those where a miss does harm.
    `gates` are further limits of `ml.gate_limits` that the task sets for itself, by name.
    `kind` names what its inputs are: text, voice or table (`ml.kinds`). `cautions` are sentences of
    its model card.
    """

    name: str
    labels: tuple[str, ...]
    floor: float
    purpose: str
    kind: str = "text"
    recall_floors: Mapping[str, float] = field(default_factory=dict)
    gates: Mapping[str, Any] = field(default_factory=dict)
    cautions: tuple[str, ...] = ()

    @property
    def limits(self) -> Limits:
        """What a version of the task must keep to, before a home changes it."""
        own = Limits(floors={"macro_f1": self.floor}, recalls=self.recall_floors)
        return own.with_own(self.gates)

    @property
    def data_file(self) -> Path:
        """The rows the project ships for it; the file need not exist."""
        return _HERE / self.name / "data.csv"

    @property
    def has_data(self) -> bool:
        return self.data_file.exists()

    @property
    def model_name(self) -> str:
        return f"voice-ai-{self.name.replace('_', '-')}"
