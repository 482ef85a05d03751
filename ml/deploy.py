"""The local, hash-pinned copy that serving reads: `home/models/<task>/<version>/`.

`champion.json` beside the versions names the one in use and the SHA-256 of its manifest, and is
replaced in one step, so that a reader sees the old champion or the new one and nothing between.
"""

import hashlib
import json
import os
import shutil
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from ml.artifact import (
    MANIFEST_FILE,
    MODEL_FILE,
    Manifest,
    load_verified,
    safe_name,
)
from voice_ai.errors import Refused

CHAMPION_FILE = "champion.json"


@dataclass(frozen=True)
class Champion:
    """What `champion.json` says."""

    task: str
    version: str
    manifest_sha256: str


def models_folder(home: Path) -> Path:
    return home / "models"


def champion_file(home: Path, task: str) -> Path:
    return models_folder(home) / safe_name(task) / CHAMPION_FILE


def read_champion(path: Path) -> Champion:
    """Raises Refused when the file is damaged or names a folder outside its own."""
    try:
        fields = json.loads(path.read_bytes())
        champion = Champion(**{key: str(value) for key, value in fields.items()})
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise Refused(f"{CHAMPION_FILE} cannot be read ({error}); deploy the model again") from None
    safe_name(champion.version)
    if champion.task != path.parent.name:
        raise Refused(f"{CHAMPION_FILE} of {path.parent.name} names the task {champion.task!r}")
    return champion


def read_manifest(folder: Path, sha256: str) -> Manifest:
    """The manifest of a version's folder. Raises Refused when it is not the pinned one."""
    try:
        content = (folder / MANIFEST_FILE).read_bytes()
    except OSError as error:
        raise Refused(f"{MANIFEST_FILE} cannot be read ({error.strerror})") from None
    if hashlib.sha256(content).hexdigest() != sha256:
        raise Refused(f"{MANIFEST_FILE} was changed after it was deployed")
    return Manifest.from_bytes(content)


def deploy(model_file: Path, manifest: Manifest, home: Path) -> Champion:
    """Copy a registered version into the home and make it the one served.

    The copy must pass its own self-test first. Raises Refused when it does not.
    """
    if manifest.version is None:
        raise Refused("a model without a version cannot be deployed; register it first")
    version = safe_name(manifest.version)
    folder = models_folder(home) / safe_name(manifest.task)
    folder.mkdir(parents=True, exist_ok=True)
    content = manifest.to_bytes()
    champion = Champion(manifest.task, version, hashlib.sha256(content).hexdigest())
    staging = Path(tempfile.mkdtemp(prefix=".incoming-", dir=folder))
    try:
        shutil.copyfile(model_file, staging / MODEL_FILE)
        (staging / MANIFEST_FILE).write_bytes(content)
        load_verified(staging, manifest)
        _put(staging, folder / version)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    replace_file(folder / CHAMPION_FILE, json.dumps(asdict(champion), indent=1).encode())
    return champion


def _put(staging: Path, target: Path) -> None:
    """Move `staging` to `target`; another registry's version of the same number gives way."""
    if target.exists():
        shutil.rmtree(target)
    staging.rename(target)


def replace_file(path: Path, content: bytes) -> None:
    """Write a file so that a reader sees all of the old or all of the new one."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    Path(name).replace(path)
