"""The tasks a model can be trained for; a further task is a row here and a folder of data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import get_args

from voice_ai.conversation.turns import Intent
from voice_ai.errors import NotFound

_DATA = Path(__file__).parent / "data"


@dataclass(frozen=True)
class Task:
    """`floor` is the least held-out macro-F1 at which a version may become champion.

    `recall_floors` are the same for the recall of single labels: those where a miss does harm.
    """

    name: str
    labels: tuple[str, ...]
    floor: float
    purpose: str
    recall_floors: Mapping[str, float] = field(default_factory=dict)

    @property
    def data_file(self) -> Path:
        return _DATA / f"{self.name}.csv"

    @property
    def model_name(self) -> str:
        return f"voice-ai-{self.name}"


INTENT = Task(
    name="intent",
    labels=get_args(Intent),  # what the scripts branch on is what the model tells apart
    floor=0.80,
    purpose="What the called person wants in one turn of an outbound call",
    recall_floors={"opt_out": 0.90},
)
EMOTION = Task(
    name="emotion",
    labels=("neutral", "joy", "anger", "sadness", "fear", "surprise", "disgust"),
    floor=0.80,
    purpose="The emotion in the words of one turn of an outbound call",
)
TASKS: Mapping[str, Task] = MappingProxyType({task.name: task for task in (INTENT, EMOTION)})


def find_task(name: str) -> Task:
    """The task of that name. Raises NotFound listing those that exist."""
    if name not in TASKS:
        raise NotFound(f"there is no model called {name!r}; choose one of {', '.join(TASKS)}")
    return TASKS[name]
