"""Rows in PostgreSQL's binary COPY format.

Half the work of a text COPY is the server reading text back into values, so the rows are written as
the server keeps them. Columns that are the same in every row come first and are packed once.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from struct import Struct
from uuid import UUID

import numpy as np
import numpy.typing as npt

Octets = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]

COPY_HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
COPY_END = b"\xff\xff"
NULL = b"\xff\xff\xff\xff"
LENGTH_BYTES = 4

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_TEXT_OID = 25
_COUNT = Struct(">h")
_LENGTH = Struct(">i")
_INT8 = Struct(">iq")
_ARRAY = Struct(">iiiii")
_EMPTY_ARRAY = Struct(">iiii").pack(12, 0, 0, _TEXT_OID)


def field_count(count: int) -> bytes:
    return _COUNT.pack(count)


def raw(value: bytes | None) -> bytes:
    """A bytea, or anything in its binary form."""
    return NULL if value is None else _LENGTH.pack(len(value)) + value


def text(value: str | None) -> bytes:
    return NULL if value is None else raw(value.encode())


def int8(value: int) -> bytes:
    return _INT8.pack(8, value)


def bigints(values: Ints) -> Octets:
    """A bigint column, a row of bytes each."""
    return _after(np.full(len(values), 8), values.astype(">i8").view(np.uint8).reshape(-1, 8))


def byteas(values: Octets) -> Octets:
    """A column whose values have one length."""
    return _after(np.full(len(values), values.shape[1]), values)


def beginnings(lengths: Ints, values: Octets) -> Octets:
    """A column whose values have the lengths named; `values` are what they begin with."""
    return _after(lengths, values)


def side_by_side(*columns: Octets) -> list[bytes]:
    """Columns as they follow each other in a row, a piece for each row."""
    table = np.hstack(columns)
    pieces: list[bytes] = table.view(f"V{table.shape[1]}").ravel().tolist()
    return pieces


def _after(lengths: Ints, values: Octets) -> Octets:
    return np.hstack([lengths.astype(">i4").view(np.uint8).reshape(-1, 4), values])


def rows(*parts: Iterable[bytes]) -> bytearray:
    """One value of every part after the other, row by row."""
    return bytearray().join(chain.from_iterable(zip(*parts, strict=True)))


@dataclass(frozen=True)
class Rows:
    """Rows of which one bigint is not known yet; `blanks` is where it goes in each."""

    data: bytearray
    blanks: Ints

    def filled(self, values: Ints) -> bytearray:
        octets = np.frombuffer(self.data, dtype=np.uint8)
        octets[self.blanks[:, None] + np.arange(8)] = (
            values.astype(">i8").view(np.uint8).reshape(-1, 8)
        )
        return self.data


def sizes(values: Sequence[bytes]) -> Ints:
    return np.fromiter(map(len, values), dtype=np.int64, count=len(values))


def uuid(value: UUID) -> bytes:
    return raw(value.bytes)


def moment(value: datetime) -> bytes:
    """A timestamptz: microseconds since 2000."""
    return int8((value - _EPOCH) // _MICROSECOND)


def text_array(values: Sequence[str]) -> bytes:
    if not values:
        return _EMPTY_ARRAY
    members = b"".join(text(value) for value in values)
    return _ARRAY.pack(20 + len(members), 1, 0, _TEXT_OID, len(values)) + _LOWER_BOUND + members


_MICROSECOND = datetime.resolution
_LOWER_BOUND = _LENGTH.pack(1)
