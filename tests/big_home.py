"""A database that has been at work for days: twenty thousand attempts, written in seconds."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from pipelines import samples
from tests.factories_app import CampaignFactory
from tests.factories_preflight import DATABASE, GREEN
from voice_ai.campaigns import parse_campaign
from voice_ai.db.connect import Db
from voice_ai.preflight import as_rows, judge, worst
from voice_ai.store.campaigns import create_campaign
from voice_ai.vault import Keyring

NAME = "Autumn survey"
LEADS = 20_000
_SQL = (Path(__file__).parent / "big_home.sql").read_text(encoding="utf-8")
_ZONES = ("America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles")
_REJECTS = 400


def fill(db: Db, keyring: Keyring, *, leads: int = LEADS, now: datetime | None = None) -> UUID:
    """Writes a running campaign with `leads` leads and about as many attempts, a few small
    campaigns beside it, and what imports, requests and commands leave behind; its id."""
    at = now or datetime.now(UTC).replace(microsecond=0)
    others = CampaignFactory(db, seed=5, start=at - timedelta(hours=3))
    with db.transaction():
        _list(db, keyring, leads, at)
        campaign = _campaign(db, keyring, at)
        db.execute(
            "CREATE TEMP TABLE big AS SELECT %s::uuid AS campaign, %s::timestamptz AS at,"
            " %s::uuid AS worker,"
            " (SELECT caller_ids[1] FROM campaign_versions WHERE campaign_id = %s) AS caller_id",
            (campaign, at, _workers(db, at), campaign),
        )
        db.execute(_SQL.encode())
    for name, state in (("Clinic reminders", "paused"), ("Flu season", "completed")):
        made = others.campaign(name, leads=60, dialed=45, live=0)
        db.execute("UPDATE campaigns SET state = %s WHERE id = %s", (state, made))
    draft = others.campaign("Next spring", leads=25, dialed=0, live=0)
    db.execute("UPDATE campaigns SET state = 'draft' WHERE id = %s", (draft,))
    db.execute("DELETE FROM decisions WHERE campaign_id = %s", (draft,))
    for checked in (campaign, draft):
        _preflight(db, checked, at)
    db.commit()
    return campaign


def _list(db: Db, keyring: Keyring, leads: int, at: datetime) -> None:
    numbers = [f"+1{200 + place // 100 % 700}555{place % 10_000:04}" for place in range(leads)]
    seller = _id(
        db,
        "INSERT INTO sellers (name, legal_name, rehearsal, created_at)"
        " VALUES (%s, %s, true, %s) RETURNING id",
        (samples.SELLER, samples.SELLER, at - timedelta(days=9)),
    )
    lead_list = _id(
        db,
        "INSERT INTO lead_lists (seller_id, name, consent_kind, consent_attested_by,"
        " consent_attested_at, rehearsal, created_at)"
        " VALUES (%s, %s, 'rehearsal', 'operator', %s, true, %s) RETURNING id",
        (seller, samples.LIST, at - timedelta(days=9), at - timedelta(days=9)),
    )
    run = _import_run(db, lead_list, leads, at - timedelta(days=8))
    with db.cursor().copy(
        "COPY numbers (fingerprint, number_sealed, key_id, country, line_type, zones, states,"
        " created_at) FROM STDIN"
    ) as copy:
        for place, number in enumerate(numbers):
            copy.write_row(
                (
                    keyring.fingerprint(f"{number}-{place}"),
                    keyring.encrypt(number.encode()),
                    keyring.key_id,
                    "US",
                    "fixed_line_or_mobile",
                    [_ZONES[place * 7 % 11 % 4]],
                    [],
                    at,
                )
            )
    db.execute(
        "INSERT INTO leads (list_id, number_id, run_id, line, position, zones, states, country,"
        " created_at)"
        " SELECT %s, id, %s, place + 1, place - 1, zones, states, country, created_at"
        " FROM (SELECT *, row_number() OVER (ORDER BY id) AS place FROM numbers) n",
        (lead_list, run),
    )
    db.execute("ANALYZE numbers, leads")


def _import_run(db: Db, lead_list: UUID, leads: int, at: datetime) -> UUID:
    report = {
        "run_id": None,
        "list": samples.LIST,
        "seller": samples.SELLER,
        "file": "leads.csv",
        "format": "CSV",
        "file_sha256": "1" * 64,
        "rows": leads + _REJECTS,
        "accepted": leads,
        "new_numbers": leads,
        "duplicates": 0,
        "already_in_list": 0,
        "suppressed": 0,
        "rejected_by_reason": {"invalid_number": _REJECTS},
        "warnings": [],
        "rejects_file": None,
        "mapping": [{"field": "phone", "column": "Phone", "confidence": 1.0, "samples": []}],
        "unmapped": [],
        "seconds": 1.4,
        "rows_per_second": leads / 1.4,
    }
    run = _id(
        db,
        "INSERT INTO import_runs (list_id, file_name, file_sha256, mapping_sha256, mapping, report,"
        " rows_read, rows_accepted, rows_rejected, started_at, finished_at)"
        " VALUES (%s, 'leads.csv', %s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING id",
        (
            lead_list,
            "1" * 64,
            "2" * 64,
            Jsonb({"phone": "Phone"}),
            Jsonb(report),
            leads + _REJECTS,
            leads,
            _REJECTS,
            at,
            at + timedelta(seconds=1.4),
        ),
    )
    db.execute(
        "INSERT INTO import_rejects (run_id, line, field, reason, explanation, value_masked)"
        " SELECT %s, line, 'phone', 'invalid_number',"
        " 'this is not a phone number of the list''s country', '••• •••-••' || line %% 100"
        " FROM generate_series(2, %s) AS line",
        (run, _REJECTS + 1),
    )
    return run


def _campaign(db: Db, keyring: Keyring, at: datetime) -> UUID:
    parsed = parse_campaign(samples.campaign_yaml(NAME), source="test", folder=Path())
    made = create_campaign(
        db, keyring, parsed, by="operator", now=at - timedelta(days=7), rehearsal=True
    )
    db.execute(
        "UPDATE campaigns SET state = 'running', state_since = %s WHERE id = %s",
        (at - timedelta(days=6), made.id),
    )
    return made.id


def _preflight(db: Db, campaign: UUID, at: datetime) -> None:
    """A check of this morning: an old list, a number that nobody called back, no server."""
    old = replace(GREEN.imports[0], finished_at=GREEN.now - timedelta(days=120))
    line = replace(GREEN.caller_ids[7], inbound_ok_at=None)
    database = replace(DATABASE, alive={"dialer": 1})
    checks = judge(
        replace(
            GREEN,
            imports=(old,),
            caller_ids={7: line},
            machines=replace(GREEN.machines, database=database),
        )
    )
    db.execute(
        "INSERT INTO preflights (id, campaign_id, asked_by, asked_at, started_at, finished_at,"
        " light, checks) VALUES (gen_random_uuid(), %s, 'operator', %s, %s, %s, %s, %s)",
        (campaign, at, at, at + timedelta(seconds=1.4), worst(checks), Jsonb(as_rows(checks))),
    )


def _workers(db: Db, at: datetime) -> UUID:
    """A dialer, a server and a flows process that ran until a moment ago; the dialer's id."""
    ids = [
        _id(
            db,
            "INSERT INTO workers (kind, host, pid, lock_key, started_at, seen_at, vitals)"
            " VALUES (%s, 'workshop', %s, %s, %s, %s, %s) RETURNING id",
            (
                kind,
                4000 + key,
                key,
                at - timedelta(hours=9),
                at,
                Jsonb({"cpu_percent": 7.5, "memory_mb": 140.0}),
            ),
        )
        for key, kind in enumerate(("dialer", "server", "flows"), start=1)
    ]
    return ids[0]


def _id(db: Db, query: str, values: tuple[Any, ...]) -> UUID:
    row = db.execute(query.encode(), values).fetchone()
    assert row is not None
    made: UUID = row["id"]
    return made
