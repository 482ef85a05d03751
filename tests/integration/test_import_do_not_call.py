"""A row that a file marks as not to be called suppresses its number, for good."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.imports import import_leads
from pipelines.undo import undo_import
from tests.factories import NOW, login_url
from voice_ai.db import connect
from voice_ai.db.connect import Db
from voice_ai.vault import Keyring

FILE = """Name,Phone,State,Do not call
Ann,212-555-0101,NY,
Bob,(212) 555-0102,NY,yes
Cid,2125550103,NY,no
Dan,+1 212 555 0104,NY,x
Eve,212-555-0104,NY,
Fay,12,NY,yes
"""


@pytest.fixture
def db(database_url: str) -> Iterator[Db]:
    with connect(database_url, autocommit=True) as connection:
        yield connection


def suppressed(db: Db, keyring: Keyring) -> set[str]:
    rows = db.execute(
        "SELECT n.number_sealed, s.scope, s.source, s.reason, s.added_by FROM suppressions s"
        " JOIN numbers n ON n.id = s.number_id JOIN sellers o ON o.id = s.seller_id"
    ).fetchall()
    told = {(row["scope"], row["source"], row["reason"], row["added_by"]) for row in rows}
    assert told <= {("seller", "import", "do_not_call", "Ana")}
    return {keyring.decrypt(row["number_sealed"]).decode() for row in rows}


def test_marked_rows_suppress_their_numbers_also_after_an_undo(
    db: Db, database_url: str, keyring: Keyring, tmp_path: Path
) -> None:
    path = tmp_path / "leads.csv"
    path.write_text(FILE)
    url = login_url(database_url, "flows", keyring)

    def load(*, dry_run: bool = False) -> tuple[int, int, int, str | None]:
        report = import_leads(
            url, keyring, path, list_name="spring", attested_by="Ana", now=NOW, dry_run=dry_run
        )
        return report.accepted, report.do_not_call, report.suppressed, report.run_id

    assert load(dry_run=True)[:2] == (3, 2)
    assert suppressed(db, keyring) == set()
    accepted, marked, among_accepted, run_id = load()
    # Another row of the file has the number of a marked one: it is a lead that nobody calls.
    assert (accepted, marked, among_accepted) == (3, 2, 1)
    assert suppressed(db, keyring) == {"+12125550102", "+12125550104"}
    assert run_id is not None
    undo_import(url, run_id, now=NOW)
    assert load()[:3] == (3, 2, 1)
    assert suppressed(db, keyring) == {"+12125550102", "+12125550104"}
    assert db.execute("SELECT FROM suppressions").rowcount == 2
