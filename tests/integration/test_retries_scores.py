"""The scores that a flow writes follow the one formula, also in SQL."""

from datetime import timedelta

from pipelines.scores import score_leads
from tests.factories import LAW, NOW, login_url
from tests.integration.dialer_parts import House
from tests.integration.test_retries_settling import dialed, tell
from voice_ai.priorities import EVEN, priority

pytest_plugins = ("tests.integration.dialer_fixtures",)
DAYS = (0, 0.5, 1, 2.9, 3, 7, 14.9, 31, 90)


async def test_the_flow_and_the_enrolment_go_by_the_same_formula(
    dialer: House, dialer_database: str
) -> None:
    leads = dialer.office.leads(len(DAYS))
    ages = {lead.id: timedelta(days=days) for lead, days in zip(leads, DAYS, strict=True)}
    for lead_id, age in ages.items():
        dialer.office.db.execute(
            "UPDATE leads SET created_at = %s WHERE id = %s", (NOW - age, lead_id)
        )
    dialer.office.campaign(**LAW)
    for lead_id, age in ages.items():
        assert dialer.office.lead(lead_id)["priority"] == priority(age, EVEN, 0)
    attempt_id, sid = await dialed(dialer)
    await tell(dialer, attempt_id, sid, "no-answer")
    # As if a person had picked up: every group's share is then the whole one.
    dialer.office.db.execute("UPDATE attempts SET disposition = 'human_hangup'")
    dialer.office.db.execute("UPDATE campaign_leads SET attempts = lead_id % 4")
    flows = login_url(dialer_database, "flows", dialer.keyring)
    made = score_leads(flows, now=NOW, campaign="Spring")
    assert made["scored"] == len(DAYS)
    for lead_id, age in ages.items():
        row = dialer.office.lead(lead_id)
        assert row["priority"] == priority(age, 1.0, row["attempts"])
