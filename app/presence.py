"""This process in the database: what it works with is opened once, and its heartbeat goes along."""

import atexit
import threading
from contextlib import ExitStack

from voice_ai.context import Context, open_context
from voice_ai.store.workers import presence_thread

_opening = threading.Lock()
_opened: list[Context] = []


def present() -> Context:
    """The context of the pages, with a row in `workers`; both are left when the process ends.

    Raises VoiceAIError, and then the next call tries again.
    """
    with _opening:
        if not _opened:
            with ExitStack() as stack:
                context = stack.enter_context(open_context())
                stack.enter_context(presence_thread(context.role_url("app"), "app"))
                atexit.register(stack.pop_all().close)
            _opened.append(context)
        return _opened[0]
