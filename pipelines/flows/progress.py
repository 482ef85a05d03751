"""Progress of a flow run: an artifact in Prefect's pages, and a word in the request's row."""

from typing import cast
from uuid import UUID

from prefect.artifacts import create_progress_artifact, update_progress_artifact

from pipelines.flows import recorded

_LEAST_STEP = 5.0


class Progress:
    """Told in shares of the whole; written when it moved by five percent or to a new step."""

    def __init__(self, key: str, step: str) -> None:
        self._id = cast(UUID, create_progress_artifact(0.0, key=key, description=step))
        self._told = 0.0
        recorded.tell(0.0, step)

    def at(self, share: float | None, step: str | None = None) -> None:
        """`share` is None while the whole is unknown."""
        recorded.tell(share, step)
        percent = self._told if share is None else 100 * min(1.0, max(0.0, share))
        if step is None and percent < 100 and percent - self._told < _LEAST_STEP:
            return
        update_progress_artifact(self._id, percent, description=step)
        self._told = percent
