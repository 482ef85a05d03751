"""Labelled rows read from CSV, TSV or JSONL, with a content hash and checks against leaks.

Columns: `text` (or `path` for audio), `label` (several labels joined by a comma), and, if wanted,
`split` (train or heldout), `group` or `speaker` (rows that must stay on one side of a split). Any
other column with few values is a slice of the evaluation.
"""

import csv
import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, cast

from voice_ai.errors import BadInput

Split = Literal["train", "heldout"]
SPLITS: tuple[Split, ...] = ("train", "heldout")
_SPLIT_WORDS: Mapping[str, Split] = {
    "train": "train",
    "training": "train",
    "heldout": "heldout",
    "held-out": "heldout",
    "test": "heldout",
    "dev": "heldout",
    "val": "heldout",
    "valid": "heldout",
    "validation": "heldout",
}
# Of a file that names no split every fifth text of a label is held out; of many rows a smaller
# share is enough to judge on, and the rest is better learnt from.
_HELD_OUT_OF = 5
_HELD_OUT_OF_MANY = ((20_000, 20), (5_000, 10))
_GROUP_COLUMNS = ("group", "speaker")
_KNOWN_COLUMNS = frozenset({"text", "path", "label", "split", *_GROUP_COLUMNS})
_MOST_SLICES = 20
_TOLD_EVERY = 16
_QUOTED = re.compile(r'"(?:[^"]|"")*"')
# What a label is called under which rows stand that belong to no other label.
REJECT_LABELS = ("oos", "out_of_scope", "out-of-scope", "out of scope")

# What a row holds, from its place on: the input of a model and the words that identify it.
ReadInput = Callable[[Mapping[str, object], Path, int], tuple[Any, str]]


@dataclass(frozen=True)
class Example:
    """`input` is what a model of the kind takes, `key` what makes it the same input again."""

    input: Any
    labels: tuple[str, ...]
    split: Split | None = None
    key: str = ""
    group: str | None = None
    slices: Mapping[str, str] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """The label of a row that has one; several are joined by a comma."""
        return ",".join(self.labels)


@dataclass(frozen=True)
class Dataset:
    """`sha256` is over the rows' content in file order, so any change of a row changes it."""

    name: str
    examples: tuple[Example, ...]

    @property
    def sha256(self) -> str:
        digest = hashlib.sha256()
        for e in self.examples:
            row = [e.key, *e.labels, e.split or "", e.group or ""]
            digest.update(json.dumps(row, ensure_ascii=False).encode())
        return digest.hexdigest()

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(sorted({label for e in self.examples for label in e.labels}))

    @property
    def multi_label(self) -> bool:
        return any(len(e.labels) != 1 for e in self.examples)

    @property
    def inputs(self) -> list[Any]:
        return [e.input for e in self.examples]

    def part(self, split: Split) -> "Dataset":
        """The examples of one split, under the same name."""
        return replace(self, examples=tuple(e for e in self.examples if e.split == split))

    def without(self, other: "Dataset") -> "Dataset":
        """This data set less every row whose key `other` has too."""
        known = {e.key for e in other.examples}
        kept = tuple(e for e in self.examples if e.key not in known)
        return replace(self, examples=kept)


# The share of a file's rows that is read, 0 to 1.
Reading = Callable[[float], None]


def load_rows(
    path: Path, column: str, read_input: ReadInput, reading: Reading = lambda share: None
) -> Dataset:
    """Read a data file. Raises BadInput naming the file, the line and the field."""
    rows = list(rows_of(path, (column, "label")))
    if not rows:
        raise BadInput("holds no rows; give at least two labels with two rows each", file=path)
    several = any("," in str(row.get("label") or "") for _, row in rows)
    sliced = _slice_columns([row for _, row in rows])
    examples = []
    for number, (line, row) in enumerate(rows):
        examples.append(_example(row, path, line, read_input, sliced, none_allowed=several))
        if number % _TOLD_EVERY == 0:
            reading(number / len(rows))
    if len({e.split is None for e in examples}) > 1:
        raise BadInput("only some rows name a split; fill it in for all or none", file=path)
    # A file that is called data is the one of the folder it is in.
    name = path.parent.name if path.stem == "data" else path.stem
    return Dataset(name=name, examples=tuple(examples))


def with_split(data: Dataset) -> Dataset:
    """The data with every row in a split.

    Without one, a fifth of each label is held out, less where there are many rows.
    A row's place is decided by a hash of its key, so adding rows hardly moves the others; rows of
    one group stay together.
    """
    if all(e.split is not None for e in data.examples):
        return data
    rows = len(data.examples)
    part = next((of for many, of in _HELD_OUT_OF_MANY if rows > many), _HELD_OUT_OF)
    held: set[str] = set()
    if data.multi_label:  # combinations are too many to take a share of each
        keys = sorted({_place(e) for e in data.examples}, key=_digest)
        held.update(keys[: len(keys) // part])
        return _parted(data, held)
    for labels, count in Counter(e.labels for e in data.examples).items():
        keys = sorted({_place(e) for e in data.examples if e.labels == labels}, key=_digest)
        held.update(keys[: min(count, len(keys)) // part])
    return _parted(data, held)


def _parted(data: Dataset, held: Set[str]) -> Dataset:
    examples = tuple(
        replace(e, split="heldout" if _place(e) in held else "train") for e in data.examples
    )
    return replace(data, examples=examples)


def leaks(learn: Dataset, judge: Dataset) -> list[str]:
    """What of `judge` the model has seen already, in sentences: equal rows and shared groups."""
    found = []
    keys = {e.key for e in learn.examples}
    same = sum(e.key in keys for e in judge.examples)
    if same:
        found.append(f"{same} held-out rows are also among the rows to learn from")
    groups = {e.group for e in learn.examples if e.group is not None}
    shared = groups & {e.group for e in judge.examples}
    if shared:
        found.append(f"{len(shared)} groups have rows on both sides of the split")
    return found


def _place(example: Example) -> str:
    return example.key if example.group is None else f"group {example.group}"


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def columns_of(path: Path) -> tuple[str, ...]:
    """The columns of a data file, by its first row. Raises BadInput."""
    for _, row in rows_of(path, ()):
        return tuple(row)
    return ()


def rows_of(path: Path, needed: Sequence[str]) -> Iterator[tuple[int, Mapping[str, object]]]:
    """Line number and fields of each row. Raises BadInput, also for a column that is missing."""
    readers: dict[str, Callable[[], Iterator[tuple[int, Mapping[str, object]]]]] = {
        ".csv": lambda: _delimited(path, ",", needed),
        ".tsv": lambda: _delimited(path, "\t", needed),
        ".jsonl": lambda: json_lines(path),
    }
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise BadInput("is not a data file; give a .csv, .tsv or .jsonl", file=path)
    try:
        yield from reader()
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise BadInput(f"cannot be read ({reason}); give a UTF-8 file", file=path) from error


def _delimited(
    path: Path, delimiter: str, needed: Sequence[str]
) -> Iterator[tuple[int, Mapping[str, object]]]:
    plain = delimiter == "\t" and _a_row_a_line(path)
    with path.open(encoding="utf-8-sig", newline="") as handle:
        quoting: Literal[0, 3] = csv.QUOTE_NONE if plain else csv.QUOTE_MINIMAL
        reader = csv.DictReader(handle, delimiter=delimiter, strict=True, quoting=quoting)
        for name in needed:
            if name not in (reader.fieldnames or ()):
                raise BadInput("is missing from the header", file=path, line=1, field=name)
        for row in reader:
            if None in row:
                raise BadInput(
                    "has more fields than the header; put texts with a separator in quotes",
                    file=path,
                    line=reader.line_num,
                )
            yield reader.line_num, _unquoted(row) if plain else cast("dict[str, object]", row)


def _a_row_a_line(path: Path) -> bool:
    """Whether every line has as many tabs as the first: quotes are then mostly just quotes."""
    with path.open(encoding="utf-8-sig") as handle:
        tabs = {line.count("\t") for line in handle if line.strip("\r\n")}
    return len(tabs) == 1


def _unquoted(row: Mapping[str, Any]) -> dict[str, object]:
    """Fields that are quoted by the rules lose their quotes; a stray quote stays."""
    return {
        name: value[1:-1].replace('""', '"')
        if isinstance(value, str) and _QUOTED.fullmatch(value)
        else value
        for name, value in row.items()
    }


def json_lines(path: Path) -> Iterator[tuple[int, Mapping[str, object]]]:
    """Line number and object of each line that is not empty. Raises BadInput."""
    with path.open(encoding="utf-8-sig") as handle:
        for number, line in enumerate(handle, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except json.JSONDecodeError as error:
                raise BadInput(f"is not JSON ({error.msg})", file=path, line=number) from error
            if not isinstance(row, dict):
                raise BadInput("is not a JSON object", file=path, line=number)
            yield number, row


def _slice_columns(rows: Sequence[Mapping[str, object]]) -> list[str]:
    """Further columns with few values, each of which many rows share."""
    names = [name for name in rows[0] if name and name not in _KNOWN_COLUMNS]
    most = min(_MOST_SLICES, max(1, len(rows) // 10))
    return [n for n in names if 1 < len({str(row.get(n) or "") for row in rows}) <= most]


def _example(
    row: Mapping[str, object],
    path: Path,
    line: int,
    read_input: ReadInput,
    sliced: Sequence[str],
    *,
    none_allowed: bool,
) -> Example:
    value, key = read_input(row, path, line)
    group = next((str(row[name]) for name in _GROUP_COLUMNS if row.get(name)), None)
    return Example(
        input=value,
        labels=_labels(row, path, line, none_allowed=none_allowed),
        split=_split(row, path, line),
        key=key,
        group=group,
        slices={name: str(row[name]) for name in sliced if row.get(name)},
    )


def _labels(
    row: Mapping[str, object], path: Path, line: int, *, none_allowed: bool
) -> tuple[str, ...]:
    given = row.get("label")
    if isinstance(given, list):  # JSONL may hold them as a list
        given = ",".join(str(label) for label in given)
    if isinstance(given, (int, float)) and not isinstance(given, bool):
        given = str(given)
    if not isinstance(given, str):
        raise BadInput("is empty or not a text", file=path, line=line, field="label")
    labels = tuple(sorted({part.strip() for part in given.split(",") if part.strip()}))
    if not labels and not none_allowed:
        raise BadInput("is empty or not a text", file=path, line=line, field="label")
    return labels


def _split(row: Mapping[str, object], path: Path, line: int) -> Split | None:
    given = row.get("split")
    if given in (None, ""):
        return None
    split = _SPLIT_WORDS.get(str(given).strip().lower())
    if split is None:
        raise BadInput(
            f"{given!r} is not a split; write train or heldout", file=path, line=line, field="split"
        )
    return split


def filled(row: Mapping[str, object], field: str, path: Path, line: int) -> str:
    """The text of a field. Raises BadInput when there is none."""
    value = row.get(field)
    if not isinstance(value, str) or not value.strip():
        raise BadInput("is empty or not a text", file=path, line=line, field=field)
    return value.strip()
