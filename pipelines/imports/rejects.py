"""The file of refused rows: readable by its owner only, harmless when a spreadsheet opens it."""

import os
from pathlib import Path
from types import TracebackType
from typing import IO

import polars as pl

from voice_ai.leads.judge import REJECT_SCHEMA

_PART = ".part"
_FORMULA = r"^[=+\-@\t\r]"


class RejectsFile:
    """Written beside its name and moved there by `keep`; gone when it is not kept."""

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
