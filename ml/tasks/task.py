"""What is fixed about a task, whatever model answers it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Task:
    """`floor` is the least held-out macro-F1 at which a version may become champion.

    `recall_floors` are the same for the recall of single labels: those where a miss does harm.
    `kind` names what its inputs are: text, voice or table (`ml.kinds`).
    """

    name: str
    labels: tuple[str, ...]
    floor: float
    purpose: str
    kind: str = "text"
    recall_floors: Mapping[str, float] = field(default_factory=dict)

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
