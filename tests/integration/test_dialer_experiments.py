"""The arm of a lead in the database: given once, kept, shared out evenly, obeying a stop."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid5

import pytest

from dialer.experiments import arm_of_call
from tests.factories import NOW
from tests.integration.dialer_parts import House
from voice_ai.conversation.experiments import Experiment
from voice_ai.db import queries
from voice_ai.ids import AttemptId
from voice_ai.preflight.experiment import ExperimentFacts

pytest_plugins = ("tests.integration.dialer_fixtures",)

HALVES = Experiment(name="kind_question", arms={"a": 0.5, "b": 0.5}, stop="by hand")
Lead = dict[str, Any]


@pytest.fixture
async def leads(dialer: House) -> list[Lead]:
    """Leads of one zone, and a dial of one of them that events may be told of."""
    dialer.office.leads(16)
    dialer.office.campaign()
    attempt_id, _ = await dialer.dial()
    office = dialer.office.db
    office.execute("UPDATE leads SET zones = ARRAY['America/Chicago', 'America/New_York']")
    about = office.execute(
        "SELECT campaign_id FROM attempts WHERE id = %s", (attempt_id,)
    ).fetchone()
    assert about is not None
    rows = office.execute("SELECT id AS lead_id FROM leads ORDER BY id").fetchall()
    return [{**row, "campaign_id": about["campaign_id"], "attempt_id": attempt_id} for row in rows]


async def called(
    dialer: House, lead: Lead, experiment: Experiment = HALVES, *, breaks: bool = False
) -> str:
    """The arm of one call, in a transaction of its own."""
    async with dialer.pool.connection() as db:
        arm = await arm_of_call(
            db,
            experiment,
            campaign_id=UUID(str(lead["campaign_id"])),
            lead_id=lead["lead_id"],
            attempt_id=AttemptId(lead["attempt_id"]),
            now=NOW + timedelta(minutes=1),
        )
        if breaks:
            raise ZeroDivisionError
        return arm


def kept(dialer: House) -> dict[int, str]:
    rows = dialer.office.db.execute("SELECT lead_id, arm FROM assignments").fetchall()
    return {row["lead_id"]: row["arm"] for row in rows}


async def test_calls_at_once_share_out_the_arms_and_each_lead_keeps_its_own(
    dialer: House, leads: list[Lead]
) -> None:
    # Every lead twice at the same time, in transactions of their own, as from two workers.
    arms = await asyncio.gather(*(called(dialer, lead) for lead in [*leads, *leads]))
    assert arms[: len(leads)] == arms[len(leads) :]
    assert Counter(kept(dialer).values()) == {"a": 8, "b": 8}, "no place of a block is lost"
    strata = dialer.office.db.execute(
        "SELECT stratum, min(s.drawn) AS drawn, count(*) AS n"
        " FROM assignment_strata s JOIN assignments a USING (stratum) GROUP BY stratum"
    ).fetchall()
    (stratum,) = strata
    assert stratum["stratum"].endswith("/America/Chicago")
    assert (stratum["drawn"], stratum["n"]) == (16, 16)
    about = {
        "experiment_id": uuid5(leads[0]["campaign_id"], HALVES.name),
        "campaign_id": leads[0]["campaign_id"],
    }
    row = dialer.office.db.execute(queries("preflight").experiment, about).fetchone()
    assert row is not None
    told = ExperimentFacts(HALVES, **row)
    assert (told.assigned, told.stopped, told.goals) == (16, False, 0)
    events = dialer.office.db.execute(
        "SELECT payload FROM call_events WHERE kind = 'arm_assigned'"
    ).fetchall()
    assert all(event["payload"]["experiment"] == "kind_question" for event in events)


async def test_a_call_that_fails_gives_its_place_back(dialer: House, leads: list[Lead]) -> None:
    with pytest.raises(ZeroDivisionError):
        await called(dialer, leads[0], breaks=True)
    assert kept(dialer) == {}
    arms = [await called(dialer, lead) for lead in leads[:4]]
    assert Counter(arms) == {"a": 2, "b": 2}


async def test_a_lead_keeps_its_arm_when_shares_change_and_a_lost_arm_is_the_control(
    dialer: House, leads: list[Lead]
) -> None:
    drawn = await called(dialer, leads[0])
    other = "a" if drawn == "b" else "b"
    moved = Experiment(name="kind_question", arms={drawn: 0.001, other: 0.999})
    gone = Experiment(name="kind_question", arms={"c": 0.5, "d": 0.5})
    assert [await called(dialer, leads[0], one) for one in (moved, gone)] == [drawn, "c"]
    assert kept(dialer) == {leads[0]["lead_id"]: drawn}
    arms = [await called(dialer, lead, moved) for lead in leads[1:]]
    assert Counter(arms)[other] >= 14
    plan = dialer.office.db.execute("SELECT * FROM experiments").fetchone()
    assert plan is not None
    assert (plan["stop"], plan["minimal_effect"]) == ("by hand", 0.05)
    assert plan["arms"] == {"a": 0.5, "b": 0.5}, "the plan of the first call holds"


async def test_after_a_stop_new_leads_hear_the_winner_and_nobody_what_does_harm(
    dialer: House, leads: list[Lead]
) -> None:
    before = [await called(dialer, lead) for lead in leads[:4]]
    office = dialer.office.db
    office.execute("UPDATE experiments SET stopped_at = %s, winner = 'b'", (NOW,))
    assert [await called(dialer, lead) for lead in leads[:4]] == before
    assert [await called(dialer, lead) for lead in leads[4:7]] == ["b"] * 3
    office.execute("UPDATE experiments SET winner = NULL, harmful = '{b}'")
    assert [await called(dialer, lead) for lead in leads[:7]] == ["a"] * 7
    assert len(kept(dialer)) == 4, "who came after the end is no part of it"
