"""How a text or a sheet is laid out: delimiter, header and column names."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from voice_ai.leads.normalise import parse_one

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_SAMPLE_RECORDS = 200
_SEP_LINE = re.compile(r"^sep=(.)\s*$")


@dataclass(frozen=True)
class Layout:
    """`header_line` is None when the file has none; the columns are then called column 1, 2 …"""

    headers: tuple[str, ...]
    header_line: int | None
    delimiter: str = ","


Record = tuple[int, list[str]]
"""Line on which the record starts, and its fields."""


def of_text(sample: str) -> Layout:
    """The layout of delimited text, from its first part."""
    told = _SEP_LINE.match(sample.split("\n", 1)[0])
    choices = [told.group(1)] if told else list(DELIMITERS)
    samples = {delimiter: _sample(sample, delimiter) for delimiter in choices}
    best = max(choices, key=lambda delimiter: _regularity(samples[delimiter]))
    return of_records(samples[best][1:] if told else samples[best], best)


def of_records(records: Sequence[Record], delimiter: str = ",") -> Layout:
    """The layout of records; title rows and blank rows may stand above the header.

    The header is the fullest row above the first row that has a phone number in it.
    """
    filled = [(line, fields) for line, fields in records if _filled(fields)]
    widths = Counter(len(fields) for _, fields in filled)
    enough = min(max(widths, default=0), 2)
    first_data = next(
        (
            at
            for at, (_, fields) in enumerate(filled)
            if _filled(fields) >= enough and any(map(_is_phone, fields))
        ),
        None,
    )
    if first_data == 0:
        return Layout(_named([""] * max(widths)), None, delimiter)
    above = filled[: first_data or 1]
    if not above:
        return Layout((), None, delimiter)
    line, header = max(above, key=lambda record: _filled(record[1]))
    usual = widths.most_common(1)[0][0]
    return Layout(_named(header + [""] * (usual - len(header))), line, delimiter)


def parse(text: str, delimiter: str) -> Iterator[Record]:
    """Records by the rules of the csv module, with the line on which each starts."""
    plain = text.replace("\r\n", "\n").replace("\r", " ")
    reader = csv.reader(
        io.StringIO(plain, newline="\n"),
        delimiter=delimiter,
        skipinitialspace=delimiter != "\t",
    )
    start = 1
    for fields in reader:
        yield start, fields
        start = reader.line_num + 1


def _sample(text: str, delimiter: str) -> list[Record]:
    try:
        return list(islice(parse(text, delimiter), _SAMPLE_RECORDS))
    except csv.Error:
        return []  # with this delimiter a quote never closes


def _regularity(records: list[Record]) -> float:
    """How much the records look like a table: most of one width, and wide."""
    widths = Counter(len(fields) for _, fields in records if _filled(fields))
    if not widths:
        return 0.0
    width, count = widths.most_common(1)[0]
    return count / widths.total() * (1 - 1 / width)


def _filled(fields: list[str]) -> int:
    return sum(1 for field in fields if field.strip())


def _is_phone(field: str) -> bool:
    text = field.strip()
    return 10 <= len(text) <= 40 and parse_one(text, "US")[4] in (None, "toll_free")


def _named(header: Sequence[str]) -> tuple[str, ...]:
    """Column names, each once: blanks are numbered, repeated ones too."""
    names: list[str] = []
    for at, cell in enumerate(header, start=1):
        name = " ".join(cell.split()).strip("\ufeff\u00a0") or f"column {at}"
        count = 1
        unique = name
        while unique in names:
            count += 1
            unique = f"{name} {count}"
        names.append(unique)
    return tuple(names)
