"""Opens a lead file of any accepted kind: what it is, what its columns are called, its rows."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import polars as pl

from pipelines.imports import layout
from pipelines.imports.formats import Format, decode, detect, read_start
from pipelines.imports.sheets import ParquetReader, SheetReader
from pipelines.imports.text import TextReader
from voice_ai.errors import BadInput

_ENCODINGS = {"utf-8": "UTF-8", "utf-16-le": "UTF-16", "utf-16-be": "UTF-16"}


@dataclass
class LeadFile:
    """`headers[i]` is the column `c{i}` of the batches."""

    path: Path
    headers: tuple[str, ...]
    description: str
    warnings: list[str]
    _reader: TextReader | SheetReader | ParquetReader = field(repr=False)

    def batches(self) -> Iterator[pl.DataFrame]:
        """Columns line, c0 … cN (text, None where empty) and overfull; memory stays flat."""
        return self._reader.batches()

    def sample(self, rows: int = 1000) -> pl.DataFrame:
        """The first rows, for guessing what the columns mean."""
        first = list(islice(self.batches(), 1))
        if not first:
            raise BadInput("there are no rows below the header", file=self.path.name)
        return first[0].head(rows)

    @property
    def part_read(self) -> float | None:
        """How much of the file has been read, 0 to 1; None where that is not known."""
        return self._reader.part_read if isinstance(self._reader, TextReader) else None

    @property
    def strays(self) -> int:
        """Bytes read so far that were not UTF-8 and were taken for Windows-1252."""
        return self._reader.strays if isinstance(self._reader, TextReader) else 0


def read_leads(path: Path) -> LeadFile:
    """The lead file, opened. Raises BadInput when it cannot be one."""
    found = detect(path)
    if found.kind == "text":
        return _text_file(path, found)
    if found.kind == "xlsx":
        sheet = SheetReader(path)
        warnings = [f"only the sheet {sheet.sheet!r} is read"] if sheet.others else []
        said = f"workbook, sheet {sheet.sheet!r}, {_header_said(sheet.layout)}"
        return LeadFile(path, sheet.layout.headers, said, warnings, sheet)
    table = ParquetReader(path)
    warnings = [f"column {name!r} is nested and left out" for name in table.dropped]
    return LeadFile(path, table.layout.headers, "Parquet", warnings, table)


def _text_file(path: Path, found: Format) -> LeadFile:
    text, strays = decode(read_start(path)[found.mark :][: _whole(path, found)], found.encoding)
    bare_returns = "\n" not in text and "\r" in text
    if bare_returns:
        text = text.replace("\r", "\n")
    shape = layout.of_text(text)
    encoding = "Windows-1252" if strays else _ENCODINGS[found.encoding]
    ends = ", bare CR line ends" if bare_returns else ""
    said = (
        f"text, {encoding}, separated by {layout.DELIMITERS.get(shape.delimiter, shape.delimiter)}"
        f", {_header_said(shape)}{ends}"
    )
    return LeadFile(path, shape.headers, said, [], TextReader(path, found, shape, bare_returns))


def _whole(path: Path, found: Format) -> int:
    """Length of the sample up to its last line end, so that no character is cut in two."""
    sample = read_start(path)[found.mark :]
    if found.encoding != "utf-8":
        return len(sample) // 2 * 2
    cut = max(sample.rfind(b"\n"), sample.rfind(b"\r")) + 1
    return cut or len(sample)


def _header_said(shape: layout.Layout) -> str:
    return f"header in line {shape.header_line}" if shape.header_line else "without a header"
