"""How uvicorn serves our application: the same for the product and for whoever measures it."""

import gc
import sys

import uvicorn
from starlette.types import ASGIApp

from dialer.media_protocol import MediaProtocol

# A message of the carrier's is some hundred bytes; nothing it sends comes near this.
_LONGEST_MESSAGE = 1 << 20
# A call makes and drops small objects all the time; with Python's own 700 they are searched for
# rubbish hundreds of times a second.
_COLLECT_AFTER = 20_000


def server_config(app: ASGIApp) -> uvicorn.Config:
    """On uvloop where there is one (not on Windows)."""
    return uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        log_config=None,  # what uvicorn says goes the way of all our logs
        ws=MediaProtocol,
        ws_max_size=_LONGEST_MESSAGE,
        # Audio is compressed already: deflate would only cost time.
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=5,
        lifespan="on",
    )


def set_apart_what_stays() -> None:
    """Call it once everything is loaded.

    Libraries and models are hundreds of thousands of objects. Searching them for rubbish takes a
    tenth of a second, in which no call is answered; they are taken out of the search.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER)


def allow_many_sockets() -> None:
    """A call holds two, to carrier and recogniser; a process may often open 1024 unless it asks."""
    if sys.platform == "win32":
        return
    import resource

    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
