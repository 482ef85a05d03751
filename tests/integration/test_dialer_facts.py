"""What the database knows of a lead reaches the decision: places, consent, lists, switches."""

from datetime import timedelta
from typing import Any

import pytest

from dialer.claims import claim
from tests.factories import NOW, Lead
from tests.integration.dialer_parts import Claimed, House
from voice_ai.store.campaigns import ensure_number

FAST = {"calls_per_second": 100, "max_concurrent": 100}

pytest_plugins = ("tests.integration.dialer_fixtures",)


async def live(dialer: House) -> list[Claimed]:
    async with dialer.pool.connection() as db:
        return await claim(
            db,
            account=dialer.carrier.account,
            worker_id=dialer.worker_id,
            rehearsal=False,
            now=NOW,
        )


def live_lead(dialer: House, consent: str | None = "written", **facts: Any) -> Lead:
    (lead,) = dialer.office.leads(1, consent=consent, rehearsal=False, **facts)
    return lead


def snapshot(dialer: House, source: str, days: float, *listed: Lead) -> None:
    """A list of that age, with these leads on it."""
    row = dialer.office.row(
        "INSERT INTO list_snapshots (source, country, sha256, rows, taken_at, loaded_at)"
        " VALUES (%s, 'US', 'x', 1, %s, %s) RETURNING id",
        source,
        NOW - timedelta(days=days),
        NOW,
    )
    for lead in listed:
        dialer.office.db.execute(
            "INSERT INTO list_entries (source, fingerprint, snapshot_id) VALUES (%s, %s, %s)",
            (source, dialer.keyring.fingerprint(lead.number), row["id"]),
        )


def consent(dialer: House, lead: Lead, kind: str, purpose: str = "telemarketing") -> None:
    dialer.office.db.execute(
        "INSERT INTO consents (number_id, seller_id, kind, purpose, channel, obtained_at)"
        " SELECT %s, id, %s, %s, 'web', %s FROM sellers",
        (lead.number_id, kind, purpose, NOW - timedelta(days=10)),
    )


def refusals(dialer: House) -> list[str]:
    row = dialer.office.row("SELECT reasons FROM decisions ORDER BY id DESC LIMIT 1")
    reasons: list[str] = row["reasons"]
    return reasons


async def test_telemarketing_needs_a_fresh_national_list(dialer: House) -> None:
    live_lead(dialer)
    dialer.office.campaign(rehearsal=False)
    assert await live(dialer) == []
    assert refusals(dialer) == ["SNAPSHOT_STALE"]


@pytest.mark.parametrize(("days", "calls"), [(30.9, 1), (31, 0)])
async def test_a_national_list_of_thirty_one_days_is_too_old(
    dialer: House, days: float, calls: int
) -> None:
    live_lead(dialer)
    snapshot(dialer, "us_national_dnc", 60)
    snapshot(dialer, "us_national_dnc", days)
    dialer.office.campaign(rehearsal=False)
    assert len(await live(dialer)) == calls


async def test_a_listed_number_is_left_alone_and_its_owners_own_word_outweighs_the_list(
    dialer: House,
) -> None:
    lead = live_lead(dialer)
    snapshot(dialer, "us_national_dnc", 1, lead)
    dialer.office.campaign(rehearsal=False)
    assert await live(dialer) == []
    assert refusals(dialer) == ["DNC_LISTED"]
    assert dialer.office.lead(lead.id)["state"] == "done"
    consent(dialer, lead, "written")
    dialer.office.db.execute("UPDATE campaign_leads SET state = 'ready', next_allowed_at = NULL")
    assert len(await live(dialer)) == 1


async def test_information_asks_no_list_and_takes_express_consent(dialer: House) -> None:
    live_lead(dialer, "express")
    dialer.office.campaign(rehearsal=False, purpose="informational")
    assert len(await live(dialer)) == 1


async def test_express_consent_is_not_enough_to_sell(dialer: House) -> None:
    live_lead(dialer, "express")
    snapshot(dialer, "us_national_dnc", 1)
    dialer.office.campaign(rehearsal=False)
    assert await live(dialer) == []
    assert refusals(dialer) == ["CONSENT_KIND"]


async def test_consent_that_was_taken_back_counts_no_more(dialer: House) -> None:
    lead = live_lead(dialer, None)
    consent(dialer, lead, "written")
    dialer.office.db.execute("UPDATE consents SET revoked_at = %s", (NOW,))
    dialer.office.campaign(rehearsal=False)
    assert await live(dialer) == []
    assert refusals(dialer) == ["CONSENT_MISSING", "SNAPSHOT_STALE"]


async def test_what_the_lead_and_its_number_say_of_their_state_is_asked_both(
    dialer: House,
) -> None:
    (lead,) = dialer.office.leads(1, states=["NY"])
    dialer.office.db.execute("UPDATE numbers SET states = '{WA}' WHERE id = %s", (lead.number_id,))
    dialer.office.campaign()
    assert await dialer.claim() == []
    assert refusals(dialer) == ["AUTOMATED_BANNED"]


async def test_a_lead_without_a_state_and_a_toll_free_number_are_not_called(
    dialer: House,
) -> None:
    dialer.office.leads(1, states=[])
    dialer.office.campaign()
    assert await dialer.claim() == []
    assert refusals(dialer) == ["PLACE_UNKNOWN"]
    (lead,) = dialer.office.leads(1, name="free")
    dialer.office.db.execute(
        "UPDATE numbers SET line_type = 'toll_free' WHERE id = %s", (lead.number_id,)
    )
    dialer.office.campaign("Free", leads="free")
    assert await dialer.claim() == []
    assert refusals(dialer) == ["NUMBER_TYPE"]


async def test_a_number_of_another_country_than_its_lead_is_refused(dialer: House) -> None:
    (lead,) = dialer.office.leads(1)
    dialer.office.db.execute("UPDATE numbers SET country = 'GB' WHERE id = %s", (lead.number_id,))
    dialer.office.campaign()
    assert await dialer.claim() == []
    assert refusals(dialer) == ["COUNTRY_NOT_ALLOWED"]


@pytest.mark.parametrize(
    ("kind", "key"),
    [("country", "US"), ("country", "US-NY"), ("rule", "US-HOURS"), ("rule", "HOURS_CLOSED")],
)
async def test_a_switch_for_a_country_or_a_rule_stops_the_claim_and_the_send(
    dialer: House, kind: str, key: str
) -> None:
    dialer.office.leads(1)
    dialer.office.campaign(pacing=FAST)
    claimed = await dialer.claim_one()
    dialer.office.switch_off(kind, key)
    assert await dialer.send(claimed) is None
    assert dialer.carrier.placed == []
    assert refusals(dialer) == ["SWITCHED_OFF"]
    dialer.office.leads(1, name="more")
    dialer.office.campaign("More", leads="more", pacing=FAST)
    later = NOW + timedelta(minutes=5)
    assert await dialer.claim(later) == []
    assert refusals(dialer) == ["SWITCHED_OFF"]
    dialer.office.db.execute("UPDATE switches SET cleared_at = now(), cleared_by = 'test'")
    dialer.office.db.execute("UPDATE campaign_leads SET next_allowed_at = NULL")
    assert len(await dialer.claim(later)) == 2


@pytest.mark.parametrize(("kind", "key"), [("country", "GB"), ("rule", "US-FL-HOURS")])
async def test_a_switch_for_another_place_stops_nobody_here(
    dialer: House, kind: str, key: str
) -> None:
    dialer.office.leads(1)
    dialer.office.campaign()
    dialer.office.switch_off(kind, key)
    assert len(await dialer.claim()) == 1


@pytest.mark.parametrize(("policy", "calls"), [("law", 1), ("strictest", 0)])
async def test_a_campaign_may_go_to_the_laws_own_limits(
    dialer: House, policy: str, calls: int
) -> None:
    dialer.office.leads(1)
    dialer.office.campaign(policy=policy)
    assert len(await dialer.claim(NOW.replace(hour=23, minute=30))) == calls


async def test_a_version_that_was_stored_before_there_were_packs_has_the_strictest_rules(
    dialer: House,
) -> None:
    dialer.office.leads(1)
    dialer.office.campaign(policy="law")
    dialer.office.db.execute(
        "UPDATE campaign_versions SET config = config - 'purpose' - 'policy' - 'countries'"
    )
    assert await dialer.claim(NOW.replace(hour=23, minute=30)) == []
    assert refusals(dialer) == ["HOURS_CLOSED"]


async def test_another_country_is_called_when_the_campaign_allows_it(dialer: House) -> None:
    number = "+442079460123"
    (lead,) = dialer.office.leads(
        1, numbers=[number], country="GB", states=[], zones=["Europe/London"]
    )
    assert ensure_number(dialer.office.db, dialer.keyring, number, NOW) == lead.number_id
    dialer.office.campaign(countries=["GB"])
    assert len(await dialer.claim(NOW.replace(hour=12))) == 1
