"""Sellers, lists, leads and campaigns in a database, as an import and a campaign file make them."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit
from uuid import UUID

import orjson
import yaml

from voice_ai.campaigns import CampaignConfig, parse_campaign
from voice_ai.db import queries
from voice_ai.db.connect import Db, connect
from voice_ai.ids import CampaignId
from voice_ai.store.campaigns import create_campaign, ensure_number
from voice_ai.vault import Keyring

# 14:00 in New York on a Tuesday: the whole mainland may be called.
NOW = datetime(2026, 11, 24, 19, 0, tzinfo=UTC)
NEW_YORK = ("America/New_York",)
CALLBACK_NUMBER = "+12125550999"

# Campaign fields for the law's own window, where campaigns may choose a stricter profile.
LAW: dict[str, Any] = {"policy": "law"} if "policy" in CampaignConfig.model_fields else {}

_CAMPAIGNS = queries("campaigns")
_numbers = itertools.count(2_000_000)


@dataclass(frozen=True)
class Lead:
    id: int
    number_id: int
    number: str


def phone_number() -> str:
    """A number in E.164 that no other call of this function gave out."""
    return f"+1212{next(_numbers):07}"


def login_url(owner_url: str, role: str, keyring: Keyring) -> str:
    """The same database with the login of a role; test databases share the template's roles."""
    parts = urlsplit(owner_url)
    place = parts.netloc.rpartition("@")[2]
    user = f"voice_ai_{role}:{quote(keyring.password_for(role), safe='')}"
    return urlunsplit(parts._replace(netloc=f"{user}@{place}"))


class Office:
    """Where people prepare what the dialer then calls; `db` is the owner's connection."""

    def __init__(self, owner_url: str, keyring: Keyring, now: datetime = NOW) -> None:
        self.db: Db = connect(owner_url, name="test office", autocommit=True)
        self.keyring = keyring
        self.now = now
        self._caller_ids: dict[str, list[str]] = {}

    def __enter__(self) -> "Office":
        return self

    def __exit__(self, *problem: object) -> None:
        self.db.close()

    def seller(self, name: str = "Acme", *, rehearsal: bool = True) -> UUID:
        facts = {"name": name, "legal_name": f"{name} Ltd", "rehearsal": rehearsal}
        return UUID(str(self._one(_CAMPAIGNS.upsert_seller, {**facts, "now": self.now})["id"]))

    def leads(
        self,
        count: int = 3,
        *,
        seller: str = "Acme",
        name: str = "spring",
        numbers: Sequence[str] | None = None,
        zones: Sequence[str] = NEW_YORK,
        states: Sequence[str] = ("NY",),
        country: str | None = "US",
        consent: str | None = "rehearsal",
        rehearsal: bool = True,
    ) -> list[Lead]:
        """A list of new leads in that order, with these `numbers` or with fresh ones."""
        lead_list = self._insert(
            "lead_lists",
            seller_id=self.seller(seller, rehearsal=rehearsal),
            name=name,
            consent_kind=consent,
            rehearsal=rehearsal,
            created_at=self.now,
        )
        run = self._insert(
            "import_runs",
            list_id=lead_list,
            file_name="leads.csv",
            file_sha256=name,
            mapping_sha256="0",
            rows_read=count,
            rows_accepted=count,
            rows_rejected=0,
            started_at=self.now,
            finished_at=self.now,
        )
        return [
            self._lead(lead_list, run, place, number, zones, states, country)
            for place, number in enumerate(numbers or [phone_number() for _ in range(count)])
        ]

    def campaign(
        self,
        name: str = "Spring",
        *,
        seller: str = "Acme",
        leads: str = "spring",
        start: bool = True,
        rehearsal: bool = True,
        **config: Any,
    ) -> CampaignId:
        """A campaign made from YAML by the product's own code, running unless told otherwise."""
        # A number to call from belongs to one seller.
        caller_ids = self._caller_ids.setdefault(seller, [phone_number(), phone_number()])
        document = {
            "name": name,
            "seller": {
                "name": seller,
                "legal_name": f"{seller} Ltd",
                "callback_number": CALLBACK_NUMBER,
            },
            "list": leads,
            "script": "satisfaction_survey",
            "caller_ids": caller_ids,
            **config,
        }
        parsed = parse_campaign(yaml.safe_dump(document), source="test", folder=Path())
        made = create_campaign(
            self.db, self.keyring, parsed, by="test", now=self.now, rehearsal=rehearsal
        )
        if start:
            self.set_state(made.id, "running")
        return made.id

    def set_state(self, campaign_id: CampaignId, state: str) -> None:
        self.db.execute("UPDATE campaigns SET state = %s WHERE id = %s", (state, campaign_id))

    def suppress(self, number_id: int, seller: str = "Acme") -> None:
        self.db.execute(
            "INSERT INTO suppressions (number_id, scope, seller_id, source, reason, created_at)"
            " SELECT %s, 'seller', id, 'page', 'opt_out', %s FROM sellers WHERE name = %s",
            (number_id, self.now, seller),
        )

    def switch_off(self, kind: str, key: str) -> None:
        self._insert("switches", kind=kind, key=key, reason="test", set_by="test", set_at=self.now)

    def rows(self, query: str, *values: Any) -> list[dict[str, Any]]:
        return self.db.execute(query, values).fetchall()

    def row(self, query: str, *values: Any) -> dict[str, Any]:
        return self._one(query, values)

    def attempt(self, attempt_id: UUID) -> dict[str, Any]:
        return self.row("SELECT * FROM attempts WHERE id = %s", attempt_id)

    def lead(self, lead_id: int) -> dict[str, Any]:
        return self.row("SELECT * FROM campaign_leads WHERE lead_id = %s", lead_id)

    def events(self, attempt_id: UUID) -> list[dict[str, Any]]:
        return self.rows("SELECT * FROM call_events WHERE attempt_id = %s ORDER BY seq", attempt_id)

    def kinds(self, attempt_id: UUID) -> list[str]:
        return [event["kind"] for event in self.events(attempt_id)]

    def _lead(
        self,
        lead_list: Any,
        run: Any,
        place: int,
        number: str,
        zones: Sequence[str],
        states: Sequence[str],
        country: str | None,
    ) -> Lead:
        number_id = ensure_number(self.db, self.keyring, number, self.now)
        lead_id = self._insert(
            "leads",
            list_id=lead_list,
            number_id=number_id,
            run_id=run,
            line=place + 2,
            position=place,
            zones=list(zones),
            states=list(states),
            country=country,
            person_sealed=self.keyring.encrypt(orjson.dumps({"name": f"Person {place}"})),
            created_at=self.now,
        )
        return Lead(int(lead_id), number_id, number)

    def _insert(self, table: str, **columns: Any) -> Any:
        names = ", ".join(columns)
        marks = ", ".join(f"%({name})s" for name in columns)
        return self._one(f"INSERT INTO {table} ({names}) VALUES ({marks}) RETURNING id", columns)[
            "id"
        ]

    def _one(self, query: str, values: Any) -> dict[str, Any]:
        row = self.db.execute(query, values).fetchone()
        assert row is not None
        return row
