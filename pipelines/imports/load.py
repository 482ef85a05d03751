"""One lead file into one list, in one transaction: all of it or nothing, in flat memory.

Batches are read, judged, sealed and packed while the batch before is being copied.
"""

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from uuid import UUID, uuid4

from pipelines.imports import target
from pipelines.imports.mapping import Guess, fingerprint, guess_columns
from pipelines.imports.prepare import PreparedBatch, Preparer
from pipelines.imports.read import LeadFile, read_leads
from pipelines.imports.rejects import RefusedSample, RejectsFile
from pipelines.imports.report import ImportReport, MappedColumn
from pipelines.imports.warnings import warnings_of
from voice_ai.db import connect
from voice_ai.db.connect import Db
from voice_ai.leads.judge import Judge
from voice_ai.store import suppressions
from voice_ai.vault import Keyring

DEFAULT_SELLER = "Sample Seller"
Progress = Callable[[int, float | None], None]
"""Told the rows done and the part of the file read (0 to 1, None while unknown)."""

_AHEAD = 2
_DUPLICATES = ("duplicate_in_file", "duplicate_in_list")


@dataclass(frozen=True)
class _Destination:
    list_name: str
    seller: str
    rehearsal: bool
    consent_kind: str | None
    attested_by: str | None


@dataclass
class _Tally:
    rows: int = 0
    new: int = 0
    known: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    do_not_call: set[int] = field(default_factory=set)

    def add(self, batch: PreparedBatch) -> None:
        self.rows += batch.rows
        self.new += len(batch.new_leads)
        self.known += len(batch.old_leads)
        self.reasons.update(batch.rejects["reason"].to_list())
        self.notes.update(batch.notes)
        self.do_not_call.update(batch.do_not_call)


def import_leads(
    url: str,
    keyring: Keyring,
    path: Path,
    *,
    list_name: str,
    now: datetime,
    seller: str = DEFAULT_SELLER,
    rehearsal: bool = False,
    consent_kind: str | None = None,
    attested_by: str | None = None,
    mapping: Mapping[str, str] | None = None,
    home: Path | None = None,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> ImportReport:
    """Imports the file, or says what importing it would do (`dry_run`).

    The same file again, mapped the same way, changes nothing and answers with the first report.
    `consent_kind` (written, express, rehearsal) is attested for the whole list when it is new;
    without it the dialer needs consent per number. The file of rejects goes to `home`/imports.
    A row that the file marks as not to be called suppresses its number for the seller, which stays
    so when the import is taken back.
    Raises BadInput or UsageError, and then nothing was written.
    """
    started = time.perf_counter()
    destination = _Destination(list_name, seller, rehearsal, consent_kind, attested_by)
    file, guesses = preview(path, mapping)
    sha256, progress = _sha256(path), progress or (lambda rows, part: None)
    with (
        connect(url, name="voice-ai import") as db,
        connect(url, name="voice-ai import look-ups", autocommit=True) as lookups,
    ):
        job = _Job(
            keyring, path, destination, home, now, file, guesses, sha256, db, lookups, progress,
            started,
        )  # fmt: skip
        return job.rehearse() if dry_run else job.load()


def preview(path: Path, mapping: Mapping[str, str] | None = None) -> tuple[LeadFile, list[Guess]]:
    """What the file is and what its columns would be taken for."""
    file = read_leads(path)
    return file, guess_columns(file.headers, file.sample(), mapping or {})


@dataclass
class _Job:
    keyring: Keyring
    path: Path
    destination: _Destination
    home: Path | None
    now: datetime
    file: LeadFile
    guesses: Sequence[Guess]
    sha256: str
    db: Db
    lookups: Db
    progress: Progress
    started: float
    tally: _Tally = field(default_factory=_Tally)
    marked: list[int] = field(default_factory=list)

    def rehearse(self) -> ImportReport:
        """Reads and judges everything, writes nothing."""
        sample = RefusedSample()
        found = target.maybe(
            self.lookups,
            "find_list",
            seller=self.destination.seller,
            name=self.destination.list_name,
        )
        for batch in self._batches(self._preparer(found["id"] if found else None)):
            self._count(batch)
            sample.add(batch.rejects)
        report = self._report(run_id=None, rejects_file=None, suppressed=0, dry_run=True)
        return report.model_copy(update={"refused_sample": sample.rows()})

    def load(self) -> ImportReport:
        run_id = uuid4()
        with ExitStack() as kept:
            with self.db.transaction():
                self.db.execute("SET LOCAL idle_in_transaction_session_timeout = '10min'")
                target.one(self.db, "one_import_at_a_time")
                seller_id, list_id = self._places()
                if (before := self._same_before(list_id)) is not None:
                    return before
                folder = self.home / "imports" if self.home else None
                rejects = kept.enter_context(RejectsFile(folder, f"{run_id}.rejects.csv"))
                report = self._load_into(run_id, seller_id, list_id, rejects)
            rejects.keep()
        # Committed: nobody passes the send gate any more, and who has passed is waited for.
        suppressions.wait_for_sends(self.lookups, self.marked)
        return report

    def _same_before(self, list_id: UUID) -> ImportReport | None:
        """The report of the same file, mapped the same way, into the same list."""
        row = target.maybe(
            self.db,
            "same_import",
            list_id=list_id,
            file_sha256=self.sha256,
            mapping_sha256=fingerprint(self.guesses),
        )
        if row is None:
            return None
        return ImportReport.model_validate({**row["report"], "repeated": True})

    def _places(self) -> tuple[UUID, UUID]:
        to = self.destination
        seller_id = target.seller_of(self.db, to.seller, rehearsal=to.rehearsal, now=self.now)
        found = target.one(
            self.db,
            "list_of",
            seller_id=seller_id,
            name=to.list_name,
            consent_kind=to.consent_kind,
            attested_by=to.attested_by,
            attested_at=self.now if to.consent_kind else None,
            rehearsal=to.rehearsal,
            now=self.now,
        )
        return seller_id, found["id"]

    def _load_into(
        self, run_id: UUID, seller_id: UUID, list_id: UUID, rejects: RejectsFile
    ) -> ImportReport:
        target.open_run(
            self.db,
            run_id,
            list_id,
            mapping={guess.field: guess.column for guess in self.guesses},
            file_name=self.path.name,
            file_sha256=self.sha256,
            mapping_sha256=fingerprint(self.guesses),
            now=self.now,
        )
        run = target.Run(self.db, run_id, list_id, self.keyring.key_id, self.now)
        self._copy_all(run, rejects)
        self._suppress_marked(seller_id)
        report = self._report(
            run_id=run_id,
            rejects_file=rejects.path if rejects.rows else None,
            suppressed=run.suppressed(seller_id),
        )
        run.close(report, self.now)
        return report

    def _suppress_marked(self, seller_id: UUID) -> None:
        """Numbers that the file itself says must not be called."""
        numbers = [f"+{digits}" for digits in self.tally.do_not_call]
        self.marked = suppressions.ensure_numbers(self.db, self.keyring, numbers, self.now)
        order = suppressions.Order(
            "seller",
            "import",
            "do_not_call",
            seller_id=seller_id,
            added_by=self.destination.attested_by,
        )
        suppressions.write(self.db, self.marked, order, self.now)

    def _copy_all(self, run: target.Run, rejects: RejectsFile) -> None:
        """Copies batch after batch in a second thread while the next ones are prepared here."""
        preparer = self._preparer(run.list_id)
        under_way: list[Future[None]] = []
        with ThreadPoolExecutor(1, thread_name_prefix="copy") as copier:
            for batch in self._batches(preparer):
                packed = run.pack(batch, preparer.packed_rejects(batch.rejects, run.id))
                rejects.write(batch.rejects)
                while len(under_way) >= _AHEAD:
                    under_way.pop(0).result()
                under_way.append(copier.submit(run.write, packed))
                self._count(batch)
            for copy in under_way:
                copy.result()

    def _preparer(self, list_id: UUID | None) -> Preparer:
        lookup = target.Lookup(self.lookups, list_id)
        return Preparer(self.keyring, self.file.headers, self.guesses, lookup)

    def _batches(self, preparer: Preparer) -> Iterator[PreparedBatch]:
        judge = Judge()
        for batch in self.file.batches():
            judged = judge.judge(preparer.judged_columns(batch))
            yield preparer.prepare(batch, judged)

    def _count(self, batch: PreparedBatch) -> None:
        self.tally.add(batch)
        self.progress(self.tally.rows, self.file.part_read)

    def _report(
        self,
        *,
        run_id: UUID | None,
        rejects_file: Path | None,
        suppressed: int,
        dry_run: bool = False,
    ) -> ImportReport:
        tally, seconds = self.tally, time.perf_counter() - self.started
        mapped = {guess.column for guess in self.guesses}
        reasons = {
            reason: count
            for reason, count in sorted(tally.reasons.items())
            if reason not in _DUPLICATES
        }
        return ImportReport(
            run_id=str(run_id) if run_id else None,
            list=self.destination.list_name,
            seller=self.destination.seller,
            file=self.path.name,
            format=self.file.description,
            file_sha256=self.sha256,
            rows=tally.rows,
            accepted=tally.new + tally.known,
            new_numbers=tally.new,
            duplicates=tally.reasons["duplicate_in_file"],
            already_in_list=tally.reasons["duplicate_in_list"],
            suppressed=suppressed,
            do_not_call=len(tally.do_not_call),
            rejected_by_reason=reasons,
            warnings=warnings_of(self.file, tally.notes),
            rejects_file=str(rejects_file) if rejects_file else None,
            mapping=tuple(MappedColumn.model_validate(asdict(guess)) for guess in self.guesses),
            unmapped=tuple(header for header in self.file.headers if header not in mapped),
            seconds=round(seconds, 3),
            rows_per_second=round(tally.rows / seconds, 1) if seconds else 0.0,
            dry_run=dry_run,
        )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
