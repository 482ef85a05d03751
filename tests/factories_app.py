"""A seeded campaign in a database: what pages, reports and flows are tried on."""

import random
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg import sql

from voice_ai.db.connect import Db

START = datetime(2026, 11, 24, 19, 0, tzinfo=UTC)
ZONES: tuple[list[str], ...] = (
    ["America/New_York"],
    ["America/Chicago"],
    ["America/Los_Angeles"],
    [],
)
STATUS_OF = {
    "no_answer": "no-answer",
    "busy": "busy",
    "failed_permanent": "failed",
    "failed_transient": "failed",
    "canceled": "canceled",
    "not_dialed": None,
}
OUTCOMES = {
    "goal": 14,
    "conversed_no_goal": 10,
    "callback_requested": 4,
    "not_interested": 5,
    "opt_out": 4,
    "wrong_number": 2,
    "human_hangup": 9,
    "machine": 22,
    "no_answer": 20,
    "busy": 6,
    "failed_permanent": 2,
    "failed_transient": 1,
    "canceled": 1,
    "not_dialed": 1,
}
CONVERSED = {
    "goal",
    "conversed_no_goal",
    "callback_requested",
    "not_interested",
    "opt_out",
    "wrong_number",
}
EMOTIONS = {"neutral": 50, "joy": 20, "anger": 9, "sadness": 5, "fear": 3, "surprise": 8}
REASONS = (
    ["HOURS_CLOSED"],
    ["DNC_INTERNAL"],
    ["FREQ_GAP", "HOURS_CLOSED"],
    ["CONSENT_MISSING"],
)


class CampaignFactory:
    """Writes one campaign; the same seed writes the same rows (ids apart)."""

    def __init__(self, db: Db, *, seed: int = 7, start: datetime = START) -> None:
        self.db = db
        self.draw = random.Random(seed)
        self.start = start

    def campaign(
        self,
        name: str = "Spring survey",
        *,
        leads: int = 60,
        dialed: int = 40,
        live: int = 3,
        rehearsal: bool = True,
    ) -> UUID:
        """`dialed` leads have ended attempts, `live` more are in a call, a few are refused."""
        with self.db.transaction():
            campaign, seller = self._frame_of(name, rehearsal=rehearsal)
            pairs = self._leads(campaign, seller, name, leads)
            worker = self._insert(
                "workers",
                kind="dialer",
                host="test",
                pid=1,
                lock_key=1,
                started_at=self.start,
                seen_at=self.start,
            )
            for place, pair in enumerate(pairs[:dialed]):
                self._dials(campaign, worker, pair, place, rehearsal=rehearsal)
            for place, pair in enumerate(pairs[dialed : dialed + live]):
                self._live(campaign, worker, pair, place, rehearsal=rehearsal)
            for place, pair in enumerate(pairs[dialed + live :: 3]):
                self._decide(
                    campaign, pair, REASONS[place % len(REASONS)], place, rehearsal=rehearsal
                )
        return campaign

    def _frame_of(self, name: str, *, rehearsal: bool) -> tuple[UUID, UUID]:
        seller = self._insert(
            "sellers",
            name=f"{name} seller",
            legal_name="Example Surveys Ltd",
            rehearsal=rehearsal,
            created_at=self.start,
        )
        leads = self._insert(
            "lead_lists",
            seller_id=seller,
            name=f"{name} list",
            rehearsal=rehearsal,
            created_at=self.start,
        )
        campaign = self._insert(
            "campaigns",
            seller_id=seller,
            name=name,
            state="running",
            version=1,
            list_id=leads,
            rehearsal=rehearsal,
            created_at=self.start,
            state_since=self.start,
        )
        self._insert(
            "campaign_versions",
            returning=None,
            campaign_id=campaign,
            version=1,
            script="name: survey",
            script_name="satisfaction_survey",
            caller_ids=[],
            config_sha256="0" * 64,
            created_by="test",
            created_at=self.start,
        )
        return campaign, leads

    def _leads(
        self, campaign: UUID, list_id: UUID, name: str, leads: int
    ) -> list[tuple[int, int, list[str]]]:
        run = self._import_run(list_id, name, leads)
        pairs = []
        for place in range(leads):
            zones = ZONES[self.draw.choices(range(4), (5, 3, 3, 1))[0]]
            shared: dict[str, Any] = {"zones": zones, "states": [], "created_at": self.start}
            number = self._insert(
                "numbers", fingerprint=f"{name}-{place}".encode(), key_id="00000000", **shared
            )
            lead = self._insert(
                "leads",
                list_id=list_id,
                number_id=number,
                run_id=run,
                line=place + 2,
                position=place,
                **shared,
            )
            self._insert(
                "campaign_leads",
                returning=None,
                campaign_id=campaign,
                lead_id=lead,
                number_id=number,
                state="ready",
                priority=0.0,
                position=place,
                attempts=0,
                updated_at=self.start,
            )
            pairs.append((lead, number, zones))
        return pairs

    def _import_run(self, list_id: UUID, name: str, leads: int) -> UUID:
        run: UUID = self._insert(
            "import_runs",
            list_id=list_id,
            file_name="leads.csv",
            file_sha256=name,
            mapping_sha256="0" * 64,
            rows_read=leads,
            rows_accepted=leads,
            rows_rejected=0,
            started_at=self.start,
            finished_at=self.start,
        )
        return run

    def _dials(
        self,
        campaign: UUID,
        worker: UUID,
        pair: tuple[int, int, list[str]],
        place: int,
        *,
        rehearsal: bool,
    ) -> None:
        for number in range(1, self.draw.choice((1, 1, 2)) + 1):
            disposition = self.draw.choices(list(OUTCOMES), list(OUTCOMES.values()))[0]
            begun = self.start + timedelta(seconds=place * 11 + number * 240)
            self._decide(campaign, pair, [], place, rehearsal=rehearsal, at=begun)
            attempt = self._attempt(
                campaign,
                worker,
                pair,
                number,
                begun,
                rehearsal=rehearsal,
                state="ended",
                ended_at=begun + timedelta(seconds=self.draw.uniform(4, 90)),
                disposition=disposition,
                carrier_status=STATUS_OF.get(disposition, "completed"),
            )
            if disposition in CONVERSED:
                self._talk(attempt, begun, self.draw.randint(2, 7))
            if disposition == "opt_out":
                later = begun + timedelta(minutes=2)
                refused = ["DNC_INTERNAL"]
                self._decide(campaign, pair, refused, place, rehearsal=rehearsal, at=later)
                break

    def _live(
        self,
        campaign: UUID,
        worker: UUID,
        pair: tuple[int, int, list[str]],
        place: int,
        *,
        rehearsal: bool,
    ) -> None:
        state, status = (("in_progress", "in-progress"), ("ringing", "ringing"), ("unknown", None))[
            place % 3
        ]
        begun = self.start + timedelta(seconds=700 + place)
        self._decide(campaign, pair, [], place, rehearsal=rehearsal)
        self._attempt(
            campaign,
            worker,
            pair,
            1,
            begun,
            rehearsal=rehearsal,
            state=state,
            carrier_status=status,
        )

    def _attempt(
        self,
        campaign: UUID,
        worker: UUID,
        pair: tuple[int, int, list[str]],
        number: int,
        begun: datetime,
        *,
        rehearsal: bool,
        **columns: Any,
    ) -> UUID:
        attempt = UUID(int=self.draw.getrandbits(128), version=4)
        self._insert(
            "attempts",
            returning=None,
            id=attempt,
            month=date(begun.year, begun.month, 1),
            campaign_id=campaign,
            lead_id=pair[0],
            number_id=pair[1],
            attempt_no=number,
            caller_id_number=1,
            worker_id=worker,
            event_seq=1,
            version=1,
            slot_at=begun,
            intended_at=begun,
            late=False,
            rehearsal=rehearsal,
            **columns,
        )
        return attempt

    def _talk(self, attempt: UUID, begun: datetime, exchanges: int) -> None:
        for index in range(2 * exchanges + 1):
            caller = index % 2 == 1
            at = begun + timedelta(seconds=3 * index)
            measured = not caller and index > 0 and self.draw.random() > 0.1
            self._insert(
                "turns",
                returning=None,
                attempt_id=attempt,
                index=index,
                speaker="caller" if caller else "agent",
                text_redacted="…",
                started_at=at,
                ended_at=at + timedelta(seconds=2),
                response_ms=self.draw.lognormvariate(6.2, 0.5) if measured else None,
            )
            if caller and self.draw.random() > 0.05:
                emotion = self.draw.choices(list(EMOTIONS), list(EMOTIONS.values()))[0]
                self._insert(
                    "model_predictions",
                    returning=None,
                    attempt_id=attempt,
                    turn_index=index,
                    task="emotion",
                    model_name="voice-ai-emotion",
                    model_version="1",
                    label=emotion,
                    score=0.8,
                    predicted_at=at,
                )

    def _decide(
        self,
        campaign: UUID,
        pair: tuple[int, int, list[str]],
        reasons: list[str],
        place: int,
        *,
        rehearsal: bool,
        at: datetime | None = None,
    ) -> None:
        self._insert(
            "decisions",
            returning=None,
            campaign_id=campaign,
            lead_id=pair[0],
            number_id=pair[1],
            stage="claim",
            allow=not reasons,
            reasons=reasons,
            policy_hash="0" * 64,
            decided_at=at or self.start + timedelta(seconds=place),
            rehearsal=rehearsal,
        )

    def _insert(self, table: str, *, returning: str | None = "id", **columns: Any) -> Any:
        names = sql.SQL(", ").join(map(sql.Identifier, columns))
        values = sql.SQL(", ").join(map(sql.Placeholder, columns))
        query = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
            sql.Identifier(table), names, values
        )
        if returning is None:
            self.db.execute(query, columns)
            return None
        row = self.db.execute(
            query + sql.SQL(" RETURNING {}").format(sql.Identifier(returning)), columns
        ).fetchone()
        assert row is not None
        return row[returning]
