"""The process of a local Prefect server: `python -m pipelines.flows.server FD`.

FD is a listening socket; standard input is the pipe whose end means that the parent is gone.
"""

import os
import socket
import sys
import threading
import time

import uvicorn

_GRACE = 1.5


def main() -> None:
    running: list[uvicorn.Server] = []
    threading.Thread(target=_leave_with_parent, args=(running,), daemon=True).start()
    listener = socket.socket(fileno=int(sys.argv[1]))

    from prefect.server.api.server import create_app

    running.append(uvicorn.Server(uvicorn.Config(create_app(final=True), log_level="error")))
    running[0].run(sockets=[listener])


def _leave_with_parent(running: list[uvicorn.Server]) -> None:
    """Also while the server is still being put together, which takes seconds."""
    sys.stdin.buffer.read()
    for server in running:
        server.should_exit = True
        time.sleep(_GRACE)
    os._exit(1)


if __name__ == "__main__":
    main()
