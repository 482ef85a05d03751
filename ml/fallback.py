"""Whether a version that drifted still speaks: `home/models/<task>/drift.json`.

A person switches the fallback on per task; the daily watch notes which version drifted. The server
reads the file with its models; the two together make it answer `neutral`, without a score.
"""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from ml.artifact import safe_name
from ml.deploy import models_folder, replace_file
from voice_ai.errors import Refused

FILE = "drift.json"
NEUTRAL = "neutral"


@dataclass(frozen=True)
class Fallback:
    """`on`: a person wants it. `drifted`: the version the watch found drifted; None: none."""

    on: bool = False
    drifted: str | None = None
    reason: str | None = None

    def holds_for(self, version: str) -> bool:
        return self.on and self.drifted == version


def read_fallback(home: Path, task: str) -> Fallback:
    """What the file says; nothing is wanted where there is none. Raises Refused when damaged."""
    path = _file(home, task)
    try:
        fields = json.loads(path.read_bytes())
        return Fallback(bool(fields["on"]), fields["drifted"], fields["reason"])
    except FileNotFoundError:
        return Fallback()
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise Refused(
            f"{FILE} of {task} cannot be read ({error});"
            f" `voice-ai models fallback {task} off` writes it anew"
        ) from None


def switch_fallback(home: Path, task: str, *, on: bool) -> Fallback:
    """What a person wants from now on."""
    try:
        before = read_fallback(home, task)
    except Refused:
        before = Fallback()
    return _write(home, task, replace(before, on=on))


def note_drift(home: Path, task: str, *, version: str | None, reason: str | None) -> Fallback:
    """What the watch found; leaves the person's wish. Raises Refused when the file is damaged."""
    before = read_fallback(home, task)
    if (before.drifted, before.reason) == (version, reason):
        return before
    return _write(home, task, replace(before, drifted=version, reason=reason))


def _write(home: Path, task: str, fallback: Fallback) -> Fallback:
    path = _file(home, task)
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, json.dumps(asdict(fallback), indent=1).encode())
    return fallback


def _file(home: Path, task: str) -> Path:
    return models_folder(home) / safe_name(task) / FILE
