"""Refused rows: the file of them, which only its owner may read, and a masked sample to show."""

import os
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import IO

import polars as pl

from pipelines.imports.mapping import masked
from pipelines.imports.report import RefusedRow
from voice_ai.leads.judge import REJECT_SCHEMA

_PART = ".part"
_FORMULA = r"^[=+\-@\t\r]"


_MOST_OF_A_REASON = 10
_MOST_SHOWN = 50


class RefusedSample:
    """Up to ten refused rows of every reason, the first ones, with masked values."""

    def __init__(self) -> None:
        self._kept: list[RefusedRow] = []
        self._of: Counter[str] = Counter()

    def add(self, rejects: pl.DataFrame) -> None:
        wanted = rejects.filter(
            pl.int_range(pl.len()).over("reason") < _MOST_OF_A_REASON,
            ~pl.col("reason").is_in([r for r, n in self._of.items() if n >= _MOST_OF_A_REASON]),
        )
        for line, field, value, reason, explanation in wanted.iter_rows():
            if self._of[reason] >= _MOST_OF_A_REASON:
                continue
            self._of[reason] += 1
            shown = None if value is None else masked(value)
            self._kept.append(
                RefusedRow(
                    line=line,
                    field=field,
                    reason=reason,
                    explanation=explanation,
                    value_masked=shown,
                )
            )

    def rows(self) -> tuple[RefusedRow, ...]:
        """In the order of the file; when there are too many, the fullest reasons give way."""
        most = _MOST_OF_A_REASON
        while len(fair := self._fair(most)) > _MOST_SHOWN:
            most -= 1
        return tuple(sorted(fair, key=lambda row: row.line))

    def _fair(self, most: int) -> list[RefusedRow]:
        taken: Counter[str] = Counter()
        fair = []
        for row in self._kept:
            taken[row.reason] += 1
            if taken[row.reason] <= most:
                fair.append(row)
        return fair


class RejectsFile:
    """Harmless when a spreadsheet opens it.

    Written beside its name and moved there by `keep`; gone when it is not kept.
    """

    def __init__(self, folder: Path | None, name: str) -> None:
        self.rows = 0
        self.path = folder / name if folder else None
        self._part = folder / f"{name}{_PART}" if folder else None
        self._file = _opened(self._part) if self._part else None

    def __enter__(self) -> "RejectsFile":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is not None and self._part is not None:
            self._file.close()
            self._part.unlink(missing_ok=True)

    def write(self, rejects: pl.DataFrame) -> None:
        self.rows += len(rejects)
        if self._file is None:
            return
        safe = rejects.with_columns(
            value=pl.when(pl.col("value").str.contains(_FORMULA))
            .then(pl.concat_str(pl.lit("'"), "value"))
            .otherwise("value")
        )
        self._file.write(safe.write_csv(include_header=False).encode())

    def keep(self) -> None:
        """Puts the file in its place, unless nothing was written."""
        if self._file is not None and self._part is not None and self.path is not None:
            self._file.close()
            if self.rows:
                self._part.replace(self.path)


def _opened(part: Path) -> IO[bytes]:
    part.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    for left in part.parent.glob(f"*{_PART}"):  # of an import that was killed
        left.unlink(missing_ok=True)
    file = os.fdopen(os.open(part, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "wb")
    file.write((",".join(REJECT_SCHEMA) + "\n").encode())
    return file
