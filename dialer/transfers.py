"""A call on its way to a colleague, told word by word by the carrier; one row is where it stands.

Whatever is told late, twice or of an earlier colleague changes nothing: the row says which
hand-over and which colleague is meant, and only an open one can be answered or fail.
"""

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
import psycopg
import psycopg_pool
import structlog

from dialer import journal
from dialer.adapters.twilio import hang_up_twiml, stream_twiml
from dialer.adapters.twilio_transfer import (
    dial_twiml,
    join_twiml,
    last_words_twiml,
    wait_twiml,
    whisper_twiml,
)
from dialer.callbacks import CallbackUrls
from dialer.carrier import AgentLeg, Carrier, Placed, Rejected
from dialer.media.handover import Resumed
from dialer.revocations import is_revoked
from dialer.transfer_facts import Facts, read_facts
from dialer.transfer_room import take_turn
from dialer.transfer_start import SQL, begin, end_leg, fail, lock_last, person_gone, send_back
from voice_ai.calls import AttemptState, is_terminal
from voice_ai.clock import Clock
from voice_ai.conversation import step
from voice_ai.conversation.handing_over import kept, restored, summary, taken_over
from voice_ai.conversation.turns import Disposition, State, Transfer, Transferred
from voice_ai.db import queries
from voice_ai.db.connect import AsyncDb, Pool, Row
from voice_ai.events import OutcomeReached, TransferAnswered
from voice_ai.ids import AttemptId, CarrierSid
from voice_ai.transfers import TAKEN, reason_of
from voice_ai.vault import Keyring

log = structlog.get_logger()
_ACCEPT = "1"
_NO_DATABASE = (psycopg.OperationalError, psycopg_pool.PoolTimeout)
# Sends of a campaign and its emergency stop: see the send gate.
_GATE = "SELECT pg_advisory_xact_lock_shared(hashtextextended('campaign:' || %(id)s::text, 0))"
_STATE_COMES_S = 2.0


@dataclass(frozen=True)
class Transfers:
    pool: Pool
    keyring: Keyring
    clock: Clock
    urls: CallbackUrls
    carrier: Carrier
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def close(self) -> None:
        """Waits for colleagues who are being called right now."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # From the conversation

    async def begin(self, attempt_id: AttemptId, transfer: Transfer, state: State) -> str | None:
        try:
            async with self.pool.connection() as db:
                return await begin(
                    db,
                    self.carrier,
                    attempt_id,
                    self.clock.now(),
                    kind=transfer.kind,
                    state_sealed=self._sealed(state),
                    summary_sealed=self.keyring.encrypt(transfer.summary.encode()),
                )
        except _NO_DATABASE as error:
            log.error("transfer_not_begun", attempt=str(attempt_id), reason=type(error).__name__)
            return "failed"

    async def keep(self, attempt_id: AttemptId, state: State) -> bool:
        """Whether an operator hands the call over; then this is where its conversation stood."""
        try:
            async with self.pool.connection() as db:
                facts = await read_facts(db, self.keyring, attempt_id)
                told = summary(facts.script, state) if facts is not None else ""
                kept_it = await db.execute(
                    SQL.keep,
                    {
                        "attempt_id": attempt_id,
                        "state_sealed": self._sealed(taken_over(state)),
                        "summary_sealed": self.keyring.encrypt(told.encode()),
                    },
                )
                return kept_it.rowcount > 0
        except _NO_DATABASE as error:
            log.error("transfer_not_known", attempt=str(attempt_id), reason=type(error).__name__)
            return False

    async def resumed(self, attempt_id: AttemptId, transfer_id: str) -> Resumed | None:
        """Where the conversation goes on; None when this is no way back into it."""
        about = {"id": transfer_id, "attempt_id": attempt_id, "now": self.clock.now()}
        async with self.pool.connection() as db:
            row = await (await db.execute(SQL.resume, about)).fetchone()
        if row is None:
            return None
        return Resumed(self._state(row), row["reason"], row["turns"])

    # From the carrier, of the person's call

    async def connect(self, attempt_id: AttemptId) -> str:
        """The call has left its conversation: whom it goes to."""
        async with self.pool.connection() as db, db.transaction():
            attempt, row, facts = await self._now(db, attempt_id)
            if row is None or facts is None or attempt["state"] == AttemptState.ENDED:
                return hang_up_twiml()
            if row["status"] == "open" and facts.stopped:
                await fail(db, attempt_id, row, "stopped", self.clock.now())
                return hang_up_twiml()
            if row["status"] == "open" and row["kind"] == "blind":
                return self._dial(attempt_id, row, facts, row["position"])
        if row["status"] != "open":
            return await self.go_back(attempt_id)
        self._soon(self._ring(attempt_id, _turn(row)))
        return wait_twiml(
            room_of(row),
            max_talk_s=facts.rules.max_talk_s,
            action=self.urls.transfer(attempt_id, "done", _turn(row)),
            language=facts.script.language,
            first=self._first_words(row, facts),
        )

    async def done(self, attempt_id: AttemptId, turn: str, form: Mapping[str, str]) -> str:
        """The person's part of it is over: nobody took the call, or the talk has ended."""
        status, now = form.get("DialCallStatus", "failed"), self.clock.now()
        async with self.pool.connection() as db, db.transaction():
            _, row, facts = await self._now(db, attempt_id)
            if row is None or facts is None or is_terminal(form.get("CallStatus", "")):
                return hang_up_twiml()
            if row["status"] == "answered":
                return hang_up_twiml()
            if row["status"] == "open" and _turn(row) == turn and row["kind"] == "blind":
                if status in TAKEN:
                    await self._answered(db, attempt_id, row, facts)
                    return hang_up_twiml()
                following = await self._next(db, attempt_id, row, facts, reason_of(status))
                if following is not None:
                    return self._dial(attempt_id, row, facts, following)
            elif row["status"] == "open" and _turn(row) == turn:
                # Nobody began the conference in all that time.
                await fail(db, attempt_id, row, "no_answer", now)
        return await self.go_back(attempt_id)

    async def go_back(self, attempt_id: AttemptId) -> str:
        """Into the conversation; where it cannot go on, the person is told that we call again."""
        row, facts = await self._kept_state(attempt_id)
        if row is None or facts is None or row["status"] != "failed":
            return hang_up_twiml()
        if row["resumed_at"] is None and row["state_sealed"] is not None:
            if self._state(row).ended != "transfer":  # it was saying goodbye
                return hang_up_twiml()
            parameters = {
                "attempt_id": str(attempt_id),
                "token": self.urls.token(attempt_id),
                "transfer": str(row["id"]),
            }
            return stream_twiml(self.urls.media(), parameters)
        await self._outcome(attempt_id, "callback_requested", "transfer_failed")
        return last_words_twiml(facts.line("transfer_later"), facts.script.language)

    async def has_begun(self, attempt_id: AttemptId) -> bool:
        """Whether the call was handed over: then somebody has spoken to it."""
        async with self.pool.connection() as db:
            found = await db.execute(SQL.last, {"attempt_id": attempt_id})
            return await found.fetchone() is not None

    async def person_gone(self, attempt_id: AttemptId) -> None:
        """The person's call has ended: a colleague who is still asked is left in peace."""
        async with self.pool.connection() as db, db.transaction():
            row = await person_gone(db, attempt_id, self.clock.now())
        if row is None:
            return
        if row["kind"] == "warm" and row["agent_sid"] is not None:
            await end_leg(self.carrier, row["agent_sid"])

    # From the carrier, of the colleague's call

    async def leg(self, attempt_id: AttemptId, turn: str, form: Mapping[str, str]) -> None:
        """A state of it. That somebody picks up a blind transfer's call means that they have it."""
        status, sid, now = form.get("CallStatus", ""), form.get("CallSid", ""), self.clock.now()
        async with self.pool.connection() as db, db.transaction():
            _, row, facts = await self._now(db, attempt_id)
            if row is None or facts is None or _turn(row) != turn:
                return
            if row["kind"] == "blind":
                if status == "in-progress" and row["status"] == "open":
                    await self._answered(db, attempt_id, row, facts)
                return
            if not is_terminal(status):
                # Told before our request was answered, perhaps.
                await self._rings(db, row, CarrierSid(sid))
                return
            await db.execute(SQL.leg_ended, {"id": row["id"], "now": now})
            if row["status"] != "open":
                return
            following = await self._next(db, attempt_id, row, facts, reason_of(status))
        await self._after(attempt_id, row, facts, following)

    async def whisper(self, attempt_id: AttemptId, turn: str) -> str:
        """A colleague picked up: what they are told before they decide."""
        async with self.pool.connection() as db, db.transaction():
            _, row, facts = await self._now(db, attempt_id)
        if row is None or facts is None or row["status"] != "open" or _turn(row) != turn:
            return hang_up_twiml()
        sealed = row["summary_sealed"]
        told = self.keyring.decrypt(sealed).decode() if sealed is not None else facts.about
        action = self.urls.transfer(attempt_id, "accept", turn)
        return whisper_twiml(told, facts.line("whisper"), action, facts.script.language)

    async def accept(self, attempt_id: AttemptId, turn: str, form: Mapping[str, str]) -> str:
        """The colleague pressed a key."""
        if form.get("Digits") != _ACCEPT:
            return hang_up_twiml()
        async with self.pool.connection() as db, db.transaction():
            attempt, row, facts = await self._now(db, attempt_id)
            if row is None or facts is None or _turn(row) != turn or facts.stopped:
                return hang_up_twiml()
            if attempt["state"] == AttemptState.ENDED or row["status"] != "open":
                return hang_up_twiml()
            await self._rings(db, row, CarrierSid(form.get("CallSid", "")))
            await self._answered(db, attempt_id, row, facts)
        return join_twiml(room_of(row))

    # Inside

    async def _ring(self, attempt_id: AttemptId, turn: str) -> None:
        """Calls the colleague whose turn it is, past the same gate as every call."""
        following: int | None = None
        unwanted: CarrierSid | None = None
        await self._wait_for_turn(attempt_id)
        async with self.pool.connection() as db, db.transaction():
            facts = await read_facts(db, self.keyring, attempt_id)
            if facts is None:
                return
            await db.execute(_GATE, {"id": facts.campaign_id})
            facts = await read_facts(db, self.keyring, attempt_id)  # fresh: a stop waits for us
            # Not locked: callbacks of the call that is being placed must not wait for its answer.
            row = await (await db.execute(SQL.last, {"attempt_id": attempt_id})).fetchone()
            if facts is None or row is None or row["status"] != "open" or _turn(row) != turn:
                return
            if facts.stopped:
                await fail(db, attempt_id, row, "stopped", self.clock.now())
                return
            answer = await self.carrier.ring(self._leg(attempt_id, row, facts))
            if isinstance(answer, Placed):
                unwanted = None if await self._rings(db, row, answer.sid) else answer.sid
            elif isinstance(answer, Rejected):
                following = await self._next(db, attempt_id, row, facts, "failed")
            else:
                return  # it may ring: its callbacks tell, or the sweep gives it up
        if unwanted is not None:
            await end_leg(self.carrier, unwanted)
        elif isinstance(answer, Rejected):
            await self._after(attempt_id, row, facts, following)

    async def _wait_for_turn(self, attempt_id: AttemptId) -> None:
        now = self.clock.now()
        async with self.pool.connection() as db, db.transaction():
            facts = await read_facts(db, self.keyring, attempt_id)
            pace = 1.0 if facts is None else facts.calls_per_second
            wait = await take_turn(db, self.carrier.account, now, calls_per_second=pace)
        await self.clock.sleep(wait.total_seconds())

    def _leg(self, attempt_id: AttemptId, row: Row, facts: Facts) -> AgentLeg:
        return AgentLeg(
            attempt_id=attempt_id,
            turn=_turn(row),
            to=facts.colleagues[row["position"]],
            caller_id=facts.caller_id,
            ring_s=facts.rules.ring_s,
            max_talk_s=facts.rules.max_talk_s,
        )

    async def _rings(self, db: AsyncDb, row: Row, sid: CarrierSid) -> bool:
        if row["agent_sid"] == sid:
            return True
        told = {"id": row["id"], "position": row["position"], "sid": sid}
        return await (await db.execute(SQL.rings, told)).fetchone() is not None

    async def _next(
        self, db: AsyncDb, attempt_id: AttemptId, row: Row, facts: Facts, reason: str
    ) -> int | None:
        """The next colleague to ask; None when there is none, and then it has failed."""
        now = self.clock.now()
        if row["position"] + 1 < len(facts.colleagues) and not facts.stopped:
            asked = await db.execute(SQL.ask_next, {"id": row["id"], "now": now})
            found = await asked.fetchone()
            return None if found is None else int(found["position"])
        await fail(db, attempt_id, row, reason, now)
        return None

    async def _after(
        self, attempt_id: AttemptId, row: Row, facts: Facts, following: int | None
    ) -> None:
        """The person waits in the conference: the next colleague is called, or they go back."""
        if following is not None:
            self._soon(self._ring(attempt_id, f"{row['nth']}.{following}"))
        elif facts.carrier_sid is not None:
            await send_back(self.carrier, facts.carrier_sid, attempt_id, facts.max_s)

    async def _answered(self, db: AsyncDb, attempt_id: AttemptId, row: Row, facts: Facts) -> None:
        now = self.clock.now()
        if await (await db.execute(SQL.answer, {"id": row["id"], "now": now})).fetchone() is None:
            return
        await journal.write_event(db, attempt_id, TransferAnswered(row["nth"]), now)
        disposition = "transferred"
        if row["state_sealed"] is not None:
            _, actions = step(facts.script, self._state(row), Transferred())
            said = [action.code for action in actions if isinstance(action, Disposition)]
            disposition = said[-1] if said else disposition
        await write_outcome(db, attempt_id, disposition, "transferred", now)

    async def _outcome(self, attempt_id: AttemptId, disposition: str, reason: str) -> None:
        async with self.pool.connection() as db, db.transaction():
            await write_outcome(db, attempt_id, disposition, reason, self.clock.now())

    def _dial(self, attempt_id: AttemptId, row: Row, facts: Facts, position: int) -> str:
        turn = f"{row['nth']}.{position}"
        return dial_twiml(
            facts.colleagues[position],
            caller_id=facts.caller_id,
            ring_s=facts.rules.ring_s,
            max_talk_s=facts.rules.max_talk_s,
            action=self.urls.transfer(attempt_id, "done", turn),
            leg=self.urls.transfer(attempt_id, "leg", turn),
            language=facts.script.language,
            first=self._first_words(row, facts) if position == 0 else None,
        )

    def _first_words(self, row: Row, facts: Facts) -> str | None:
        """A script has told the person already; an operator takes over in mid-sentence."""
        return None if row["asked_by"] == "script" else facts.line("connecting")

    async def _now(
        self, db: AsyncDb, attempt_id: AttemptId
    ) -> tuple[Row, Row | None, Facts | None]:
        attempt = await journal.lock_attempt(db, attempt_id)
        if attempt is None:
            return {"state": AttemptState.ENDED}, None, None
        facts = await read_facts(db, self.keyring, attempt_id)
        return attempt, await lock_last(db, attempt_id), facts

    async def _kept_state(self, attempt_id: AttemptId) -> tuple[Row | None, Facts | None]:
        """The hand-over, once the conversation that it was taken from has written where it stood.

        Its socket was closed by the carrier just before, perhaps in another process.
        """
        until = self.clock.monotonic() + _STATE_COMES_S * max(1.0, self.clock.speed)
        while True:
            async with self.pool.connection() as db, db.transaction():
                attempt, row, facts = await self._now(db, attempt_id)
                if row is None or attempt["state"] == AttemptState.ENDED:
                    return None, None
                if await is_revoked(db, attempt):
                    return None, None
            written = row["state_sealed"] is not None or row["resumed_at"] is not None
            if written or self.clock.monotonic() > until:
                return row, facts
            await self.clock.sleep(0.1 * max(1.0, self.clock.speed))

    def _sealed(self, state: State) -> bytes:
        return self.keyring.encrypt(orjson.dumps(kept(state)))

    def _state(self, row: Mapping[str, Any]) -> State:
        return restored(orjson.loads(self.keyring.decrypt(row["state_sealed"])))

    def _soon(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def write_outcome(
    db: AsyncDb, attempt_id: AttemptId, disposition: str, reason: str, now: datetime
) -> None:
    """What the call counts as, where no conversation is there to say so."""
    await journal.write_event(db, attempt_id, OutcomeReached(disposition, reason), now)
    about = {"attempt_id": attempt_id, "outcome": disposition, "end_reason": reason}
    await db.execute(queries("attempts").set_outcome, about)


def room_of(row: Row) -> str:
    """The conference of a hand-over: a name that nobody guesses and that says nothing."""
    return f"transfer-{row['id']}"


def _turn(row: Row) -> str:
    """Which hand-over and which colleague, as the addresses carry it."""
    return f"{row['nth']}.{row['position']}"
