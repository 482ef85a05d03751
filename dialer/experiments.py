"""The arm of a lead: drawn by the rule, kept in the database, told of every call."""

from datetime import datetime
from uuid import UUID, uuid5

from psycopg.types.json import Jsonb

from dialer import journal
from voice_ai.conversation.experiments import Experiment
from voice_ai.db import queries
from voice_ai.db.connect import AsyncDb
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
    """The lead's arm, the same in all of its calls; one that the script lost is drawn anew."""
    about = {"experiment_id": uuid5(campaign_id, experiment.name), "lead_id": lead_id}
    drawn = experiment.assign(str(lead_id))
    await db.execute(
        _SQL.assign_arm,
        {
            **about,
            "campaign_id": campaign_id,
            "name": experiment.name,
            "arms": Jsonb(dict(experiment.arms)),
            "arm": drawn,
            "now": now,
        },
    )
    row = await (await db.execute(_SQL.arm_of_lead, about)).fetchone()
    kept = row["arm"] if row is not None else drawn
    arm = kept if kept in experiment.arms else drawn
    await journal.write_event(db, attempt_id, ArmAssigned(experiment.name, arm), now)
    return str(arm)
