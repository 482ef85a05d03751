"""The arm of a lead in the database: drawn once, kept over retries and changed shares, told."""

from datetime import timedelta

from dialer.experiments import arm_of_call
from tests.factories import NOW
from tests.integration.dialer_parts import House
from voice_ai.conversation.experiments import Experiment

pytest_plugins = ("tests.integration.dialer_fixtures",)

HALVES = Experiment(name="kind_question", arms={"a": 0.5, "b": 0.5})


async def test_a_lead_keeps_its_arm_when_the_shares_change_and_each_call_tells_it(
    dialer: House,
) -> None:
    dialer.office.leads(1)
    dialer.office.campaign()
    attempt_id, _ = await dialer.dial()
    async with dialer.pool.connection() as db:
        row = await (
            await db.execute(
                "SELECT campaign_id, lead_id FROM attempts WHERE id = %s", (attempt_id,)
            )
        ).fetchone()
        assert row is not None
        campaign_id, lead_id = row["campaign_id"], row["lead_id"]
        drawn = HALVES.assign(str(lead_id))
        other = "a" if drawn == "b" else "b"
        moved = Experiment(name="kind_question", arms={drawn: 1e-7, other: 1 - 1e-7})
        gone = Experiment(name="kind_question", arms={"c": 0.5, "d": 0.5})
        told = [
            await arm_of_call(
                db,
                experiment,
                campaign_id=campaign_id,
                lead_id=lead_id,
                attempt_id=attempt_id,
                now=NOW + timedelta(minutes=1),
            )
            for experiment in (HALVES, moved, gone)
        ]
        assert told == [drawn, drawn, gone.assign(str(lead_id))]
        events = await (
            await db.execute(
                "SELECT payload FROM call_events WHERE attempt_id = %s AND kind = 'arm_assigned'",
                (attempt_id,),
            )
        ).fetchall()
        assert [event["payload"] for event in events] == [
            {"experiment": "kind_question", "arm": drawn}
        ]
        kept = await (await db.execute("SELECT arm FROM assignments")).fetchall()
        assert [one["arm"] for one in kept] == [drawn]
