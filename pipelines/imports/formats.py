"""What kind of file a lead list is, told from its bytes and never from its name."""

import codecs
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from voice_ai.errors import BadInput

Kind = Literal["text", "xlsx", "parquet"]

SAMPLE_BYTES = 256 * 1024
FALLBACK = "voice-ai-cp1252"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_ACCEPTED = "lead lists are CSV, TSV, XLSX or Parquet"
_MARKS: tuple[tuple[bytes, str], ...] = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_FOREIGN: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "a PDF"),
    (b"\x1f\x8b", "compressed with gzip; unpack it first"),
    (b"BZh", "compressed with bzip2; unpack it first"),
    (b"7z\xbc\xaf", "a 7-Zip archive; unpack it first"),
    (b"Rar!", "a RAR archive; unpack it first"),
    (b"\x89PNG", "an image"),
    (b"\xff\xd8\xff", "an image"),
    (b"RIFF", "a sound or a video"),
    (b"SQLite format 3", "a database"),
)


@dataclass(frozen=True)
class Format:
    """`encoding` and `mark` (length of the byte-order mark) are those of text files."""

    kind: Kind
    encoding: str = ""
    mark: int = 0


def detect(path: Path) -> Format:
    """The format of the file. Raises BadInput when it is not a lead list."""
    sample = read_start(path)
    if not sample.strip():
        raise BadInput("the file is empty; export the list again", file=path.name)
    if sample.startswith(b"PAR1"):
        return Format("parquet")
    if sample.startswith(b"PK\x03\x04"):
        return _zipped(path)
    if sample.startswith(_OLE):
        return _ole(path)
    for start, what in _FOREIGN:
        if sample.startswith(start):
            raise BadInput(f"the file is {what}; {_ACCEPTED}", file=path.name)
    return _text(path, sample)


def read_start(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(SAMPLE_BYTES)
    except FileNotFoundError as error:
        raise BadInput("there is no such file; check its path", file=path) from error
    except IsADirectoryError as error:
        raise BadInput("this is a folder; name the file in it", file=path) from error
    except PermissionError as error:
        raise BadInput("the file may not be read; check its permissions", file=path) from error


def _zipped(path: Path) -> Format:
    import zipfile

    try:
        names = zipfile.ZipFile(path).namelist()
    except zipfile.BadZipFile as error:
        raise BadInput("the file is damaged; save or copy it again", file=path.name) from error
    if any(name.startswith("xl/workbook") for name in names):
        return Format("xlsx")
    raise BadInput(f"the file is an archive or document; {_ACCEPTED}", file=path.name)


def _ole(path: Path) -> Format:
    # The directory of an OLE file may lie anywhere in it; a workbook is small enough to search.
    if _ENCRYPTED in path.read_bytes():
        raise BadInput(
            "the workbook is protected by a password; save a copy without one", file=path.name
        )
    return Format("xlsx")


def _text(path: Path, sample: bytes) -> Format:
    for mark, encoding in _MARKS:
        if sample.startswith(mark):
            return Format("text", "utf-8" if encoding == "utf-8-sig" else encoding, len(mark))
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    half = len(sample) // 2 or 1
    if odd > 0.3 * half and even < 0.05 * half:
        return Format("text", "utf-16-le")
    if even > 0.3 * half and odd < 0.05 * half:
        return Format("text", "utf-16-be")
    if even or odd:
        raise BadInput(f"the file is not text; {_ACCEPTED}", file=path.name)
    if sample.lstrip()[:1] in (b"<", b"{") or sample.lstrip()[:2] == b"[{":
        raise BadInput(f"the file is a web page, XML or JSON; {_ACCEPTED}", file=path.name)
    return Format("text", "utf-8")


def decode(data: bytes, encoding: str) -> tuple[str, int]:
    """The text, and how many bytes were not UTF-8 and were read as Windows-1252 instead."""
    if encoding != "utf-8":
        return data.decode(encoding, errors="replace"), 0
    try:
        return data.decode("utf-8"), 0
    except UnicodeDecodeError:
        return _decode_mixed(data)


def _decode_mixed(data: bytes) -> tuple[str, int]:
    strays = 0

    def as_windows(error: UnicodeError) -> tuple[str, int]:
        nonlocal strays
        assert isinstance(error, UnicodeDecodeError)
        bad = error.object[error.start : error.end]
        strays += len(bad)
        return bad.decode("cp1252", errors="replace"), error.end

    codecs.register_error(FALLBACK, as_windows)
    return data.decode("utf-8", errors=FALLBACK), strays
