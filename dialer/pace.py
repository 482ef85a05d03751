"""Judges how fast each running campaign may go, and which caller ids must rest; writes it down.

One process judges at a time. The claim only reads what stands in `campaign_pace` and `caller_ids`.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import structlog
from psycopg.types.json import Jsonb

from dialer.facts import Row
from dialer.pool import caller_id
from voice_ai.campaigns import Budget, Pacing
from voice_ai.db import queries
from voice_ai.db.connect import AsyncDb
from voice_ai.pacing.abandonment import LATE_MS, Answers, period_start
from voice_ai.pacing.breaker import MEMORY, WINDOW, Requests
from voice_ai.pacing.budget import Minutes, is_spent
from voice_ai.pacing.caller_ids import NEWEST, AnswerRates, Rate, Standing, next_standing
from voice_ai.pacing.judge import Change, Figures, Stand, Verdict, judge, since_of
from voice_ai.pacing.ramp import Seen

log = structlog.get_logger()
_SQL = queries("pacing")
_COMMANDS = queries("commands")
_ONE_AT_A_TIME = "SELECT pg_try_advisory_xact_lock(hashtext('pace')) AS mine"
# Who asks when the rules ask.
WE = "voice-ai"
_WHY = {
    "ABANDON_RATE": "too many people answered and heard nothing; see the pace changes",
    "BUDGET_SPENT": "its budget is spent; raise it, then resume",
    "DAILY_SPEND": "the account's spend of 24 hours is reached; raise the limit, then resume",
}


async def judge_paces(db: AsyncDb, *, account: str, rehearsal: bool, now: datetime) -> int:
    """Every running campaign of this mode; how many changes were made."""
    async with db.transaction():
        mine = await (await db.execute(_ONE_AT_A_TIME)).fetchone()
        if mine is None or not mine["mine"]:
            return 0
        found = await db.execute(
            _SQL.paced_campaigns, {"rehearsal": rehearsal, "now": now, "memory": MEMORY}
        )
        rows = await found.fetchall()
        over_day = bool(rows) and await _day_is_spent(db, account, now, rehearsal=rehearsal)
        changes = 0
        for row in rows:
            changes += await _judge_one(db, row, now, over_day=over_day)
        return changes


async def _judge_one(db: AsyncDb, row: Row, now: datetime, *, over_day: bool) -> int:
    pacing = Pacing.model_validate(row["config"]["pacing"])
    stand = stand_of(row, pacing)
    verdict = judge(stand, await _figures(db, row, stand, now), now)
    if over_day and verdict.pause is None:
        verdict = Verdict(
            verdict.stand, (*verdict.changes, Change("pause", "DAILY_SPEND")), "DAILY_SPEND"
        )
    await _write(db, row, verdict, now)
    cooled = await _judge_caller_ids(db, row, now) if stand.minds_abandonment else 0
    return len(verdict.changes) + cooled


def stand_of(row: Row, pacing: Pacing) -> Stand:
    """From a row of `paced_campaigns`: a rehearsal is spared unless it asks for the limits."""
    return Stand(
        ramp_step=row["ramp_step"],
        ramp_since=row["ramp_since"],
        held_until=row["held_until"],
        throttle=row["throttle"],
        ramps=pacing.ramps(rehearsal=row["rehearsal"]),
        minds_abandonment=pacing.is_limited(rehearsal=row["rehearsal"]),
    )


async def _figures(db: AsyncDb, row: Row, stand: Stand, now: datetime) -> Figures:
    seen = Seen(**await _seen(db, row, since_of(stand, now)))
    held = stand.held_until or now - WINDOW
    recent = await _seen(db, row, min(now, max(now - WINDOW, held)))
    started = row["started_at"] or now
    scope = {
        "campaign_id": row["id"],
        "now": now,
        "period": period_start(started, now),
        "late_ms": LATE_MS,
        "uk": "GB" in row["config"].get("countries", ()),
    }
    answers = await (await db.execute(_SQL.answers, scope)).fetchone()
    assert answers is not None
    return Figures(
        seen=seen,
        recent=Requests(recent["dials"], recent["failed"]),
        holds=row["holds"],
        rolling=Answers(answers["rolling_human"], answers["rolling_abandoned"]),
        period=Answers(answers["period_human"], answers["period_abandoned"]),
        uk=Answers(answers["uk_human"], answers["uk_abandoned"]),
        budget_spent=await _budget_is_spent(db, row),
    )


async def _seen(db: AsyncDb, row: Row, since: datetime) -> dict[str, Any]:
    scope = {"campaign_id": row["id"], "since": since, "late_ms": LATE_MS}
    counted = await (await db.execute(_SQL.seen_since, scope)).fetchone()
    assert counted is not None
    return counted


async def _budget_is_spent(db: AsyncDb, row: Row) -> bool | None:
    if row["config"].get("budget") is None:
        return None
    budget = Budget.model_validate(row["config"]["budget"])
    found = await (await db.execute(_SQL.minutes, {"campaign_id": row["id"]})).fetchone()
    assert found is not None
    return is_spent(Minutes(**found), budget.per_minute, budget.total)


async def _day_is_spent(db: AsyncDb, account: str, now: datetime, *, rehearsal: bool) -> bool:
    limits = await (await db.execute(_SQL.account_limits, {"account": account})).fetchone()
    if limits is None or limits["daily_spend"] is None or limits["per_minute"] is None:
        return False
    scope = {"now": now, "rehearsal": rehearsal}
    found = await (await db.execute(_SQL.minutes_of_all, scope)).fetchone()
    assert found is not None
    return is_spent(Minutes(**found), Decimal(limits["per_minute"]), Decimal(limits["daily_spend"]))


async def _write(db: AsyncDb, row: Row, verdict: Verdict, now: datetime) -> None:
    stand = verdict.stand
    await db.execute(
        _SQL.set_pace,
        {
            "campaign_id": row["id"],
            "ramp_step": stand.ramp_step,
            "ramp_since": stand.ramp_since,
            "held_until": stand.held_until,
            "throttle": stand.throttle,
            "now": now,
        },
    )
    for change in verdict.changes:
        await _tell(db, row, change, now)
    if verdict.pause is not None:
        # Through the command log, like anybody's: people see who stopped it, and why.
        await db.execute(
            _COMMANDS.ask,
            {
                "campaign_id": row["id"],
                "kind": "pause",
                "asked_by": WE,
                "reason": f"{verdict.pause}: {_WHY[verdict.pause]}",
                "parameters": None,
                "now": now,
            },
        )


async def _tell(
    db: AsyncDb, row: Row, change: Change, now: datetime, *, subject: int | None = None
) -> None:
    log.info("pace_changed", campaign=str(row["id"]), kind=change.kind, reason=change.reason)
    await db.execute(
        _SQL.tell_change,
        {
            "campaign_id": row["id"],
            "kind": change.kind,
            "subject": subject,
            "reason": change.reason,
            "figures": Jsonb(dict(change.figures)),
            "now": now,
        },
    )


_KIND = {Standing.COOLING: "cool", Standing.BURNED: "burn"}


async def _judge_caller_ids(db: AsyncDb, row: Row, now: datetime) -> int:
    """Numbers whose answer rate fell away rest; rested ones come back."""
    numbers: Sequence[int] = row["caller_ids"]
    asked = {"numbers": list(numbers), "newest": NEWEST, "now": now}
    found = await db.execute(_SQL.caller_id_rates, asked)
    changed = 0
    for line in await found.fetchall():
        answers = AnswerRates(
            own=Rate(line["own_dials"], line["own_answered"]),
            newest=Rate(line["new_dials"], line["new_answered"]),
            pool=Rate(int(line["pool_dials"]), int(line["pool_answered"])),
        )
        stands = next_standing(caller_id(line), answers, line["cooled"], now)
        if stands is None:
            continue
        changed += 1
        await db.execute(
            _SQL.set_standing,
            {
                "number_id": line["number_id"],
                "standing": stands.standing,
                "until": stands.until,
                "now": now,
            },
        )
        rates = {name: vars(rate) for name, rate in vars(answers).items()}
        figures = {**rates, "standing": str(stands.standing)}
        kind = _KIND.get(stands.standing, "recover")
        reason = "ANSWER_RATE_DROP" if stands.standing in _KIND else "RESTED"
        await _tell(db, row, Change(kind, reason, figures), now, subject=line["number_id"])
    return changed


async def wait_for_carrier(db: AsyncDb, account: str, until: datetime) -> None:
    """The carrier queues or refuses: the account's next dial is not before `until`."""
    async with db.transaction():
        await db.execute(_SQL.wait_for_carrier, {"account": account, "until": until})
