"""A start waits for its pre-flight: green and amber let it go on, red refuses it, nothing waits
for ever, and a stop that comes meanwhile has the last word."""

from datetime import timedelta
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from dialer.obey import obey_commands
from tests.factories import NOW
from tests.integration.dialer_parts import House
from voice_ai.ids import CampaignId
from voice_ai.preflight import Check, Light, as_rows
from voice_ai.store import preflights
from voice_ai.store.campaigns import CommandKind, ask

pytest_plugins = ("tests.integration.dialer_fixtures",)

PATIENCE = timedelta(seconds=60)
RED = Check("machines.server", "machines", "Server", Light.RED, "none is alive", "Start one.")
AMBER = Check("list.age", "list", "Age of the list", Light.AMBER, "91 days", "Import anew.")


async def obey(dialer: House) -> int:
    async with dialer.pool.connection() as db:
        return await obey_commands(
            db, dialer.carrier, dialer.clock.now(), preflight_patience=PATIENCE
        )


def draft(dialer: House) -> CampaignId:
    dialer.office.leads(2)
    return dialer.office.campaign(start=False)


def tell(dialer: House, kind: CommandKind, campaign_id: CampaignId | None) -> int:
    return ask(dialer.office.db, kind, campaign_id, by="ana", now=dialer.clock.now())


def outcome(dialer: House, command_id: int) -> str | None:
    row = dialer.office.row("SELECT outcome FROM commands WHERE id = %s", command_id)
    return None if row["outcome"] is None else str(row["outcome"])


def state(dialer: House) -> str:
    return str(dialer.office.row("SELECT state FROM campaigns")["state"])


def preflight(dialer: House) -> dict[str, Any]:
    return dialer.office.row("SELECT * FROM preflights")


def finish(dialer: House, light: Light, *checks: Check) -> None:
    dialer.office.db.execute(
        "UPDATE preflights SET light = %s, checks = %s, finished_at = %s",
        (light, Jsonb(as_rows(checks)), NOW),
    )


async def test_a_start_waits_until_its_preflight_is_finished(dialer: House) -> None:
    command_id = tell(dialer, "start", draft(dialer))
    for _ in range(3):
        assert await obey(dialer) == 0
        assert state(dialer) == "draft"
    assert preflight(dialer)["command_id"] == command_id
    assert preflight(dialer)["asked_by"] == "ana"
    finish(dialer, Light.GREEN)
    assert await obey(dialer) == 1
    assert state(dialer) == "running"
    assert outcome(dialer, command_id) == "running: Spring"


async def test_amber_goes_on_and_says_so(dialer: House) -> None:
    command_id = tell(dialer, "start", draft(dialer))
    await obey(dialer)
    finish(dialer, Light.AMBER, AMBER)
    await obey(dialer)
    assert outcome(dialer, command_id) == "running: Spring; pre-flight is amber: Age of the list"


async def test_red_refuses_and_says_how_to_mend_it(dialer: House) -> None:
    campaign_id = draft(dialer)
    command_id = tell(dialer, "start", campaign_id)
    await obey(dialer)
    finish(dialer, Light.RED, RED, AMBER)
    await obey(dialer)
    assert state(dialer) == "draft"
    told = "refused: pre-flight is red: Server: none is alive. Start one."
    assert outcome(dialer, command_id) == told
    # Mended and asked again, it is checked again.
    again = tell(dialer, "start", campaign_id)
    assert await obey(dialer) == 0
    rows = dialer.office.rows("SELECT command_id FROM preflights ORDER BY command_id")
    assert [row["command_id"] for row in rows] == [command_id, again]


async def test_a_start_does_not_wait_for_ever(dialer: House) -> None:
    command_id = tell(dialer, "start", draft(dialer))
    await obey(dialer)
    dialer.clock.advance(59)
    assert await obey(dialer) == 0
    assert outcome(dialer, command_id) is None
    dialer.clock.advance(2)
    await obey(dialer)
    assert state(dialer) == "draft"
    assert "were not finished within 60 s" in (outcome(dialer, command_id) or "")
    assert preflight(dialer)["light"] == "red"
    assert preflight(dialer)["finished_at"] is not None


@pytest.mark.parametrize("kind", ["pause", "drain", "stop", "emergency_stop"])
@pytest.mark.parametrize("everything", [True, False])
async def test_a_stop_that_comes_while_a_start_waits_has_the_last_word(
    dialer: House, kind: CommandKind, everything: bool
) -> None:
    campaign_id = draft(dialer)
    command_id = tell(dialer, "start", campaign_id)
    await obey(dialer)
    tell(dialer, kind, None if everything else campaign_id)
    await obey(dialer)
    finish(dialer, Light.GREEN)
    await obey(dialer)
    assert state(dialer) != "running"
    assert (outcome(dialer, command_id) or "").startswith("refused")


async def test_other_commands_do_not_wait_behind_a_start(dialer: House) -> None:
    tell(dialer, "start", draft(dialer))
    dialer.office.leads(1, name="autumn")
    other = dialer.office.campaign("Autumn", leads="autumn")
    stop = tell(dialer, "emergency_stop", other)
    assert await obey(dialer) == 1
    assert outcome(dialer, stop) == "emergency_stopped: Autumn"


@pytest.mark.parametrize("stands", ["running", "paused", "emergency_stopped"])
async def test_a_start_that_changes_nothing_is_answered_without_a_preflight(
    dialer: House, stands: str
) -> None:
    campaign_id = draft(dialer)
    dialer.office.set_state(campaign_id, stands)
    command_id = tell(dialer, "start", campaign_id)
    await obey(dialer)
    assert outcome(dialer, command_id) is not None
    assert dialer.office.rows("SELECT FROM preflights") == []


async def test_a_page_and_a_command_that_ask_together_look_at_the_same(dialer: House) -> None:
    campaign_id, db = draft(dialer), dialer.office.db
    first = preflights.ask(db, campaign_id, by="ana", now=NOW)
    assert preflights.ask(db, campaign_id, by="ben", now=NOW) == first
    assert preflights.latest(db, campaign_id, finished=True) is None
    finish(dialer, Light.AMBER, AMBER)
    seen = preflights.wait_for(db, first, timeout=0)
    assert (seen.light, seen.checks) == (Light.AMBER, (AMBER,))
    assert preflights.latest(db, campaign_id) == seen
    assert preflights.ask(db, campaign_id, by="ben", now=NOW) != first
