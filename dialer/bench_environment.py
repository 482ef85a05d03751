"""Pipecat in an environment of its own: half a gigabyte that the product does not need.

It is made once, below the home, by whoever measures against it. `VOICE_AI_PIPECAT` names the
interpreter of one that is there already.
"""

import os
import subprocess
import sys
import venv
from pathlib import Path

_PACKAGES = (
    "pipecat-ai[websocket]==1.14.0",
    "aiohttp<4",
    "audioop-lts; python_version >= '3.13'",
    "fastapi",
    "uvicorn",
    "uvloop",
    "webrtcvad-wheels",
)
_INSTALL_S = 600


class NoPeer(Exception):
    """The peer cannot be had here; the text says why."""


def pipecat_python() -> Path | None:
    """The interpreter that has Pipecat; None when nobody made one yet."""
    told = os.environ.get("VOICE_AI_PIPECAT")
    python = Path(told) if told else _folder() / "bin" / "python"
    return python if python.is_file() else None


def make_pipecat() -> Path:
    """As `pipecat_python`, made if need be; half a minute. Raises NoPeer."""
    python = pipecat_python()
    if python is not None:
        return python
    folder = _folder()
    making = folder.with_name(f"{folder.name}.{os.getpid()}")
    try:
        venv.create(making, with_pip=True)
        install = (making / "bin" / "python", "-m", "pip", "install", "--quiet", *_PACKAGES)
        subprocess.run(install, check=True, timeout=_INSTALL_S, stdout=sys.stderr)
    except (OSError, subprocess.SubprocessError) as error:
        raise NoPeer(f"Pipecat could not be installed into {making}: {error}") from error
    making.rename(folder)
    return folder / "bin" / "python"


def _folder() -> Path:
    return Path(os.environ.get("VOICE_AI_HOME", ".voice-ai")).absolute() / "bench-pipecat"
