"""What handing over one call goes by, opened: script, rules, and whom to ask."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

import orjson

from voice_ai.conversation.graph import Script
from voice_ai.conversation.prompts import render, resolve_slots
from voice_ai.conversation.script import load_script
from voice_ai.db import queries
from voice_ai.db.connect import AsyncDb
from voice_ai.errors import BadInput
from voice_ai.ids import AttemptId
from voice_ai.transfers import Rules
from voice_ai.vault import Keyring

_SQL = queries("transfers")
_BESIDES_S = 600


@dataclass(frozen=True)
class Facts:
    """`colleagues` and `caller_id` are numbers in E.164, for the carrier and for nobody else."""

    campaign_id: UUID
    stopped: bool
    rules: Rules
    script: Script
    slots: Mapping[str, str]
    colleagues: tuple[str, ...]
    caller_id: str
    carrier_sid: str | None
    calls_per_second: float

    @property
    def max_s(self) -> int:
        """How long the call may last in all: ringing, waiting and being sorry come on top."""
        return self.rules.max_talk_s + _BESIDES_S

    @property
    def about(self) -> str:
        """What a colleague is told when nothing is known of the conversation."""
        seller = self.slots.get("seller", "")
        return f"A call about {self.script.name.replace('_', ' ')} for {seller}."

    def line(self, name: str) -> str:
        template = str(getattr(self.script.lines, name))
        return render(self.script, f"lines.{name}", template, self.slots)[0]


async def read_facts(db: AsyncDb, keyring: Keyring, attempt_id: AttemptId) -> Facts | None:
    row = await (await db.execute(_SQL.facts, {"attempt_id": attempt_id})).fetchone()
    if row is None:
        return None
    script = load_script(row["script"], source=row["script_name"])
    person = orjson.loads(keyring.decrypt(row["person_sealed"])) if row["person_sealed"] else {}
    callback = keyring.decrypt(row["callback_sealed"]).decode() if row["callback_sealed"] else None
    given = {
        **(row["slots"] or {}),
        "seller": row["legal_name"],
        "callback_number": callback,
        "lead_name": person.get("name") or person.get("company"),
    }
    try:
        slots = resolve_slots(script, given)
    except BadInput:  # a lead's own value is missing: the conversation could not begin either
        slots = {"seller": row["legal_name"]}
    return Facts(
        campaign_id=row["campaign_id"],
        stopped=row["campaign_state"] == "emergency_stopped",
        rules=Rules.model_validate(row["rules"] or {}),
        script=script,
        slots=slots,
        colleagues=tuple(keyring.decrypt(each).decode() for each in row["colleagues_sealed"]),
        caller_id=keyring.decrypt(row["caller_id_sealed"]).decode(),
        carrier_sid=row["carrier_sid"],
        calls_per_second=row["calls_per_second"] or 1.0,
    )
