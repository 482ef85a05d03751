"""A sound campaign file, and the rows that a campaign stands on."""

import re
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit
from uuid import UUID

from voice_ai.campaigns import Campaign, parse_campaign
from voice_ai.db.connect import Db
from voice_ai.db.roles import role_name
from voice_ai.vault import Keyring

NOW = datetime(2026, 11, 24, 19, 0, tzinfo=UTC)
CALLBACK = "+12125550199"
CALLER_ID = "+12125550100"

CAMPAIGN_FILE = f"""\
name: Spring reminders
seller:
  name: clinic
  legal_name: The Clinic of Somewhere
  callback_number: "{CALLBACK}"
list: patients
script: appointment_reminder
caller_ids: ["{CALLER_ID}"]
schedule:
  start: 09:00
  end: 18:00
  days: [mon, tue, wed]
pacing:
  max_concurrent: 5
  calls_per_second: 2
retries:
  max_attempts: 4
  rules:
    busy: {{delays_s: [600], most: 2}}
"""


def campaign_of(text: str = CAMPAIGN_FILE, folder: Path | None = None) -> Campaign:
    return parse_campaign(text, source="spring.yaml", folder=folder or Path("/nowhere"))


def seeded_dispositions() -> dict[str, dict[str, bool]]:
    """Every disposition with its flags, as the migration writes them."""
    folder = files("voice_ai.db.migrations") / "sql"
    seeds = ("0002_dispositions.sql", "0006_disposition.sql")
    text = "\n".join((folder / name).read_text() for name in seeds)
    columns = re.findall(r"\w+", text[text.index("(") : text.index(")")])[2:]
    rows = re.findall(r"\('(\w+)',\s*'[^']*',\s*([^)]*)\)", text)
    return {
        code: dict(zip(columns, [flag.strip() == "true" for flag in flags.split(",")], strict=True))
        for code, flags in rows
    }


def make_list(
    db: Db, keyring: Keyring, *, leads: int = 3, rehearsal: bool = True, **row: Any
) -> UUID:
    """A seller `clinic` with the list `patients` and some leads, unless told otherwise."""
    facts = {"seller": "clinic", "list": "patients", "seller_rehearsal": rehearsal, **row}
    with db.transaction():
        seller = _id(
            db,
            "INSERT INTO sellers (name, legal_name, rehearsal, created_at)"
            " VALUES (%(seller)s, %(seller)s, %(seller_rehearsal)s, %(now)s)"
            " ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING id",
            facts,
        )
        made: UUID = _id(
            db,
            "INSERT INTO lead_lists (seller_id, name, consent_kind, rehearsal, created_at)"
            " VALUES (%(seller_id)s, %(list)s, 'rehearsal', %(rehearsal)s, %(now)s) RETURNING id",
            {**facts, "seller_id": seller, "rehearsal": rehearsal},
        )
        run = _id(
            db,
            "INSERT INTO import_runs (list_id, file_name, file_sha256, mapping_sha256, rows_read,"
            " rows_accepted, rows_rejected, started_at, finished_at)"
            " VALUES (%(list_id)s, 'a.csv', 'f', 'm', 0, 0, 0, %(now)s, %(now)s) RETURNING id",
            {"list_id": made},
        )
        for position in range(1, leads + 1):
            number = f"+1212555{position:04d}"
            number_id = _id(
                db,
                "INSERT INTO numbers (fingerprint, number_sealed, key_id, zones, states,"
                " created_at) VALUES (%(fingerprint)s, %(sealed)s, 'k', '{}', '{}', %(now)s)"
                " ON CONFLICT (fingerprint) DO UPDATE SET key_id = 'k' RETURNING id",
                {
                    "fingerprint": keyring.fingerprint(number),
                    "sealed": keyring.encrypt(number.encode()),
                },
            )
            db.execute(
                "INSERT INTO leads (list_id, number_id, run_id, line, position, zones, states,"
                " country, created_at) VALUES (%(list_id)s, %(number_id)s, %(run_id)s,"
                " %(position)s, %(position)s, '{America/New_York}', '{NY}', 'US', %(now)s)",
                {
                    "list_id": made,
                    "number_id": number_id,
                    "run_id": run,
                    "position": position,
                    "now": NOW,
                },
            )
    return made


def login(url: str, role: str, keyring: Keyring) -> str:
    """The address with the login of that role."""
    parts = urlsplit(url)
    user = role_name(parts.path.lstrip("/"), role)
    place = parts.netloc.rpartition("@")[2]
    password = quote(keyring.password_for(role), safe="")
    return urlunsplit(parts._replace(netloc=f"{user}:{password}@{place}"))


def _id(db: Db, statement: str, values: dict[str, Any]) -> Any:
    row = db.execute(statement, {"now": NOW, **values}).fetchone()
    assert row is not None
    return row["id"]
