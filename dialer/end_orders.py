"""Obeys `end_call`: an operator ends one call, now.

The server that holds the conversation stops it itself, so that the call's books say who ended it
and not that the person hung up. A worker ends the other calls at the carrier: those that ring, and
those whose server has not done it in time.
"""

import asyncio
from datetime import timedelta
from typing import Any

import structlog

from dialer.carrier import Carrier, CarrierSilent
from dialer.live_calls import LiveCalls
from voice_ai.calls import AttemptState
from voice_ai.clock import Clock
from voice_ai.db import queries
from voice_ai.db.connect import Pool
from voice_ai.ids import AttemptId, CarrierSid

log = structlog.get_logger()
_SQL = queries("commands")
_ATTEMPTS = queries("attempts")
END_REASON = "ended_by_operator"
LOOK_S = 0.25
# So long the server has to end a conversation before a worker ends the call under it.
_SERVER_S = 3.0
_LAST_WORDS_S = 5.0
Row = dict[str, Any]


async def end_conversations(pool: Pool, carrier: Carrier, live: LiveCalls, clock: Clock) -> int:
    """Stops conversations of this server that are to end; how many. Without any, nothing is asked.

    The call is ended at the carrier after that, whatever else its instructions would do next.
    """
    here = list(live.ids())
    if not here:
        return 0
    async with pool.connection() as db:
        rows = await (await db.execute(_SQL.open_ends_here, {"attempt_ids": here})).fetchall()
    await asyncio.gather(*(_stop(pool, carrier, live, clock, row) for row in rows))
    return len(rows)


async def _stop(pool: Pool, carrier: Carrier, live: LiveCalls, clock: Clock, row: Row) -> None:
    attempt_id = AttemptId(row["attempt_id"])
    if (call := live.get(attempt_id)) is not None:
        call.control.stop(END_REASON)
        await live.wait_until_over(attempt_id, _LAST_WORDS_S)
    if row["carrier_sid"] is not None:
        try:
            await carrier.end(CarrierSid(row["carrier_sid"]))
        except CarrierSilent as error:  # the closed stream ends it, only later
            log.warning("call_not_ended", attempt=str(attempt_id), reason=str(error))
    await _answer(pool, row, clock, "ended: the conversation was stopped")


async def end_calls(pool: Pool, carrier: Carrier, clock: Clock) -> int:
    """What no server has ended, ended at the carrier; how many commands were answered."""
    async with pool.connection() as db:
        rows = await (await db.execute(_SQL.open_ends)).fetchall()
    answers = [await _end(pool, carrier, clock, row) for row in rows]
    return sum(answers)


async def _end(pool: Pool, carrier: Carrier, clock: Clock, row: Row) -> bool:
    if row["state"] in (None, AttemptState.ENDED):
        await _answer(pool, row, clock, "refused: there is no such live call")
        return True
    patience = timedelta(seconds=_SERVER_S * clock.speed)
    talking = row["state"] == AttemptState.IN_PROGRESS
    if row["carrier_sid"] is None or (talking and clock.now() - row["asked_at"] < patience):
        return False
    # Before the carrier's callback can end the attempt: its reason is the first that is written.
    async with pool.connection() as db, db.transaction():
        reason = {"attempt_id": row["attempt_id"], "outcome": None, "end_reason": END_REASON}
        await db.execute(_ATTEMPTS.set_outcome, reason)
    try:
        ended = await carrier.end(CarrierSid(row["carrier_sid"]))
    except CarrierSilent as error:
        log.error("call_not_ended", attempt=str(row["attempt_id"]), reason=str(error))
        return False
    told = "ended: the carrier was told" if ended else "refused: the call was over already"
    await _answer(pool, row, clock, told)
    return True


async def _answer(pool: Pool, row: Row, clock: Clock, outcome: str) -> None:
    async with pool.connection() as db, db.transaction():
        values = {"id": row["id"], "now": clock.now(), "outcome": outcome}
        await db.execute(_SQL.answer, values)
    log.info("command_obeyed", command="end_call", attempt=str(row["attempt_id"]))
