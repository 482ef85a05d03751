"""Delimited text in batches, with the physical line of every row, in memory that does not grow."""

import codecs
import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, repeat
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import polars as pl

from pipelines.imports.formats import Format, decode
from pipelines.imports.layout import Layout
from voice_ai.errors import BadInput

if TYPE_CHECKING:
    from _csv import Reader

FIRST_BLOCK_BYTES = 256 << 10  # enough to guess the columns by
BLOCK_BYTES = 2 << 20
MOST_ROWS = 65_536
_LONGEST_RECORD = 32 << 20
_NEWLINE, _QUOTE, _RETURN = 10, 34, 13


@dataclass
class TextReader:
    """Reads one file; `strays` counts bytes not in its encoding, `part_read` goes from 0 to 1."""

    path: Path
    format: Format
    layout: Layout
    bare_returns: bool
    strays: int = field(default=0, init=False)
    part_read: float = field(default=0.0, init=False)

    def batches(self) -> Iterator[pl.DataFrame]:
        """Columns line, c0 … cN (text, None where empty) and overfull; no blank rows."""
        names = [f"c{at}" for at in range(len(self.layout.headers))]
        for frame in self._records(names):
            data = frame.filter(pl.col("line") > (self.layout.header_line or 0))
            yield from _sliced(without_blanks(data, names))

    def _records(self, names: list[str]) -> Iterator[pl.DataFrame]:
        pending, line = b"", 1
        blocks = self._blocks()
        for block in blocks:
            pending += block
            whole = _RecordEnds.of(pending, self.layout.delimiter)
            if whole is None:
                yield from self._slow(pending, blocks, line, names)
                return
            end = whole.end
            if end == 0 and len(pending) > _LONGEST_RECORD:
                raise self._unclosed(line)
            if end:
                yield self._fast(pending[:end], whole.starts + line, names)
                line += whole.lines
                pending = pending[end:]
        if pending:
            raise self._unclosed(line)

    def _unclosed(self, line: int) -> BadInput:
        return BadInput(
            "a quote opened in this row is never closed; add or remove it",
            file=self.path.name,
            line=line,
        )

    def _fast(self, block: bytes, lines: npt.NDArray[np.int64], names: list[str]) -> pl.DataFrame:
        """Whole records whose quotes keep to the rules."""
        # A header of our own says how many columns there are; one more catches what is too much.
        header = self.layout.delimiter.join([*names, "more"]).encode() + b"\n"
        frame = pl.read_csv(
            header + block,
            separator=self.layout.delimiter,
            infer_schema=False,
            truncate_ragged_lines=True,
        )
        if len(frame) != len(lines):
            return self._frame(self._by_csv_module(io.StringIO(block.decode()), lines[0]), names)
        overfull = pl.col("more").str.strip_chars().str.len_bytes().fill_null(0) > 0
        return frame.select(pl.Series("line", lines), *names, overfull.alias("overfull"))

    def _slow(
        self, pending: bytes, blocks: Iterator[bytes], line: int, names: list[str]
    ) -> Iterator[pl.DataFrame]:
        """Everything from here on, by the csv module: it bears stray quotes."""
        rows: list[tuple[int, list[str]]] = []
        for row in self._by_csv_module(_text_lines(pending, blocks), line):
            rows.append(row)
            if len(rows) == MOST_ROWS:
                yield self._frame(rows, names)
                rows = []
        if rows:
            yield self._frame(rows, names)

    def _by_csv_module(self, lines: Iterable[str], first: int) -> Iterator[tuple[int, list[str]]]:
        record: list[str] = []
        reader = self._csv_reader(_remembered(lines, record))
        start, before = int(first), int(first)
        last: list[str] = []
        try:
            for fields in reader:
                yield start, fields
                before, start = start, int(first) + reader.line_num
                last = record.copy()
                record.clear()
        except csv.Error as error:
            raise self._unclosed(start) from error
        if _ends_in_quote(self._csv_reader(last, strict=True)):
            raise self._unclosed(before)

    def _csv_reader(self, lines: Iterable[str], *, strict: bool = False) -> "Reader":
        delimiter = self.layout.delimiter
        return csv.reader(
            lines, delimiter=delimiter, skipinitialspace=delimiter != "\t", strict=strict
        )

    def _frame(self, rows: Iterable[tuple[int, list[str]]], names: list[str]) -> pl.DataFrame:
        width = len(names)
        blank = [""] * width
        table = [
            (line, *(fields + blank)[:width], any(map(str.strip, fields[width:])))
            for line, fields in rows
        ]
        kinds = dict.fromkeys(names, pl.String)
        return pl.DataFrame(
            table, schema={"line": pl.Int64, **kinds, "overfull": pl.Boolean}, orient="row"
        )

    def _blocks(self) -> Iterator[bytes]:
        """UTF-8 with LF line ends; every block but the last ends wherever a line does."""
        turn = None
        if self.format.encoding != "utf-8":
            turn = codecs.getincrementaldecoder(self.format.encoding)(errors="replace")
        rest, size = b"", self.path.stat().st_size
        with self.path.open("rb") as file:
            file.seek(self.format.mark)
            for block_bytes in chain([FIRST_BLOCK_BYTES], repeat(BLOCK_BYTES)):
                if not (data := file.read(block_bytes)):
                    break
                self.part_read = file.tell() / size
                data = turn.decode(data).encode() if turn else data
                data = data.replace(b"\r", b"\n") if self.bare_returns else data
                cut = data.rfind(b"\n") + 1
                if cut:
                    yield self._utf8(rest + data[:cut])
                    rest = b""
                rest += data[cut:]
                if len(rest) > _LONGEST_RECORD:
                    raise BadInput("a line is longer than any lead's", file=self.path.name)
        if rest:
            yield self._utf8(rest + b"\n")

    def _utf8(self, block: bytes) -> bytes:
        if block.isascii():
            return block
        text, strays = decode(block, "utf-8")
        self.strays += strays
        return text.encode() if strays else block


@dataclass(frozen=True)
class _RecordEnds:
    """Where the whole records of a block end, and how many lines into it each starts."""

    end: int
    starts: npt.NDArray[np.int64]
    lines: int

    @classmethod
    def of(cls, block: bytes, delimiter: str) -> "_RecordEnds | None":
        """None when a quote stands where the rules of CSV do not want one."""
        signs = np.frombuffer(block, dtype=np.uint8)
        newlines = np.flatnonzero(signs == _NEWLINE)
        quotes = np.flatnonzero(signs == _QUOTE)
        if not _regular(signs, quotes, ord(delimiter)):
            return None
        closed = np.searchsorted(quotes, newlines) % 2 == 0
        ends = np.flatnonzero(closed)
        if len(ends) == 0:
            return cls(0, np.empty(0, dtype=np.int64), 0)
        end = int(newlines[ends[-1]]) + 1
        starts = np.concatenate([[0], ends[:-1] + 1]).astype(np.int64)
        return cls(end, starts, int(ends[-1]) + 1)


def _regular(signs: npt.NDArray[np.uint8], quotes: npt.NDArray[np.intp], delimiter: int) -> bool:
    """Every opening quote starts a field, every closing one ends it; doubled ones are both."""
    if len(quotes) == 0:
        return True
    opening, closing = quotes[::2], quotes[1::2]
    before = signs[np.maximum(opening, 1) - 1]
    opens = (opening == 0) | np.isin(before, [delimiter, _NEWLINE])
    opens[1:] |= opening[1:] == closing[: len(opening) - 1] + 1
    after = signs[closing + 1]
    closes = np.isin(after, [delimiter, _NEWLINE, _RETURN, _QUOTE])
    return bool(opens.all() and closes.all())


def _remembered(lines: Iterable[str], record: list[str]) -> Iterator[str]:
    for line in lines:
        record.append(line)
        yield line


def _ends_in_quote(reader: "Reader") -> bool:
    """Whether the text of a strict reader stops inside of quotes, which a lenient one hides."""
    try:
        list(reader)
    except csv.Error as error:
        return "unexpected end of data" in str(error)
    return False


def _text_lines(pending: bytes, blocks: Iterator[bytes]) -> Iterator[str]:
    for block in chain([pending], blocks):
        yield from io.StringIO(_plain(block), newline="\n")


def _plain(block: bytes) -> str:
    # The csv module takes no lone carriage return outside of quotes.
    return block.decode().replace("\r\n", "\n").replace("\r", " ")


def without_blanks(frame: pl.DataFrame, names: list[str]) -> pl.DataFrame:
    """Rows with something in them, empty text as None."""
    if len(frame) == 0:
        return frame
    trimmed = frame.with_columns(
        pl.when(pl.col(name).str.strip_chars() != "").then(pl.col(name)) for name in names
    )
    return trimmed.filter(pl.any_horizontal(pl.col(name).is_not_null() for name in names))


def _sliced(frame: pl.DataFrame) -> Iterator[pl.DataFrame]:
    for at in range(0, len(frame), MOST_ROWS):
        yield frame[at : at + MOST_ROWS]
