"""What may be tried again: only what was not there; a no stays a no."""

from typing import Any

from prefect.client.schemas.objects import State, TaskRun

from voice_ai.errors import NotAvailable


def when_not_available(_task: Any, _run: TaskRun, state: State[Any]) -> bool:
    """Retry when the database or a service did not answer, never when a rule or input says no."""
    return isinstance(state.result(raise_on_failure=False), NotAvailable)
