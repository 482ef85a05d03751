"""Labelled rows of a table, in the order of time: from CSV, TSV or JSONL.

A column `label` says how the row ended; every other column is a feature, but for the reserved ones:

| column | means |
|---|---|
| at | when it happened (ISO 8601, or a number that grows); without it, the file's order counts |
| as_of | up to when the features were known; stands for `at` where there is no such column |
| split | train or heldout; without it the last 30 % in time are held out |
| group | who it is about; a group is never on both sides |
"""

import csv
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, cast

from ml.datasets import Dataset, Example, json_lines
from voice_ai.errors import BadInput

Value = str | float | None
Features = Mapping[str, Value]
Split = Literal["train", "heldout"]

LABEL = "label"
RESERVED = ("at", "as_of", "split", "group")
_SPLITS = ("train", "heldout")
_HELD_OUT = 0.3
_SEPARATORS = ",;\t|"
# What files write where nothing is known. A word such as "unknown" is a category of its own.
_NOTHING = frozenset({"", "na", "n/a", "nan", "null", "none", "nil", "?"})


@dataclass(frozen=True)
class Row:
    """`at` and `as_of` in seconds since 1970, or whatever number the file counts in."""

    features: Features
    label: str
    at: float | None = None
    as_of: float | None = None
    split: Split | None = None
    group: str | None = None


@dataclass(frozen=True)
class Table:
    """`rows` in the order of time; `columns` are the features, in the file's order.

    `source` says in words where the rows are from. `sha256` is over their content in order.
    """

    name: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    source: str

    @property
    def sha256(self) -> str:
        digest = hashlib.sha256(json.dumps(self.columns).encode())
        for row in self.rows:
            facts = [row.features.get(c) for c in self.columns]
            content = [facts, row.label, row.at, row.as_of, row.split, row.group]
            digest.update(json.dumps(content, ensure_ascii=False).encode())
        return digest.hexdigest()

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(sorted({row.label for row in self.rows}))

    def part(self, split: Split) -> "Table":
        return replace(self, rows=tuple(row for row in self.rows if row.split == split))

    def with_rows(self, rows: Sequence[Row]) -> "Table":
        return replace(self, rows=tuple(rows))


def load_table(path: Path, *, label: str = LABEL) -> Table:
    """Read a data file. Raises BadInput naming the file, the line and the field."""
    try:
        raw = list(_lines(path))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise BadInput(f"cannot be read ({reason}); give a UTF-8 file", file=path) from error
    if not raw:
        raise BadInput("holds no rows; give a header and labelled rows", file=path)
    header = tuple(dict.fromkeys(name for _, row in raw for name in row))
    if label not in header:
        raise BadInput(
            f"has no column {label!r}; name the column with the outcome with --label"
            f" ({', '.join(header[:30])})",
            file=path,
        )
    columns = tuple(name for name in header if name != label and name not in RESERVED)
    if not columns:
        raise BadInput("has no column besides the label; a model needs features", file=path)
    numbers = frozenset(c for c in columns if _all_numbers(row.get(c) for _, row in raw))
    rows = [_row(row, columns, numbers, label, path, line) for line, row in raw]
    return Table(path.stem, columns, in_time(rows, path), f"the file {path.name}")


def dataset_of(table: Table) -> Dataset:
    """The same rows as every kind's data; their order is the time."""
    examples = tuple(
        Example(
            {column: row.features.get(column) for column in table.columns},
            (row.label,),
            row.split,
            key=json.dumps([row.at, *(row.features.get(c) for c in table.columns)]),
            group=row.group,
        )
        for row in table.rows
    )
    return Dataset(table.name, examples)


def table_of(data: Dataset) -> Table:
    columns = tuple(dict.fromkeys(name for e in data.examples for name in e.input))
    rows = tuple(Row(e.input, e.label, split=e.split, group=e.group) for e in data.examples)
    return Table(data.name, columns, rows, f"the data set {data.name}")


def in_time(rows: Sequence[Row], source: Path | None = None) -> tuple[Row, ...]:
    """The rows in the order of their times; those of one time keep their order.

    Raises BadInput when only some have a time or a split.
    """
    for name, values in (("at", [r.at for r in rows]), ("split", [r.split for r in rows])):
        if len({value is None for value in values}) > 1:
            raise BadInput(
                "is filled in for some rows only; fill it in for all or none",
                file=source,
                field=name,
            )
    if rows and rows[0].at is None:
        return tuple(rows)
    return tuple(sorted(rows, key=lambda row: cast("float", row.at)))


def with_split(table: Table) -> Table:
    """Every row in a split: without one, the last 30 % in time are held out."""
    if not table.rows or table.rows[0].split is not None:
        return table
    cut = len(table.rows) - round(_HELD_OUT * len(table.rows))
    rows = [
        replace(row, split="train" if place < cut else "heldout")
        for place, row in enumerate(table.rows)
    ]
    return table.with_rows(rows)


def _lines(path: Path) -> Iterator[tuple[int, Mapping[str, object]]]:
    kind = path.suffix.lower()
    if kind == ".jsonl":
        yield from _single_values(path)
    elif kind in (".csv", ".tsv"):
        yield from _delimited(path)
    else:
        raise BadInput("is not a data file; give a .csv, .tsv or .jsonl", file=path)


def _delimited(path: Path) -> Iterator[tuple[int, Mapping[str, object]]]:
    with path.open(encoding="utf-8-sig", newline="") as handle:
        first = handle.readline()
        separator = max(_SEPARATORS, key=lambda s: len(next(csv.reader([first], delimiter=s), [])))
        handle.seek(0)
        reader = csv.DictReader(handle, delimiter=separator, strict=True)
        names = reader.fieldnames or ()
        if len(set(names)) < len(names):
            raise BadInput("names a column twice; rename one of them", file=path, line=1)
        for row in reader:
            if None in row:
                raise BadInput("has more fields than the header", file=path, line=reader.line_num)
            yield reader.line_num, cast("Mapping[str, object]", row)


def _single_values(path: Path) -> Iterator[tuple[int, Mapping[str, object]]]:
    for number, row in json_lines(path):
        if nested := next((k for k, v in row.items() if isinstance(v, dict | list)), None):
            raise BadInput("is not a single value", file=path, line=number, field=nested)
        yield number, row


def _row(
    raw: Mapping[str, object],
    columns: Sequence[str],
    numbers: frozenset[str],
    label: str,
    path: Path,
    line: int,
) -> Row:
    given = raw.get(label)
    # "none" is a fine label.
    outcome = _text(given) or (given.strip() if isinstance(given, str) else "")
    if not outcome:
        raise BadInput("is empty", file=path, line=line, field=label)
    split = _text(raw.get("split"))
    if split not in (None, *_SPLITS):
        raise BadInput(
            f"{split!r} is not a split; write train or heldout", file=path, line=line, field="split"
        )
    at, as_of = (_moment(raw.get(name), path, line, name) for name in ("at", "as_of"))
    return Row(
        features={c: _number(raw.get(c)) if c in numbers else _text(raw.get(c)) for c in columns},
        label=outcome,
        at=as_of if at is None else at,
        as_of=as_of if at is not None else None,
        split=cast("Split | None", split),
        group=_text(raw.get("group")),
    )


def _text(value: object) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    written = "" if value is None else str(value).strip()
    return None if written.lower() in _NOTHING else written


def _number(value: object) -> float | None:
    """None where nothing is known. Raises ValueError when it is no finite number."""
    written = _text(value)
    if written is None:
        return None
    number = float(written)
    if number in (float("inf"), float("-inf")):
        raise ValueError(written)
    return number


def _all_numbers(values: Iterator[object]) -> bool:
    known = 0
    try:
        for value in values:
            known += _number(value) is not None
    except ValueError:
        return False
    return known > 0


def _moment(value: object, path: Path, line: int, field: str) -> float | None:
    written = _text(value)
    if written is None:
        return None
    try:
        return _number(written)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        raise BadInput(
            f"{written!r} is not a time; write 2026-01-31T15:00:00+00:00",
            file=path,
            line=line,
            field=field,
        ) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
