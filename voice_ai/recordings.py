"""Recordings at rest: one sealed file a call under `recordings/` of the home.

A file is the mark `VAREC1`, then chunks of a minute: four bytes of length and the AES-GCM sealed
samples (mu-law, 8 kHz, caller and agent in turns). Each chunk is bound to its call, its place and
whether it is the last one, so nothing can be swapped, reordered or cut off unnoticed. A file
appears whole or not at all, readable by its owner only.
"""

import os
import struct
import time
import wave
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from voice_ai.errors import BadInput, NotFound
from voice_ai.vault import Keyring

FOLDER = "recordings"
SAMPLE_RATE = 8000
CHANNELS = 2

_MAGIC = b"VAREC1\n\0"
_LENGTH = struct.Struct(">I")
_CHUNK_BYTES = 60 * SAMPLE_RATE * CHANNELS
_SUFFIX = ".sealed"
_DRAFT = ".draft"
_MOST_OF_ONE = 9
_STALE_S = 3600.0


def store_recording(
    home: Path, keyring: Keyring, name: str, month: str, caller: bytes, agent: bytes
) -> str:
    """Seals both channels; the file's path under the home. Never overwrites. Raises OSError.

    `name` is the attempt's id, `month` the folder (2026-11). The second stream of one call gets
    `-2` behind its name.
    """
    folder = home / FOLDER / month
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    samples = bytearray(len(caller) * CHANNELS)
    samples[0::2], samples[1::2] = caller, agent
    for number in range(1, _MOST_OF_ONE + 1):
        stem = name if number == 1 else f"{name}-{number}"
        path = folder / f"{stem}{_SUFFIX}"
        if not path.exists() and _appear(path, _sealed(keyring, stem, samples)):
            return path.relative_to(home).as_posix()
    raise FileExistsError(f"{_MOST_OF_ONE} recordings of one call are there already")


def open_recording(home: Path, keyring: Keyring, path: str) -> bytes:
    """A WAV file (16 bit, 8 kHz, left: caller, right: agent) of what `recordings.path` names.

    Raises NotFound when the file is gone, BadInput when it does not open with this key.
    """
    place = _place(home, path)
    try:
        sealed = place.read_bytes()
    except OSError as error:
        raise _not_here(path, error) from error
    return _wav(b"".join(_opened(keyring, place.stem, sealed)))


def set_aside(home: Path, path: str) -> Path:
    """Takes a recording out of its place, to be removed once its row says that it is gone.

    Done again after a crash it finds what was set aside before; what nobody came back for goes with
    the drafts. Raises NotFound when the file is not on this machine: elsewhere it may still be.
    """
    place = _place(home, path)
    aside = place.with_name(f".{place.stem}.removed{_DRAFT}")
    try:
        place.rename(aside)
    except OSError as error:
        if not aside.exists():
            raise _not_here(path, error) from error
    return aside


def _place(home: Path, path: str) -> Path:
    """Raises BadInput for a path that leads out of the home's recordings."""
    place = (home / path).resolve()
    if not place.is_relative_to((home / FOLDER).resolve()) or place.suffix != _SUFFIX:
        raise BadInput(f"{path!r} is not the path of a recording")
    return place


def _not_here(path: str, error: OSError) -> NotFound:
    return NotFound(
        f"the recording {path} is not on this machine ({error.strerror}); it is kept in the"
        " data folder of the server that held the call"
    )


def remove_drafts(home: Path, older_than_s: float = _STALE_S) -> int:
    """Removes what a crash left half written; how many there were."""
    removed = 0
    for draft in (home / FOLDER).glob(f"*/.*{_DRAFT}"):
        try:
            if time.time() - draft.stat().st_mtime > older_than_s:
                draft.unlink()
                removed += 1
        except FileNotFoundError:  # another process was quicker
            continue
    return removed


def _appear(path: Path, parts: Iterator[bytes]) -> bool:
    """Writes beside its place, then links: whole or not at all. False when it is there already."""
    draft = path.with_name(f".{path.stem}.{os.getpid()}{_DRAFT}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.writelines(parts)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        return False
    finally:
        draft.unlink(missing_ok=True)
    return True


def _sealed(keyring: Keyring, stem: str, samples: bytearray) -> Iterator[bytes]:
    yield _MAGIC
    starts = range(0, max(len(samples), 1), _CHUNK_BYTES)
    for index, start in enumerate(starts):
        bound = _bound(stem, index, last=index == len(starts) - 1)
        chunk = keyring.encrypt(bytes(samples[start : start + _CHUNK_BYTES]), bound)
        yield _LENGTH.pack(len(chunk)) + chunk


def _opened(keyring: Keyring, stem: str, sealed: bytes) -> Iterator[bytes]:
    if not sealed.startswith(_MAGIC):
        raise BadInput("this is not a recording of this product", file=f"{stem}{_SUFFIX}")
    at, index = len(_MAGIC), 0
    while True:
        size = int.from_bytes(sealed[at : at + _LENGTH.size], "big")
        start, end = at + _LENGTH.size, at + _LENGTH.size + size
        last = end >= len(sealed)
        yield keyring.decrypt(sealed[start:end], _bound(stem, index, last=last))
        if last:
            return
        at, index = end, index + 1


def _bound(stem: str, index: int, *, last: bool) -> bytes:
    return f"recording:{stem}:{index}:{'last' if last else 'more'}".encode()


def _linear(code: int) -> int:
    """One mu-law code as 16-bit PCM (ITU-T G.711)."""
    inverted = ~code & 0xFF
    magnitude = (((inverted & 0x0F) << 3) + 0x84) << ((inverted & 0x70) >> 4)
    return 0x84 - magnitude if inverted & 0x80 else magnitude - 0x84


_PCM = b"".join(struct.pack("<h", _linear(code)) for code in range(256))
_LOW, _HIGH = _PCM[0::2], _PCM[1::2]


def _wav(samples: bytes) -> bytes:
    pcm = bytearray(2 * len(samples))
    # Two table look-ups in C, instead of one in Python for every sample.
    pcm[0::2], pcm[1::2] = samples.translate(_LOW), samples.translate(_HIGH)
    file = BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(CHANNELS)
        sound.setsampwidth(2)
        sound.setframerate(SAMPLE_RATE)
        sound.writeframes(bytes(pcm))
    return file.getvalue()
