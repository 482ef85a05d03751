"""Reads the numbers out of a file: any sane CSV, TSV, TXT, XLSX or Parquet, in flat memory."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import polars as pl

from pipelines.imports.mapping import guess_columns, masked
from pipelines.imports.read import LeadFile, read_leads
from voice_ai.errors import BadInput, UsageError
from voice_ai.leads.judge import REASONS
from voice_ai.leads.normalise import Normaliser

MOST_LISTED = 50
_DIGITS_OF_A_NUMBER = 7


@dataclass(frozen=True)
class RefusedLine:
    """A line without a number that could be called; its value is masked."""

    line: int
    field: str
    reason: str
    explanation: str
    value_masked: str | None


@dataclass
class NumbersFile:
    """Counts while `batches` is read. `refused` has the first refused lines only."""

    path: Path
    column: str
    rows: int = 0
    refused_rows: int = 0
    refused: list[RefusedLine] = field(default_factory=list)
    _file: LeadFile = field(kw_only=True, repr=False)
    _parts: tuple[str, ...] = field(kw_only=True)
    _numbers: Normaliser = field(kw_only=True, repr=False)

    def batches(self) -> Iterator[list[str]]:
        """E.164 numbers in the order of the file, repetitions included."""
        for rows in chain(self._row_above(), self._file.batches()):
            raw = rows.select(pl.concat_str(self._parts, ignore_nulls=True).alias("raw"))["raw"]
            read = self._numbers.normalise(raw)
            bad = read["reason"].is_not_null()
            self.rows += len(rows)
            if bad.any():
                self._refuse(rows.filter(bad)["line"], raw.filter(bad), read.filter(bad)["reason"])
            yield [f"+{digits}" for digits in read["e164"].drop_nulls().to_list()]

    def _row_above(self) -> Iterator[pl.DataFrame]:
        """What was taken for a header and is a number, as in a list without one."""
        values = [self._file.headers[int(part[1:])] for part in self._parts]
        if sum(map(str.isdigit, "".join(values))) >= _DIGITS_OF_A_NUMBER:
            row = dict(zip(self._parts, values, strict=True))
            yield pl.DataFrame({"line": [1], **{part: [value] for part, value in row.items()}})

    @property
    def part_read(self) -> float | None:
        return self._file.part_read

    def _refuse(self, lines: pl.Series, values: pl.Series, reasons: pl.Series) -> None:
        self.refused_rows += len(lines)
        room = MOST_LISTED - len(self.refused)
        for line, value, reason in zip(
            lines.head(room), values.head(room), reasons.head(room), strict=True
        ):
            shown = masked(value) if value else None
            self.refused.append(RefusedLine(line, self.column, reason, REASONS[reason], shown))


def open_numbers(path: Path, *, country: str = "US", column: str | None = None) -> NumbersFile:
    """`country` reads numbers that have no plus sign. Raises BadInput and UsageError."""
    file = read_leads(path)
    name, parts = _column(file, column)
    return NumbersFile(path, name, _file=file, _parts=parts, _numbers=Normaliser(country))


def _column(file: LeadFile, told: str | None) -> tuple[str, tuple[str, ...]]:
    """The column's name, and the columns of a batch that make up a number."""
    if len(file.headers) == 1 and told is None:
        return file.headers[0], ("c0",)
    sample = file.sample()
    try:
        guesses = guess_columns(file.headers, sample, {"phone": told} if told else {})
    except UsageError as error:
        if (split := _split_number(file, sample)) is not None:
            return split
        if told is not None:
            raise UsageError(error.message.replace("--map", "--column")) from error
        names = ", ".join(file.headers[:12])
        raise BadInput(
            f"no column looks like a phone number; name it with --column (columns: {names})",
            file=file.path.name,
        ) from error
    header = guesses[0].column
    return header, (f"c{file.headers.index(header)}",)


def _split_number(file: LeadFile, sample: pl.DataFrame) -> tuple[str, tuple[str, ...]] | None:
    """Area code and number in two columns, as the national registry gives them out."""
    for at in range(len(file.headers) - 1):
        area, rest = sample[f"c{at}"], sample[f"c{at + 1}"]
        if (
            area.str.contains(r"^\s*\d{3}\s*$").mean() == 1.0
            and rest.str.contains(r"^\s*\d{7}\s*$").mean() == 1.0
        ):
            return f"{file.headers[at]} + {file.headers[at + 1]}", (f"c{at}", f"c{at + 1}")
    return None
