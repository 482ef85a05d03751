"""Labelled texts read from CSV, TSV or JSONL: columns `text`, `label` and, if wanted, `split`."""

import csv
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, cast

from ml.linear_text import clean
from voice_ai.errors import BadInput

Split = Literal["train", "heldout"]
SPLITS: tuple[Split, ...] = ("train", "heldout")
# Every fifth text of a label is held out of a file that names no split.
_HELD_OUT_OF = 5


@dataclass(frozen=True)
class Example:
    text: str
    label: str
    split: Split | None = None


@dataclass(frozen=True)
class Dataset:
    """`sha256` is over the rows' content in file order, so any change of a row changes it."""

    name: str
    examples: tuple[Example, ...]

    @property
    def sha256(self) -> str:
        rows = [[e.text, e.label, e.split] for e in self.examples]
        return hashlib.sha256(json.dumps(rows, ensure_ascii=False).encode()).hexdigest()

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(sorted({e.label for e in self.examples}))

    @property
    def texts(self) -> list[str]:
        return [e.text for e in self.examples]

    def part(self, split: Split) -> "Dataset":
        """The examples of one split, under the same name."""
        return replace(self, examples=tuple(e for e in self.examples if e.split == split))

    def without(self, other: "Dataset") -> "Dataset":
        """This data set less every text that `other` has too, compared as a model reads it."""
        known = {clean(e.text) for e in other.examples}
        kept = tuple(e for e in self.examples if clean(e.text) not in known)
        return replace(self, examples=kept)


def load_dataset(path: Path) -> Dataset:
    """Read a data file. Raises BadInput naming the file, the line and the field."""
    readers: dict[str, Callable[[Path], Iterator[tuple[int, Mapping[str, object]]]]] = {
        ".csv": lambda p: _delimited(p, ","),
        ".tsv": lambda p: _delimited(p, "\t"),
        ".jsonl": _json_lines,
    }
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise BadInput("is not a data file; give a .csv, .tsv or .jsonl", file=path)
    try:
        examples = tuple(_example(row, path, line) for line, row in reader(path))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise BadInput(f"cannot be read ({reason}); give a UTF-8 file", file=path) from error
    if not examples:
        raise BadInput("holds no rows; give at least two labels with two texts each", file=path)
    if len({e.split is None for e in examples}) > 1:
        raise BadInput("only some rows name a split; fill it in for all or none", file=path)
    return Dataset(name=path.stem, examples=examples)


def with_split(data: Dataset) -> Dataset:
    """The data with every row in a split; without one, a fifth of each label is held out.

    A row's place is decided by a hash of its text, so adding rows hardly moves the others.
    """
    if all(e.split is not None for e in data.examples):
        return data
    held: set[str] = set()
    for label, count in Counter(e.label for e in data.examples).items():
        texts = sorted({clean(e.text) for e in data.examples if e.label == label}, key=_digest)
        held.update(texts[: count // _HELD_OUT_OF])
    examples = tuple(
        replace(e, split="heldout" if clean(e.text) in held else "train") for e in data.examples
    )
    return replace(data, examples=examples)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _delimited(path: Path, delimiter: str) -> Iterator[tuple[int, Mapping[str, object]]]:
    with path.open(encoding="utf-8-sig", newline="") as handle:
        reader = csv.DictReader(handle, delimiter=delimiter, strict=True)
        for field in ("text", "label"):
            if field not in (reader.fieldnames or ()):
                raise BadInput("is missing from the header", file=path, line=1, field=field)
        for row in reader:
            if None in row:
                raise BadInput(
                    "has more fields than the header; put texts with a separator in quotes",
                    file=path,
                    line=reader.line_num,
                )
            yield reader.line_num, cast("dict[str, object]", row)


def _json_lines(path: Path) -> Iterator[tuple[int, Mapping[str, object]]]:
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


def _example(row: Mapping[str, object], path: Path, line: int) -> Example:
    text = _filled(row, "text", path, line)
    label = _filled(row, "label", path, line)
    if "," in label:
        raise BadInput(
            f"{label!r} is several labels, but this task takes one per text; keep the main one",
            file=path,
            line=line,
            field="label",
        )
    split = row.get("split")
    if split in (None, ""):
        return Example(text, label)
    if split not in SPLITS:
        raise BadInput(
            f"{split!r} is not a split; write train or heldout", file=path, line=line, field="split"
        )
    return Example(text, label, split)


def _filled(row: Mapping[str, object], field: str, path: Path, line: int) -> str:
    value = row.get(field)
    if not isinstance(value, str) or not value.strip():
        raise BadInput("is empty or not a text", file=path, line=line, field=field)
    return value.strip()
