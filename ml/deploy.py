"""The local, hash-pinned copies that serving reads: `home/models/<task>/<version>/`.

`champion.json` beside the versions names the one in use and the SHA-256 of its manifest, and is
replaced in one step, so that a reader sees the old champion or the new one and nothing between.
`history.json` keeps which versions were in use before it, so that going back needs no registry.
`challenger.json` and `shadow.json` are the same for candidates (`ml.candidates`).
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from ml.artifact import (
    MANIFEST_FILE,
    MODEL_FILE,
    Manifest,
    check_pin,
    load_verified,
    safe_name,
)
from voice_ai.errors import NotFound, Refused

CHAMPION_FILE = "champion.json"
HISTORY_FILE = "history.json"
_KEPT = 50


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
    champion = place(model_file, manifest, home)
    _put_in_use(home, champion, [*history(home, champion.task), champion])
    return champion


def place(model_file: Path, manifest: Manifest, home: Path) -> Champion:
    """Copy a registered version into the home, self-tested; nothing serves it yet.

    Returns what a slot's file says of it. Raises Refused.
    """
    if manifest.version is None:
        raise Refused("a model without a version cannot be deployed; register it first")
    version = safe_name(manifest.version)
    folder = models_folder(home) / safe_name(manifest.task)
    folder.mkdir(parents=True, exist_ok=True)
    content = manifest.to_bytes()
    pinned = Champion(manifest.task, version, hashlib.sha256(content).hexdigest())
    staging = Path(tempfile.mkdtemp(prefix=".incoming-", dir=folder))
    try:
        shutil.copyfile(model_file, staging / MODEL_FILE)
        (staging / MANIFEST_FILE).write_bytes(content)
        load_verified(staging, manifest)
        _put(staging, folder / version)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return pinned


def history(home: Path, task: str) -> list[Champion]:
    """The versions that were in use here, the one in use last; that one only after damage."""
    path = models_folder(home) / safe_name(task) / HISTORY_FILE
    try:
        rows = json.loads(path.read_bytes())
        return [Champion(**{key: str(value) for key, value in one.items()}) for one in rows]
    except (OSError, ValueError, TypeError, AttributeError):
        try:
            return [read_champion(champion_file(home, task))]
        except Refused:
            return []


def go_back(home: Path, task: str, wanted: str | None = None) -> Champion:
    """Serve the version before the one in use, or `wanted`, from the copies of this home.

    What came after it leaves the history, so that going back again goes further back. Raises
    NotFound when there is no such copy, Refused when it does not pass its self-test.
    """
    known = history(home, task)
    at = _position(known, wanted)
    if at is None:
        what = f"version {wanted}" if wanted else "version before the one in use"
        held = ", ".join(dict.fromkeys(one.version for one in known[:-1])) or "none"
        raise NotFound(f"this home holds no {what} of {task} to go back to; it holds {held}")
    target = known[at]
    folder = models_folder(home) / safe_name(task) / target.version
    load_verified(folder, read_manifest(folder, target.manifest_sha256))
    _put_in_use(home, target, known[: at + 1])
    return target


def registry_pin(home: Path, one: Champion) -> str:
    """The SHA-256 that the registry has of the manifest, which has no number yet there.

    Two registries may mean other models by the same number. Raises Refused.
    """
    manifest = read_manifest(models_folder(home) / one.task / one.version, one.manifest_sha256)
    return hashlib.sha256(replace(manifest, version=None).to_bytes()).hexdigest()


def serve_nothing(home: Path, task: str) -> None:
    """Servers that have loaded a version keep it until they end; new ones load none."""
    for name in (CHAMPION_FILE, HISTORY_FILE):
        (models_folder(home) / safe_name(task) / name).unlink(missing_ok=True)


def in_use(home: Path, task: str) -> Champion | None:
    """What serves from this home; None where nothing does, or what does is damaged."""
    path = champion_file(home, task)
    if not path.exists():
        return None
    try:
        return _intact(path)
    except Refused:
        return None


def damage_of(home: Path, task: str) -> str | None:
    """What is wrong with the files that are served, as a sentence. None: nothing."""
    path = champion_file(home, task)
    if not path.exists():
        return None
    try:
        _intact(path)
    except Refused as error:
        return error.message
    return None


def _intact(path: Path) -> Champion:
    champion = read_champion(path)
    folder = path.parent / champion.version
    manifest = read_manifest(folder, champion.manifest_sha256)
    check_pin(folder / MODEL_FILE, manifest.sha256)
    return champion


def _position(known: Sequence[Champion], wanted: str | None) -> int | None:
    """Where in the history the version is; the newest time that another one was in use."""
    for at in range(len(known) - 2, -1, -1):
        if known[at].version == wanted or (
            wanted is None and known[at].version != known[-1].version
        ):
            return at
    return None


def _put_in_use(home: Path, champion: Champion, known: Sequence[Champion]) -> None:
    # Another registry's version of the same number has given way to this one.
    valid = [one for one in known if one.version != champion.version or one == champion]
    once = [one for at, one in enumerate(valid) if at == 0 or one != valid[at - 1]]
    folder = models_folder(home) / champion.task
    # First what can be gone back to: the pointer is what makes the change.
    kept = json.dumps([asdict(one) for one in once[-_KEPT:]], indent=1)
    replace_file(folder / HISTORY_FILE, kept.encode())
    replace_file(folder / CHAMPION_FILE, json.dumps(asdict(champion), indent=1).encode())


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
