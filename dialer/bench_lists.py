"""A campaign over a list of any length in a server of its own: what the dialer is measured on."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import yaml

from voice_ai.campaigns import parse_campaign
from voice_ai.db import queries, upgrade
from voice_ai.db.connect import Db, connect
from voice_ai.embedded import PostgresLease, attach_postgres
from voice_ai.ids import CampaignId, WorkerId
from voice_ai.store.campaigns import create_campaign
from voice_ai.vault import Keyring

# 14:00 in New York on a Tuesday: the whole mainland may be called.
NOON = datetime(2026, 11, 24, 19, tzinfo=UTC)
ACCOUNT = "AC" + "b" * 32
_SELLER = "Bench"
_CALLER_IDS = [f"+1212555{line:04}" for line in range(100, 120)]

_LIST = """
INSERT INTO lead_lists (seller_id, name, consent_kind, rehearsal, created_at)
VALUES (%(seller)s, %(name)s, 'rehearsal', true, %(now)s) RETURNING id
"""
_RUN = """
INSERT INTO import_runs (list_id, file_name, file_sha256, mapping_sha256, rows_read, rows_accepted,
    rows_rejected, started_at, finished_at)
VALUES (%(list)s, 'bench.csv', %(name)s, '0', %(count)s, %(count)s, 0, %(now)s, %(now)s)
RETURNING id
"""
# Numbers and leads as an import leaves them: sealed, with two candidate zones each.
_LEADS = """
WITH n AS (
    INSERT INTO numbers (fingerprint, number_sealed, key_id, country, line_type, zones, states,
        created_at)
    SELECT sha256(convert_to(%(name)s || i, 'UTF8')), sha256(int8send(i)), 'bench', 'US', 'mobile',
           ARRAY['America/New_York','America/Chicago'], ARRAY['NY','IL'], %(now)s
    FROM generate_series(1, %(count)s) i RETURNING id)
INSERT INTO leads (list_id, number_id, run_id, line, position, zones, states, country,
    person_sealed, created_at)
SELECT %(list)s, n.id, %(run)s, n.id, n.id, ARRAY['America/New_York'], ARRAY['NY'], 'US',
       sha256(int8send(n.id)) || sha256(int8send(-n.id)), %(now)s
FROM n
"""
_WORKER = """
INSERT INTO workers (id, kind, host, pid, lock_key, started_at, seen_at)
VALUES (%s, 'dialer', 'bench', 1, 1, now(), now())
"""


@dataclass(frozen=True)
class Bench:
    """A server with its normal, durable settings, and the owner's login."""

    lease: PostgresLease
    keyring: Keyring
    db: Db

    @property
    def url(self) -> str:
        return self.lease.url

    def worker(self) -> WorkerId:
        worker_id = WorkerId(uuid4())
        self.db.execute(_WORKER, (worker_id,))
        return worker_id

    def campaign(self, name: str, count: int) -> CampaignId:
        """The one running campaign, over a new list of `count` leads that may be called now."""
        self.db.execute("UPDATE campaigns SET state = 'stopped'")
        self.db.execute("DELETE FROM carrier_pace")  # every list begins at noon
        found = self._one(
            queries("campaigns").upsert_seller,
            {"name": _SELLER, "legal_name": _SELLER, "rehearsal": True, "now": NOON},
        )
        about = {"name": name, "count": count, "now": NOON, "seller": found["id"]}
        about["list"] = self._one(_LIST, about)["id"]
        about["run"] = self._one(_RUN, about)["id"]
        self.db.execute(_LEADS, about)
        made = create_campaign(
            self.db, self.keyring, _parsed(name), by="bench", now=NOON, rehearsal=True
        )
        self.db.execute("UPDATE campaigns SET state = 'running' WHERE id = %s", (made.id,))
        self.db.execute("VACUUM ANALYZE")  # as autovacuum leaves a list some time after its import
        return made.id

    def _one(self, query: str, values: dict[str, Any]) -> dict[str, Any]:
        row = self.db.execute(query, values).fetchone()
        assert row is not None
        return row


def _parsed(name: str) -> Any:
    document = {
        "name": name,
        "seller": {"name": _SELLER, "legal_name": _SELLER, "callback_number": "+12125550999"},
        "list": name,
        "script": "satisfaction_survey",
        "caller_ids": _CALLER_IDS,
        # Caps so high that the statements are measured, not the pace that people asked for. As in
        # every rehearsal no caller id has a ceiling.
        "pacing": {"max_concurrent": 2000, "calls_per_second": 200},
    }
    return parse_campaign(yaml.safe_dump(document), source="bench", folder=Path())


@contextmanager
def bench_database() -> Iterator[Bench]:
    with tempfile.TemporaryDirectory() as folder:
        keyring = Keyring.open(Path(folder), None)
        with attach_postgres(Path(folder), keyring) as lease:
            upgrade(lease.url, keyring)
            with connect(lease.url, name="bench", autocommit=True) as db:
                yield Bench(lease, keyring, db)


def bench_row(
    name: str, ours: float, other: float, unit: str, *, target: float, at_most: bool = False
) -> dict[str, Any]:
    """A row of the table; it holds when ours is at least `target` of the other.

    `at_most`: a small figure is the good one, and the ratio is turned round. Beside nothing at all
    it counts as equal.
    """
    ours_of_other = ours / other if other else 1.0
    ratio = 1 / ours_of_other if at_most else ours_of_other
    return {
        "row": name,
        "ours": ours,
        "other": other,
        "unit": unit,
        "ratio": ratio,
        "target": target,
        "holds": ratio >= target,
    }
