"""What an import did, as the command line, the page and the database keep it."""

from pydantic import BaseModel, ConfigDict


class MappedColumn(BaseModel):
    """`confidence` is 1 when the column was named by the user; samples are masked."""

    model_config = ConfigDict(frozen=True)

    field: str
    column: str
    confidence: float
    samples: tuple[str, ...] = ()


class RefusedRow(BaseModel):
    """One refused row as a page may show it: its value is masked."""

    model_config = ConfigDict(frozen=True)

    line: int
    field: str
    reason: str
    explanation: str
    value_masked: str | None


class ImportReport(BaseModel):
    """`rows` = accepted + duplicates + already_in_list + the sum of `rejected_by_reason`.

    `suppressed`: accepted leads that must not be called. `do_not_call`: numbers that the file
    itself marks so; an import suppresses them for its seller.
    `refused_sample` is a dry run's only: some rows of every reason.
    """

    model_config = ConfigDict(frozen=True)

    run_id: str | None
    list: str
    seller: str
    file: str
    format: str
    file_sha256: str
    rows: int
    accepted: int
    new_numbers: int
    duplicates: int
    already_in_list: int
    suppressed: int
    do_not_call: int = 0
    rejected_by_reason: dict[str, int]
    warnings: tuple[str, ...]
    rejects_file: str | None
    mapping: tuple[MappedColumn, ...]
    unmapped: tuple[str, ...]
    refused_sample: tuple[RefusedRow, ...] = ()
    seconds: float
    rows_per_second: float
    dry_run: bool = False
    repeated: bool = False

    @property
    def rejected(self) -> int:
        """Rows that cannot be leads; duplicates are counted apart."""
        return sum(self.rejected_by_reason.values())
