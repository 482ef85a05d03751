"""Uploaded lead files: kept in the home, one copy of the same bytes, readable by its owner only.

A file lies in a folder that is called after its hash, so that it keeps the name it came with.
"""

import hashlib
import os
import re
import shutil
import time
from pathlib import Path
from typing import BinaryIO

from voice_ai.errors import BadInput, NotAvailable

MAX_AGE_S = 7 * 86_400.0
_CHUNK = 1024 * 1024
_HASH = re.compile(r"[0-9a-f]{64}")
_LONGEST = 80


def save(home: Path, name: str, data: BinaryIO) -> Path:
    """Where the upload lies now; older uploads are cleared away on the way.

    Raises BadInput for an empty file, NotAvailable when the home cannot be written.
    """
    sha256 = _hash_of(data)
    try:
        folder = _folder(home)
        clean(home)
        path = folder / sha256 / safe_name(name)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        _write(path, data)
    except OSError as error:
        raise NotAvailable(
            f"the upload cannot be kept in {home / 'uploads'} ({error.strerror});"
            " free some space there, or check the folder's permissions"
        ) from error
    return path


def find(home: Path, sha256: str) -> Path | None:
    """The upload with that hash; None when it is no longer there."""
    if not _HASH.fullmatch(sha256):
        return None
    kept = sorted((home / "uploads" / sha256).glob("[!.]*"), key=_changed)
    return kept[-1] if kept else None


def clean(home: Path, *, older_than: float = MAX_AGE_S) -> int:
    """Removes what was uploaded longer ago (seconds); how many."""
    before = time.time() - older_than
    old = [one for one in (home / "uploads").glob("*") if _changed(one) < before]
    for one in old:
        shutil.rmtree(one, ignore_errors=True)
    return len(old)


def safe_name(name: str) -> str:
    """The last part of the name in letters that any system takes; its ending stays."""
    last = re.split(r"[\\/]", name)[-1]
    plain = re.sub(r"[^\w.-]+", "-", last, flags=re.ASCII).strip("-.") or "leads"
    stem, dot, ending = plain.rpartition(".")
    return f"{stem[:_LONGEST]}.{ending[:10]}" if dot else plain[:_LONGEST]


def _folder(home: Path) -> Path:
    folder = home / "uploads"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def _hash_of(data: BinaryIO) -> str:
    data.seek(0)
    found = hashlib.sha256()
    size = 0
    while chunk := data.read(_CHUNK):
        found.update(chunk)
        size += len(chunk)
    if size == 0:
        raise BadInput("the file is empty; export the list again and upload that file")
    return found.hexdigest()


def _write(path: Path, data: BinaryIO) -> None:
    """Whole or not at all: two sessions may upload the same file at once."""
    part = path.with_name(f".{path.name}.{os.getpid()}.{time.monotonic_ns()}")
    data.seek(0)
    with os.fdopen(os.open(part, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "wb") as file:
        shutil.copyfileobj(data, file, _CHUNK)
    part.replace(path)
    os.utime(path.parent)


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:  # another session cleared it away
        return 0.0
