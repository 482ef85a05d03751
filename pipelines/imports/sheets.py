"""Workbooks and Parquet files as batches of text columns."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from pipelines.imports.layout import Layout, Record, of_records
from pipelines.imports.text import MOST_ROWS, without_blanks
from voice_ai.errors import BadInput

_HEADER_ROWS = 200


class SheetReader:
    """The first sheet with anything in it; `line` is the row number that the sheet shows."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.sheet, self.others, self._rows = _first_sheet(path)
        self.layout = of_records(_records(self._rows.head(_HEADER_ROWS)))

    def batches(self) -> Iterator[pl.DataFrame]:
        names = [f"c{at}" for at in range(len(self.layout.headers))]
        rows = self._rows.rename(dict(zip(self._rows.columns, names, strict=True)))
        rows = rows.with_row_index("line", offset=1).with_columns(
            pl.col("line").cast(pl.Int64), overfull=pl.lit(value=False)
        )
        data = without_blanks(rows.filter(pl.col("line") > (self.layout.header_line or 0)), names)
        for at in range(0, len(data), MOST_ROWS):
            yield data[at : at + MOST_ROWS]


class ParquetReader:
    """`line` is the row number, the first row being 1."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            schema = pl.scan_parquet(path).collect_schema()
        except pl.exceptions.PolarsError as error:
            raise BadInput("the Parquet file is damaged; write it again", file=path.name) from error
        flat = [name for name, kind in schema.items() if not kind.is_nested()]
        self.dropped = [name for name in schema if name not in flat]
        self._columns = flat
        self.layout = Layout(tuple(flat), None)

    def batches(self) -> Iterator[pl.DataFrame]:
        names = [f"c{at}" for at in range(len(self._columns))]
        columns = [
            pl.col(column).cast(pl.String, strict=False).alias(name)
            for column, name in zip(self._columns, names, strict=True)
        ]
        start = 0
        while len(part := self._slice(start, columns)):
            rows = part.with_columns(
                line=pl.int_range(start + 1, start + 1 + pl.len(), dtype=pl.Int64),
                overfull=pl.lit(value=False),
            )
            yield without_blanks(rows.select("line", *names, "overfull"), names)
            start += len(part)

    def _slice(self, start: int, columns: list[pl.Expr]) -> pl.DataFrame:
        try:
            return pl.scan_parquet(self.path).select(columns).slice(start, MOST_ROWS).collect()
        except pl.exceptions.PolarsError as error:
            raise BadInput(
                "the Parquet file is damaged; write it again", file=self.path.name
            ) from error


def _first_sheet(path: Path) -> tuple[str, list[str], pl.DataFrame]:
    import fastexcel

    try:
        book = fastexcel.read_excel(path)
        for name in book.sheet_names:
            rows = book.load_sheet(
                name, header_row=None, skip_rows=0, dtypes="string", whitespace_as_null=True
            ).to_polars()
            if len(rows):
                others = [other for other in book.sheet_names if other != name]
                return name, others, rows
    except fastexcel.FastExcelError as error:
        raise BadInput("the workbook cannot be read; save it again", file=path.name) from error
    raise BadInput("the workbook has no rows", file=path.name)


def _records(rows: pl.DataFrame) -> list[Record]:
    return [
        (line, ["" if cell is None else str(cell) for cell in cells])
        for line, cells in enumerate(rows.iter_rows(), start=1)
    ]
