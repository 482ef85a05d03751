"""Asks the carrier about every attempt that has gone quiet; only it knows what really happened.

A call whose callbacks were lost is brought to its end here. An attempt without a call is given up,
and its lead freed, only when the carrier knows no such call *and* nobody can be about to send it:
its request has ended without an answer, or its worker is proved dead.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from dialer import journal
from dialer.carrier import Carrier, CarrierCall, CarrierSilent
from voice_ai.calls import AttemptState, is_terminal, may_give_up
from voice_ai.clock import Clock
from voice_ai.db import queries
from voice_ai.db.connect import Pool
from voice_ai.events import DialUnknown
from voice_ai.ids import CarrierSid
from voice_ai.vault import Keyring

log = structlog.get_logger()
_SQL = queries("attempts")
_ONE_AT_A_TIME = "SELECT pg_try_advisory_lock(hashtext('reconciler')) AS mine"
_DONE = "SELECT pg_advisory_unlock(hashtext('reconciler'))"
Row = dict[str, Any]
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Patience:
    """How long to wait before asking, in clock seconds (worker death in real seconds)."""

    # A live call that says nothing for this long is asked about.
    quiet: timedelta = timedelta(seconds=12)
    # The carrier's list may lag: "not known" counts only this long after the intent.
    list_lag: timedelta = timedelta(seconds=10)
    # No heartbeat and no lock for this long: the worker is dead (its requests time out sooner).
    dead_after_s: float = 12.0
    # An attempt that was given up is looked for once more so long after its end: its request may
    # have been on its way all that time, and every callback of its call may be lost.
    second_look: timedelta = timedelta(seconds=40)
    # A conversation may still be writing down its last words; real seconds since its last event.
    last_words_s: float = 30.0


def match(
    found: Sequence[CarrierCall], known: set[str], intended_real: datetime | None
) -> list[CarrierCall]:
    """The carrier's calls that can be this attempt's: unknown to us, and not from before it."""
    since = intended_real - timedelta(seconds=60) if intended_real else None
    return [
        call
        for call in found
        if call.sid not in known
        and (since is None or call.created_at is None or call.created_at >= since)
    ]


@dataclass(frozen=True)
class Reconciler:
    pool: Pool
    carrier: Carrier
    clock: Clock
    keyring: Keyring
    rehearsal: bool
    patience: Patience = Patience()

    async def run_once(self) -> int:
        """Asks about everything quiet; how many attempts were brought to their end."""
        async with self.pool.connection() as db:
            mine = await (await db.execute(_ONE_AT_A_TIME)).fetchone()
            await db.commit()
            if mine is None or not mine["mine"]:
                return 0
            try:
                rows = await self._quiet(db)
                ended = 0
                for row in rows:
                    try:
                        ended += await self._ask(row)
                    except CarrierSilent as error:
                        log.warning("carrier_silent", attempt=str(row["id"]), reason=str(error))
                for row in await self._given_up(db):
                    try:
                        await self._look_again(row)
                    except CarrierSilent as error:
                        log.warning("carrier_silent", attempt=str(row["id"]), reason=str(error))
                return ended
            finally:
                await db.execute(_DONE)
                await db.commit()

    async def _quiet(self, db: Any) -> list[Row]:
        now = self.clock.now()
        found = await db.execute(
            _SQL.open_attempts,
            {
                "rehearsal": self.rehearsal,
                "quiet_since": now - self.patience.quiet,
                "dead_after": self.patience.dead_after_s,
                "last_words": self.patience.last_words_s,
            },
        )
        rows: list[Row] = await found.fetchall()
        await db.execute(
            _SQL.mark_checked, {"attempt_ids": [row["id"] for row in rows], "now": now}
        )
        await db.commit()
        return rows

    async def _ask(self, row: Row) -> bool:
        if row["carrier_sid"] is not None:
            return await self._ask_by_sid(row, CarrierSid(row["carrier_sid"]))
        return await self._look_for(row)

    async def _ask_by_sid(self, row: Row, sid: CarrierSid) -> bool:
        call = await self.carrier.fetch(sid)
        if row["talking"] and (call is None or is_terminal(call.status)):
            return False
        if call is None:
            # It rang, or may have: the person is not called again as soon as after a failure.
            answered = row["state"] == AttemptState.IN_PROGRESS
            return await self._end(
                row,
                disposition="human_hangup" if answered else "no_answer",
                end_reason="carrier_forgot_the_call",
            )
        return await self._apply(row, call)

    async def _look_for(self, row: Row) -> bool:
        matches = await self._unknown_calls(row)
        if not matches:
            return await self._give_up(row)
        # Attempts at a number come one after the other: the newest call is this one's, an older
        # one came late for an attempt that was given up.
        for stray in matches[:-1]:
            await self._disown(row, stray)
        return await self._apply(row, matches[-1])

    async def _unknown_calls(self, row: Row) -> list[CarrierCall]:
        """The carrier's calls that may be this attempt's, the newest last."""
        to, caller_id = (
            self.keyring.decrypt(row[name]).decode()
            for name in ("number_sealed", "caller_id_sealed")
        )
        found = await self.carrier.find(to=to, caller_id=caller_id)
        async with self.pool.connection() as db:
            known = await (
                await db.execute(_SQL.known_sids, {"sids": [call.sid for call in found]})
            ).fetchall()
        matches = match(found, {row["carrier_sid"] for row in known}, row["intended_real"])
        return sorted(matches, key=lambda call: (call.created_at or _LONG_AGO, call.sid))

    async def _disown(self, row: Row, call: CarrierCall) -> None:
        """A call that nobody reckons with: it is counted with its attempt, if that is known."""
        log.error("stray_call", attempt=str(row["id"]), call=call.sid)
        async with self.pool.connection() as db, db.transaction():
            found = await db.execute(
                _SQL.given_up_before, {"attempt_id": row["id"], "number_id": row["number_id"]}
            )
            earlier = await found.fetchone()
            if earlier is None:
                return
            attempt = await journal.lock_attempt(db, earlier["id"])
            assert attempt is not None
            news = journal.StatusNews(call.sid, call.status, duration_s=call.duration_s)
            await journal.late_call(db, attempt, news, self.clock.now())
        if not is_terminal(call.status):
            await self.carrier.end(call.sid)

    async def _given_up(self, db: Any) -> list[Row]:
        now = self.clock.now()
        found = await db.execute(
            _SQL.given_up_attempts,
            {
                "rehearsal": self.rehearsal,
                "ended_before": now - self.patience.second_look,
                "ended_after": now - 15 * self.patience.second_look,
            },
        )
        rows: list[Row] = await found.fetchall()
        await db.commit()
        return rows

    async def _look_again(self, row: Row) -> None:
        """The last question about an attempt that was given up."""
        calls = [
            call
            for call in await self._unknown_calls(row)
            if call.created_at is None
            or row["next_real"] is None
            or call.created_at < row["next_real"]
        ]
        async with self.pool.connection() as db, db.transaction():
            attempt = await journal.lock_attempt(db, row["id"])
            assert attempt is not None
            await db.execute(
                _SQL.mark_checked, {"attempt_ids": [row["id"]], "now": self.clock.now()}
            )
            for call in calls:
                news = journal.StatusNews(call.sid, call.status, duration_s=call.duration_s)
                await journal.late_call(db, attempt, news, self.clock.now())
        for call in calls:
            log.error("call_came_late", attempt=str(row["id"]), call=call.sid)
            if not is_terminal(call.status):
                await self.carrier.end(call.sid)

    async def _give_up(self, row: Row) -> bool:
        """Never placed, if nobody can still be sending it."""
        if not may_give_up(
            row["state"],
            row["intended_at"],
            self.clock.now(),
            worker_dead=row["worker_dead"],
            list_lag=self.patience.list_lag,
        ):
            return False
        return await self._end(row, disposition="not_dialed", end_reason="never_placed")

    async def _apply(self, row: Row, call: CarrierCall) -> bool:
        now = self.clock.now()
        news = journal.StatusNews(
            call.sid, call.status, answered_by=call.answered_by, duration_s=call.duration_s
        )
        async with self.pool.connection() as db, db.transaction():
            attempt = await journal.lock_attempt(db, row["id"])
            assert attempt is not None
            if row["carrier_sid"] is None and row["state"] == AttemptState.INTENDED:
                # Its worker died before it could write that it had no answer.
                await journal.write_event(db, attempt["id"], DialUnknown("worker_gone"), now)
            if is_terminal(call.status):
                return await journal.finish_call(db, attempt, news, now, ended_by="reconciler")
            await journal.apply_status(db, attempt, news, now)
        if attempt["late"]:
            # Whoever found it late could not end it.
            await self.carrier.end(call.sid)
        return False

    async def _end(self, row: Row, *, disposition: str, end_reason: str) -> bool:
        async with self.pool.connection() as db, db.transaction():
            attempt = await journal.lock_attempt(db, row["id"])
            assert attempt is not None
            # While the carrier was asked, a callback may have told of the call: then it is known.
            if (attempt["state"], attempt["heard_at"]) != (row["state"], row["heard_at"]):
                return False
            return await journal.finish(
                db,
                attempt,
                self.clock.now(),
                disposition=disposition,
                end_reason=end_reason,
                status=None,
                ended_by="reconciler",
            )
