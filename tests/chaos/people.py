"""Who is called in a run: leads in bulk, the campaign file, and people who say no."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import yaml

from voice_ai.campaigns import parse_campaign
from voice_ai.db.connect import Db
from voice_ai.store.campaigns import create_campaign
from voice_ai.store.leads import suppress_number
from voice_ai.vault import Keyring

SELLER = "Acme"
# Outcomes that come back are tried again within the run; how often is what I2 checks.
_RULES: dict[str, dict[str, Any]] = {
    # Whatever is done to the machine, nobody is lost for want of a further try.
    "not_dialed": {"delays_s": [2, 3], "most": 1000},
    "failed_transient": {"delays_s": [2], "most": 2},
    "busy": {"delays_s": [600], "most": 1},
    "no_answer": {"delays_s": [600], "most": 1},
    "canceled": {"delays_s": [600], "most": 2},
    "human_hangup": {"delays_s": [600], "most": 1},
    "abandoned": {"delays_s": [600], "most": 1},
    "machine": {"delays_s": [600], "most": 1},
    "conversed_no_goal": {"delays_s": [600], "most": 1},
    "callback_requested": {"delays_s": [600], "most": 1},
    "dead_air": {"delays_s": [600], "most": 1},
}
# Whatever part of the day it is: a run is shorter than one.
RETRIES = {
    outcome: {"most_per_day": None, "other_day_part": False, **rule}
    for outcome, rule in _RULES.items()
}
MOST = {outcome: int(rule["most"]) for outcome, rule in RETRIES.items()}


@dataclass(frozen=True)
class Person:
    lead_id: int
    number_id: int
    number: str


def campaign_file(
    name: str,
    leads: str,
    *,
    concurrent: int,
    per_second: float,
    seller: str = SELLER,
    **more: Any,
) -> dict[str, Any]:
    """The campaign file of every run: the one place where it is written."""
    return {
        "name": name,
        "seller": {
            "name": seller,
            "legal_name": f"{seller} Ltd",
            "callback_number": "+12125550999",
        },
        "list": leads,
        "script": "satisfaction_survey",
        # A number to call from belongs to one seller.
        "caller_ids": [f"+121255501{len(seller):02}", f"+121255502{len(seller):02}"],
        "pacing": {
            "max_concurrent": concurrent,
            "calls_per_second": per_second,
            "ring_timeout_s": 15,
        },
        # The law's own window, so that more hours of a run count.
        "policy": "law",
        "retries": {"max_attempts": 8, "cool_down_days": 0, "rules": RETRIES},
        "detect_machines": False,
        **more,
    }


def make_campaign(
    db: Db, keyring: Keyring, document: dict[str, Any], now: datetime, *, running: bool = True
) -> UUID:
    parsed = parse_campaign(yaml.safe_dump(document), source="chaos", folder=Path())
    made = create_campaign(db, keyring, parsed, by="chaos", now=now, rehearsal=True)
    if running:
        db.execute("UPDATE campaigns SET state = 'running' WHERE id = %s", (made.id,))
    return UUID(str(made.id))


def make_people(
    db: Db,
    keyring: Keyring,
    name: str,
    count: int,
    now: datetime,
    *,
    first: int = 0,
    seller: str = SELLER,
    zones: Sequence[Sequence[str]] = (("America/New_York",),),
    last_first: bool = False,
) -> list[Person]:
    """A list of `count` people with numbers from `first` on; the zones go round.

    `last_first`: the highest number is called first.
    """
    numbers = [f"+1212{2_000_000 + first + place:07}" for place in range(count)]
    if last_first:
        numbers.reverse()
    with db.transaction():
        values = {
            "name": name,
            "seller": seller,
            "now": now,
            "prints": keyring.fingerprints(numbers),
            "sealed": keyring.encrypt_many(number.encode() for number in numbers),
            "key_id": keyring.key_id,
            "zones": ["{" + ",".join(zones[place % len(zones)]) + "}" for place in range(count)],
        }
        db.execute(_SELLER, values)
        row = db.execute(_LIST, values).fetchone()
        assert row is not None
        values["list_id"] = row["id"]
        run = db.execute(_RUN, values).fetchone()
        assert run is not None
        values["run_id"] = run["id"]
        db.execute(_NUMBERS, values)
        rows = db.execute(_LEADS, values).fetchall()
    made = {row["position"]: row for row in rows}
    return [
        Person(made[place]["id"], made[place]["number_id"], number)
        for place, number in enumerate(numbers, start=1)
    ]


def say_no(db: Db, keyring: Keyring, number: str, now: datetime) -> None:
    """The product's own way; returns when no request to the number is on its way."""
    suppress_number(db, keyring, number, seller=SELLER, reason="opt_out", source="page", now=now)


def in_any_format(number: str, draws: random.Random) -> str:
    """As people write them."""
    area, exchange, line = number[2:5], number[5:8], number[8:]
    return draws.choice(
        [
            number,
            f"({area}) {exchange}-{line}",
            f"{area}-{exchange}-{line}",
            f"{area}.{exchange}.{line}",
            f"1 {area} {exchange} {line}",
            f" +1 {area} {exchange}{line} ",
        ]
    )


def real_now() -> datetime:
    return datetime.now(UTC)


_SELLER = """
INSERT INTO sellers (name, legal_name, rehearsal, created_at)
VALUES (%(seller)s, %(seller)s, true, %(now)s) ON CONFLICT (name) DO NOTHING
"""
_LIST = """
INSERT INTO lead_lists (seller_id, name, consent_kind, rehearsal, created_at)
SELECT id, %(name)s, 'rehearsal', true, %(now)s FROM sellers WHERE name = %(seller)s RETURNING id
"""
_RUN = """
INSERT INTO import_runs (list_id, file_name, file_sha256, mapping_sha256, rows_read, rows_accepted,
    rows_rejected, started_at, finished_at)
VALUES (%(list_id)s, 'chaos.csv', %(name)s, '0', 0, 0, 0, %(now)s, %(now)s) RETURNING id
"""
_NUMBERS = """
INSERT INTO numbers (fingerprint, number_sealed, key_id, zones, states, created_at)
SELECT n.fingerprint, n.sealed, %(key_id)s, '{}', '{}', %(now)s
FROM unnest(%(prints)s::bytea[], %(sealed)s::bytea[]) AS n(fingerprint, sealed)
ON CONFLICT (fingerprint) DO NOTHING
"""
_LEADS = """
INSERT INTO leads (list_id, number_id, run_id, line, position, zones, states, country, created_at)
SELECT %(list_id)s, n.id, %(run_id)s, p.place + 1, p.place, p.zones::text[], '{NY}', 'US', %(now)s
FROM unnest(%(prints)s::bytea[], %(zones)s::text[]) WITH ORDINALITY
     AS p(fingerprint, zones, place)
JOIN numbers n ON n.fingerprint = p.fingerprint
RETURNING id, number_id, position
"""
