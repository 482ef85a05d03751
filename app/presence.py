"""This process in the database: what it works with is opened once, and its heartbeat goes along."""

import atexit
import threading
from contextlib import ExitStack

from voice_ai.context import Context, open_context
from voice_ai.store.workers import presence_thread

_opening = threading.Lock()
_opened: list[Context] = []
_held = ExitStack()
_PATIENCE_S = 5.0


def present() -> Context:
    """The context of the pages, with a row in `workers`; both are left when the process ends.

    Raises VoiceAIError, and then the next call tries again.
    """
    with _opening:
        if not _opened:
            with ExitStack() as stack:
                context = stack.enter_context(open_context())
                stack.enter_context(presence_thread(context.role_url("app"), "app"))
                _held.push(stack.pop_all())
            _opened.append(context)
        return _opened[0]


@atexit.register
def leave() -> None:
    """Gives everything back, once; one that is being opened is given a moment."""
    if _opening.acquire(timeout=_PATIENCE_S):
        try:
            _held.close()
            _opened.clear()
        finally:
            _opening.release()
