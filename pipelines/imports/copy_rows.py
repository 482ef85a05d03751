"""Rows in PostgreSQL's binary COPY format.

Half the work of a text COPY is the server reading text back into values, so the rows are written as
the server keeps them. Columns that are the same in every row come first and are packed once.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import chain
from struct import Struct
from uuid import UUID

import numpy as np
import numpy.typing as npt

COPY_HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
COPY_END = b"\xff\xff"
NULL = b"\xff\xff\xff\xff"

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


def lengths(values: Sequence[bytes]) -> Iterable[bytes]:
    """What stands before each of the values."""
    sizes = list(map(len, values))
    table = {size: _LENGTH.pack(size) for size in set(sizes)}
    return map(table.__getitem__, sizes)


def fixed(values: npt.NDArray[np.uint8], *, before_next: int) -> list[bytes]:
    """One row of bytes each, with its length before it and that of the next column behind it."""
    count, size = values.shape
    kind = np.dtype([("length", ">i4"), ("value", np.uint8, (size,)), ("next", ">i4")])
    packed = np.empty(count, dtype=kind)
    packed["length"], packed["value"], packed["next"] = size, values, before_next
    return _cut(packed)


def int8_groups(*columns: npt.NDArray[np.int64]) -> list[bytes]:
    """The bigint columns of each row, side by side."""
    kinds = [kind for at in range(len(columns)) for kind in ((f"l{at}", ">i4"), (f"v{at}", ">i8"))]
    packed = np.empty(len(columns[0]), dtype=np.dtype(kinds))
    for at, column in enumerate(columns):
        packed[f"l{at}"], packed[f"v{at}"] = 8, column
    return _cut(packed)


def _cut(packed: npt.NDArray[np.void]) -> list[bytes]:
    data, step = packed.tobytes(), packed.itemsize
    return [data[start : start + step] for start in range(0, len(data), step)]


def rows(*parts: Iterable[bytes]) -> bytes:
    """One value of every part after the other, row by row; ends with the shortest part."""
    return b"".join(chain.from_iterable(zip(*parts, strict=False)))


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
