"""The send gate: from the last check to the carrier's answer, under two shared advisory locks.

A stop takes the campaign's lock exclusively, a suppression the number's. So when either of them
has returned, no request that was checked before it is still on its way (DESIGN, section 6).
"""

from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from dialer import journal
from dialer.carrier import (
    Carrier,
    CarrierSilent,
    DialRequest,
    FailureKind,
    PlaceAnswer,
    Placed,
    Rejected,
    Unanswered,
)
from dialer.facts import (
    Row,
    StoredCampaign,
    ask_facts,
    ask_switches,
    facts_of,
    is_stopped,
    lead_facts,
)
from dialer.intents import Intent
from dialer.ledger import write_decisions
from voice_ai.calls import AttemptState, Reading, has_missed_its_turn, is_too_old
from voice_ai.clock import Clock
from voice_ai.compliance import decide
from voice_ai.db.connect import AsyncDb, Pool
from voice_ai.events import DialUnknown
from voice_ai.ids import AttemptId
from voice_ai.vault import Keyring

log = structlog.get_logger()

# A connection is at hand this long before the turn: getting one may take as long as a turn lasts.
_READY_BEFORE_S = 0.1

_SHARED_LOCKS = """
SELECT pg_try_advisory_xact_lock_shared(hashtextextended('campaign:' || %(campaign)s::text, 0))
   AND pg_try_advisory_xact_lock_shared(hashtextextended('number:' || %(number)s::text, 0)) AS held
"""
_NUMBERS = "SELECT id, number_sealed FROM numbers WHERE id IN (%(number)s, %(caller_id)s)"
_NUMBER_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('number:' || %(number)s::text, 0))"


@dataclass(frozen=True)
class _Seen:
    """What the last check looks at. `facts` None: the lead's import was taken back."""

    locked: bool
    facts: Row | None
    switches: list[Row]
    numbers: dict[int, bytes]


@dataclass(frozen=True)
class Gate:
    """Sends intents; `pool` has a connection for every request that may be on its way at once."""

    pool: Pool
    carrier: Carrier
    clock: Clock
    keyring: Keyring

    async def send(self, intent: Intent, campaign: StoredCampaign) -> PlaceAnswer | None:
        """Waits for the intent's turn, checks, asks the carrier once, writes its answer.

        None when the last check said no: then nothing was sent.
        """
        turn = intent.slot_at
        await self.clock.sleep((turn - self.clock.now()).total_seconds() - _READY_BEFORE_S)
        async with self.pool.connection() as db:
            await self.clock.sleep((turn - self.clock.now()).total_seconds())
            wanted, answer = await self._at_its_turn(db, intent, campaign)
        if isinstance(answer, Placed) and not wanted:
            await self._end(answer)
        return answer

    async def _at_its_turn(
        self, db: AsyncDb, intent: Intent, campaign: StoredCampaign
    ) -> tuple[bool, PlaceAnswer | None]:
        """Whether the call, if there is one, is wanted; and the carrier's answer."""
        async with db.transaction():
            seen = await self._look(db, intent)
            refusal = await self._refusal(db, intent, campaign, seen)
            if refusal is not None:
                await self._not_dialed(db, intent, refusal)
                return False, None
            request = self._request(intent, campaign, seen)
            sent_at = self.clock.now()
            # Asked again right before the request: the checks themselves may have taken long.
            if is_too_old(intent.intended_at, sent_at):
                await self._not_dialed(db, intent, "intent_too_old")
                return False, None
            if has_missed_its_turn(intent.slot_at, sent_at, speed=self.clock.speed):
                await self._not_dialed(db, intent, "turn_missed")
                return False, None
            answer = await self.carrier.place(request)
            return await self._write(db, intent, answer, sent_at), answer

    async def lost(self, attempt_id: AttemptId, reason: str) -> None:
        """A send of this process broke off: it may have been sent, but nobody sends it any more."""
        async with self.pool.connection() as db, db.transaction():
            attempt = await journal.lock_attempt(db, attempt_id)
            if attempt is not None and attempt["state"] == AttemptState.INTENDED:
                await self._unknown(db, attempt, Unanswered(reason))

    async def _look(self, db: AsyncDb, intent: Intent) -> _Seen:
        """The locks, then fresh facts, in one trip: what is read behind the locks is read after."""
        about = {
            "campaign": intent.campaign_id,
            "number": intent.number_id,
            "caller_id": intent.caller_id,
        }
        now, leads = self.clock.now(), [intent.lead_id]
        async with db.pipeline():
            locked = await db.execute(_SHARED_LOCKS, about)
            told = await ask_facts(db, intent.campaign_id, leads, now, besides=intent.attempt_id)
            switched = await ask_switches(db)
            numbers = await db.execute(_NUMBERS, about)
        held = await locked.fetchone()
        return _Seen(
            locked=held is not None and held["held"],
            facts=next(iter(await facts_of(told, now)), None),
            switches=await switched.fetchall(),
            numbers={row["id"]: row["number_sealed"] for row in await numbers.fetchall()},
        )

    async def _refusal(
        self, db: AsyncDb, intent: Intent, campaign: StoredCampaign, seen: _Seen
    ) -> str | None:
        """Why this intent must not be sent now."""
        if not seen.locked:
            return "stop_or_suppression_under_way"
        now = self.clock.now()
        if is_too_old(intent.intended_at, now):
            return "intent_too_old"
        if seen.facts is None:
            return "lead_gone"
        facts = replace(
            campaign.facts,
            running=seen.facts["running"],
            switched_off=is_stopped(seen.switches, intent.campaign_id, caller_id=intent.caller_id),
        )
        decision = decide(lead_facts(seen.facts), facts, now, campaign.policy)
        if decision.allow:
            return None
        await write_decisions(
            db,
            intent.campaign_id,
            [(seen.facts, decision, None)],
            "send",
            now,
            rehearsal=campaign.rehearsal,
        )
        return "refused_" + decision.key.lower()

    def _request(self, intent: Intent, campaign: StoredCampaign, seen: _Seen) -> DialRequest:
        to, caller_id = (
            self.keyring.decrypt(seen.numbers[number]).decode()
            for number in (intent.number_id, intent.caller_id)
        )
        return DialRequest(
            attempt_id=intent.attempt_id,
            to=to,
            caller_id=caller_id,
            ring_timeout_s=campaign.pacing.ring_timeout_s,
            max_call_s=campaign.pacing.max_call_s,
            detect_machines=campaign.detect_machines,
            await_greeting_end=campaign.leaves_messages,
        )

    async def _write(
        self, db: AsyncDb, intent: Intent, answer: PlaceAnswer, sent_at: datetime
    ) -> bool:
        """False when the call came too late: it is to be ended."""
        now = self.clock.now()
        attempt = await journal.lock_attempt(db, intent.attempt_id)
        assert attempt is not None
        if isinstance(answer, Placed):
            news = journal.StatusNews(answer.sid, "queued", queue_time_ms=answer.queue_time_ms)
            if journal.reading(attempt, news.status, now) is Reading.LATE:
                await journal.late_call(db, attempt, news, now)
                return False
            await journal.call_placed(db, attempt, news, now, sent_at=sent_at)
        elif isinstance(answer, Unanswered):
            await self._unknown(db, attempt, answer)
        else:
            await self._rejected(db, attempt, answer)
        return True

    async def _end(self, call: Placed) -> None:
        """This process stood still between check and request: nobody wants the call."""
        try:
            await self.carrier.end(call.sid)
        except CarrierSilent as error:
            log.error("call_not_ended", call=call.sid, reason=str(error))

    async def _unknown(self, db: AsyncDb, attempt: journal.Attempt, answer: Unanswered) -> None:
        """Nobody knows whether it rings: only the carrier can say, so the reconciler asks."""
        now = self.clock.now()
        log.warning("carrier_gave_no_answer", attempt=str(attempt["id"]), reason=answer.reason)
        await journal.write_event(db, attempt["id"], DialUnknown(answer.reason), now)
        if attempt["state"] == AttemptState.INTENDED:
            await db.execute(
                "UPDATE attempts SET state = 'unknown', version = version + 1"
                " WHERE id = %s AND state = 'intended'",
                (attempt["id"],),
            )

    async def _rejected(self, db: AsyncDb, attempt: journal.Attempt, answer: Rejected) -> None:
        log.warning("carrier_said_no", attempt=str(attempt["id"]), kind=answer.kind)
        permanent = answer.kind in {FailureKind.INVALID_NUMBER, FailureKind.NOT_PERMITTED}
        await journal.finish(
            db,
            attempt,
            self.clock.now(),
            disposition="failed_permanent" if permanent else "not_dialed",
            end_reason=f"carrier_{answer.kind}",
            status=None,
            ended_by="dialer",
        )

    async def _not_dialed(self, db: AsyncDb, intent: Intent, reason: str) -> None:
        attempt = await journal.lock_attempt(db, intent.attempt_id)
        assert attempt is not None
        await journal.finish(
            db,
            attempt,
            self.clock.now(),
            disposition="not_dialed",
            end_reason=reason,
            status=None,
            ended_by="dialer",
        )


async def wait_for_number(db: AsyncDb, number_id: int) -> None:
    """Returns when no send to that number is on its way; in a transaction of its own.

    Called after a suppression is committed: from then on nobody passes the gate for the number.
    """
    async with db.transaction():
        await db.execute(_NUMBER_LOCK, {"number": number_id})
