"""Writes a generated history into a home's database, as finished rehearsals; a sync then brings it
into the lake. One transaction: all of it or nothing.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import polars as pl
from psycopg.types.json import Jsonb

from pipelines import samples
from pipelines.generate import home_rows, planted
from pipelines.generate.frames import Campaign
from pipelines.generate.history import Part, history
from pipelines.generate.plan import SELLER, Ask, Planned, campaigns
from pipelines.generate.standing import prices, standing_rows
from voice_ai.campaigns import parse_campaign
from voice_ai.db import queries
from voice_ai.db.connect import Db, connect
from voice_ai.errors import Refused
from voice_ai.store.campaigns import ensure_number
from voice_ai.vault import Keyring

BY = "voice-ai generate"
_CAMPAIGNS = queries("campaigns")
_SQL = queries("generate")
# Area code 555 is given to nobody, so nobody has these numbers.
_NUMBER = "+1555{:07}"
_FIRST_NUMBER = 2_000_000


@dataclass(frozen=True)
class Written:
    """Rows that were written, by table of the database."""

    rows: dict[str, int]


def write(
    url: str,
    keyring: Keyring,
    ask: Ask,
    *,
    done: Callable[[int], None] = lambda calls: None,
) -> Written:
    """`url`: the owner's. Raises Refused where a campaign of one of the names is there."""
    with connect(url, name="voice-ai generate") as db:
        home = _Home(db, keyring, ask)
        for part in history(ask):
            home.add(part)
            done(part.rows["attempts"].height if "attempts" in part.rows else 0)
        home.close()
        return Written(home.written)


class _Home:
    """One generation inside its transaction. Ids of numbers and leads go on from the end of what is
    there, under a lock, so that rows can be copied with them."""

    def __init__(self, db: Db, keyring: Keyring, ask: Ask) -> None:
        self._db, self._keyring = db, keyring
        self.written: dict[str, int] = {}
        plans = campaigns(ask)
        self._refuse_taken(plans)
        db.execute(_SQL.hold_tables)
        self._from = self._one(_SQL.last_ids)
        self._start = min(plan.created_at for plan in plans)
        self._seller = self._seller_id()
        self._lists = {name: self._list_id(name) for name in planted.LISTS}
        self._worker = self._one(_SQL.worker, now=self._start)["id"]
        self._callers: dict[str, dict[str, int]] = {}
        for item in prices(plans):
            db.execute(_SQL.price_unless_known, item)

    def add(self, part: Part) -> None:
        if part.first:
            self._begin(part.of)
        rows = part.rows
        if "attempts" in rows:
            self._db.execute(_SQL.partition, {"month": part.month})
            callers = self._callers[part.of.plan.id]
            ids = home_rows.Ids(self._lead(1), self._number(1), callers, str(self._worker))
            for table, frame in home_rows.of_month(rows, ids).items():
                self._copy(table, frame)
        if part.last:
            self._end(part.of)

    def close(self) -> None:
        self._db.execute(_SQL.set_sequences)
        self._db.commit()
        self._db.execute(_SQL.analyze)

    def _begin(self, of: Campaign) -> None:
        plan = of.plan
        callers = self._caller_ids(plan)
        parsed = parse_campaign(_campaign_yaml(plan, callers), source=BY, folder=Path())
        lines = {number: self._number_of(number, plan.created_at) for number in callers}
        values = {
            "id": plan.id, "seller_id": self._seller, "name": plan.name, "now": plan.created_at,
            "list_id": self._lists[planted.LISTS[0]], "ended_at": of.last, "by": BY,
            "config": Jsonb(parsed.stored_config()), "script": parsed.script_text,
            "script_name": parsed.config.script, "caller_ids": list(lines.values()),
            "sha256": parsed.sha256,
        }  # fmt: skip
        self._db.execute(_SQL.campaign, values)
        self._db.execute(_SQL.campaign_version, values)
        self._callers[plan.id] = dict(zip(plan.caller_ids, lines.values(), strict=True))
        for label, number in self._callers[plan.id].items():
            self._db.execute(
                _SQL.caller_id,
                {"id": number, "seller_id": self._seller, "label": label, "now": plan.created_at},
            )
        self._people(of)

    def _people(self, of: Campaign) -> None:
        standing = standing_rows(of)
        leads = standing["leads"]
        numbers = self._numbers(leads)
        self._copy("numbers", numbers)
        runs = {name: self._run(of, name, leads) for name in planted.LISTS}
        offset = self._lead(1) - 1
        self._copy("leads", home_rows.leads(leads, numbers["id"], offset, self._lists, runs))
        if of.plan.experiment:
            self._db.execute(
                _SQL.experiment,
                {
                    "id": of.plan.experiment_id, "campaign_id": of.plan.id,
                    "name": of.plan.experiment, "now": of.plan.created_at,
                    "arms": Jsonb(dict.fromkeys(planted.ARMS, 0.5)),
                },
            )  # fmt: skip
            assigned = standing["assignments"].with_columns(pl.col("lead_id") + offset)
            self._copy("assignments", assigned.select(home_rows.ASSIGNED))

    def _end(self, of: Campaign) -> None:
        """Where every lead stands, and who said no."""
        offset = self._lead(1) - 1
        self._copy("campaign_leads", home_rows.standings(of, offset, self._number(1) - 1))
        said = self._db.execute(
            _SQL.suppress, {"campaign_id": of.plan.id, "seller_id": self._seller}
        )
        self._tell("suppressions", said.rowcount)

    def _numbers(self, leads: pl.DataFrame) -> pl.DataFrame:
        ids = leads["lead_id"] - 1 + self._number(1)
        spoken = [_NUMBER.format(_FIRST_NUMBER + number % 7_999_999) for number in ids]
        return leads.select(
            ids.alias("id"),
            pl.Series("fingerprint", self._keyring.fingerprints(spoken)),
            pl.Series("number_sealed", self._keyring.encrypt_many([n.encode() for n in spoken])),
            pl.lit(self._keyring.key_id).alias("key_id"),
            "person_key",
            "country",
            "line_type",
            "zones",
            "states",
            pl.col("imported_at").alias("created_at"),
        )

    def _run(self, of: Campaign, name: str, leads: pl.DataFrame) -> UUID:
        count = leads.filter(pl.col("list") == name).height
        at = of.plan.created_at
        sha = hashlib.sha256(f"{of.plan.id} {name}".encode()).hexdigest()
        values = {"list_id": self._lists[name], "sha256": sha, "rows": count, "now": at}
        found: UUID = self._one(_SQL.import_run, **values, report=Jsonb({"generated": count}))["id"]
        return found

    def _caller_ids(self, plan: Planned) -> dict[str, str]:
        """Numbers of the sample's kind that nobody has taken, by number; the values are labels."""
        found: dict[str, str] = {}
        for line in reversed(range(samples.LINES)):
            number = samples.caller_id(line)
            taken = self._db.execute(
                _SQL.is_taken, {"fingerprint": self._keyring.fingerprint(number)}
            ).fetchone()
            if taken is None and len(found) < len(plan.caller_ids):
                found[number] = plan.caller_ids[len(found)]
        if len(found) < len(plan.caller_ids):
            raise Refused("this home has no made-up number left to call from; use a new home")
        return found

    def _number_of(self, number: str, at: datetime) -> int:
        return ensure_number(self._db, self._keyring, number, at)

    def _seller_id(self) -> Any:
        row = self._one(
            _CAMPAIGNS.upsert_seller,
            name=SELLER, legal_name=SELLER, rehearsal=True, now=self._start,
        )  # fmt: skip
        return row["id"]

    def _list_id(self, name: str) -> Any:
        values = {"seller_id": self._seller, "name": name, "now": self._start, "by": BY}
        return self._one(_SQL.lead_list, **values)["id"]

    def _refuse_taken(self, plans: list[Planned]) -> None:
        names = [plan.name for plan in plans]
        row = self._db.execute(_SQL.taken_names, {"names": names}).fetchone()
        if row is not None:
            raise Refused(
                f"there is a campaign named {row['name']!r} already; generate with another --seed,"
                " or into a home of its own (VOICE_AI_HOME=some-folder)"
            )

    def _lead(self, place: int) -> int:
        return int(self._from["lead"]) + place

    def _number(self, place: int) -> int:
        return int(self._from["number"]) + place

    def _copy(self, table: str, frame: pl.DataFrame) -> None:
        columns = ", ".join(f'"{name}"' for name in frame.columns)
        statement = f"COPY {table} ({columns}) FROM STDIN (FORMAT csv)"
        with self._db.cursor().copy(statement.encode()) as copy:
            copy.write(home_rows.as_csv(frame))
        self._tell(table, frame.height)

    def _tell(self, table: str, count: int) -> None:
        self.written[table] = self.written.get(table, 0) + count

    def _one(self, query: str, **values: Any) -> Any:
        row = self._db.execute(query, values).fetchone()
        assert row is not None
        return row


def _campaign_yaml(plan: Planned, callers: dict[str, str]) -> str:
    made = samples.campaign_yaml(plan.name, seller=SELLER, leads=planted.LISTS[0])
    lines = [line for line in made.splitlines() if not line.startswith(("caller_ids", "script"))]
    quoted = ", ".join(f'"{number}"' for number in callers)
    return "\n".join([*lines, f"script: {plan.script}", f"caller_ids: [{quoted}]", ""])
