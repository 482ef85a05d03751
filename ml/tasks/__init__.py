"""The tasks a model can be trained for; a further one is a folder here and a line below."""

from collections.abc import Mapping
from types import MappingProxyType

from ml.tasks.answer.task import ANSWER
from ml.tasks.emotion.task import EMOTION
from ml.tasks.emotion_voice.task import EMOTION_VOICE
from ml.tasks.intent.task import INTENT
from ml.tasks.lead.task import LEAD
from ml.tasks.opt_out.task import OPT_OUT
from ml.tasks.task import Task
from voice_ai.errors import NotFound

__all__ = [
    "ANSWER",
    "EMOTION",
    "EMOTION_VOICE",
    "HEARD",
    "INTENT",
    "LEAD",
    "OPT_OUT",
    "TASKS",
    "Task",
    "find_task",
]

TASKS: Mapping[str, Task] = MappingProxyType(
    {task.name: task for task in (INTENT, EMOTION, OPT_OUT, ANSWER, EMOTION_VOICE, LEAD)}
)

# Those whose models answer in calls; the others score rows beside them.
HEARD = tuple(name for name, task in TASKS.items() if task.kind != "table")


def find_task(name: str) -> Task:
    """The task of that name. Raises NotFound listing those that exist."""
    if name not in TASKS:
        raise NotFound(f"there is no model called {name!r}; choose one of {', '.join(TASKS)}")
    return TASKS[name]
