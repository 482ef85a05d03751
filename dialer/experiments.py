"""The arm of a lead: drawn once within its stratum, kept in the database, told of every call."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

import orjson
from psycopg.types.json import Jsonb

from dialer import journal
from voice_ai.conversation.experiments import Experiment
from voice_ai.db import queries
from voice_ai.db.connect import AsyncDb, Row
from voice_ai.events import ArmAssigned
from voice_ai.ids import AttemptId

_SQL = queries("experiments")


async def arm_of_call(
    db: AsyncDb,
    experiment: Experiment,
    *,
    campaign_id: UUID,
    lead_id: int,
    attempt_id: AttemptId,
    now: datetime,
) -> str:
    """The lead's arm, the same in all of its calls, in the caller's transaction.

    Once the experiment is stopped, leads without an arm hear the winner, or the control where
    nothing won; they are no part of it. Those of an arm that does harm, or that the script no
    longer has, hear the control.
    """
    about: dict[str, Any] = {
        "experiment_id": uuid5(campaign_id, experiment.name),
        "campaign_id": campaign_id,
        "lead_id": lead_id,
        "now": now,
    }
    found = await _standing(db, about)
    if not (found["arm"] or found["stopped"]):
        found = await _assign(db, experiment, about, found)
    arm = _heard(experiment, found)
    await journal.write_event(db, attempt_id, ArmAssigned(experiment.name, arm), now)
    return arm


def _heard(experiment: Experiment, found: Row) -> str:
    arm = found["arm"] or found["winner"]
    if arm is None or arm not in experiment.arms or arm in found["harmful"]:
        return experiment.control
    return str(arm)


async def _standing(db: AsyncDb, about: dict[str, Any]) -> Row:
    row = await (await db.execute(_SQL.standing, about)).fetchone()
    assert row is not None  # the attempt refers to the lead
    return row


async def _assign(
    db: AsyncDb, experiment: Experiment, about: dict[str, Any], found: Row
) -> dict[str, Any]:
    if not found["known"]:
        await db.execute(_SQL.register, {**about, **_plan(experiment)})
    shares = orjson.dumps(experiment.arms, option=orjson.OPT_SORT_KEYS).decode()
    stratum = {**about, "stratum": found["stratum"], "shares": shares}
    held = await (await db.execute(_SQL.hold_stratum, stratum)).fetchone()
    assert held is not None
    # While the lock was waited for, another worker may have given the arm, or somebody stopped it.
    found = await _standing(db, about)
    if found["arm"] or found["stopped"]:
        return found
    arm = experiment.arm_at(found["stratum"], held["drawn"])
    await db.execute(_SQL.assign, {**stratum, "arm": arm})
    return {**found, "arm": arm}


def _plan(experiment: Experiment) -> dict[str, Any]:
    return {
        **experiment.model_dump(exclude={"arms", "guardrails"}),
        "arms": Jsonb(experiment.arms),
        "guardrails": list(experiment.guardrails),
    }
