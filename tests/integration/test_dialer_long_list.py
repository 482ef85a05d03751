"""200 000 leads in one list: what people and workers do all day does not read all of it."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from app.queries import waterfall
from dialer.obey import obey_commands
from tests.factories import NOW
from tests.integration.dialer_parts import House
from voice_ai.db import queries
from voice_ai.ids import CampaignId
from voice_ai.store.campaigns import CommandKind, ask

# What the page reads, as psycopg wants its parameters.
_STANDINGS = waterfall._STANDINGS.replace(":now", "%(now)s").replace(":campaign", "%(campaign_id)s")
pytest_plugins = ("tests.integration.dialer_fixtures",)

LEADS = 200_000
_STEPS: tuple[tuple[CommandKind, str], ...] = (
    ("start", "running"),
    ("pause", "paused"),
    ("resume", "running"),
)
# A claim looks at 200 of each kind, and locks what it chooses.
FEW = 1_000


def long_list(dialer: House, next_allowed_at: str) -> CampaignId:
    """A running campaign whose leads wait as the expression over `i` says."""
    dialer.office.leads(1)
    campaign_id = dialer.office.campaign()
    db = dialer.office.db
    db.execute("SET session_replication_role = replica")  # loads without checking references
    db.execute(
        "INSERT INTO campaign_leads (campaign_id, lead_id, number_id, state, priority, position,"
        " attempts, next_allowed_at, decision_key, updated_at)"
        " SELECT %(campaign)s, 1000000 + i, 1000000 + i, 'ready', i %% 7, i, 0,"
        f" {next_allowed_at}, CASE WHEN i %% 3 > 0 THEN 'HOURS_CLOSED' END, %(now)s"
        f" FROM generate_series(1, {LEADS}) i",
        {"campaign": campaign_id, "now": NOW},
    )
    db.execute("RESET session_replication_role")
    db.execute("ANALYZE campaign_leads, attempts")
    return campaign_id


def plan_of(dialer: House, query: str, values: dict[str, Any]) -> list[dict[str, Any]]:
    """Every node of the plan, as it was really executed."""
    explain = "EXPLAIN (ANALYZE, TIMING OFF, SUMMARY OFF, FORMAT JSON) "
    row = dialer.office.db.execute(explain + query, values).fetchone()
    assert row is not None

    def walk(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
        yield node
        for below in node.get("Plans", ()):
            yield from walk(below)

    return list(walk(row["QUERY PLAN"][0]["Plan"]))


def leads_read(plan: list[dict[str, Any]]) -> float:
    """Rows of campaign_leads that were looked at, also those that a filter put aside."""
    read: float = sum(
        (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
        for node in plan
        if node.get("Relation Name") == "campaign_leads"
    )
    return read


@pytest.mark.parametrize(
    ("next_allowed_at", "index"),
    [
        ("NULL::timestamptz", "ix_campaign_leads_fresh"),
        # All at once, as after a night; and most of them not before tomorrow.
        ("%(now)s - interval '1 hour'", "ix_campaign_leads_waiting"),
        (
            "%(now)s + CASE WHEN i %% 400 = 0 THEN -i ELSE i END * interval '1 second'",
            "ix_campaign_leads_waiting",
        ),
    ],
    ids=["never put off", "all due at once", "most of them waiting"],
)
def test_a_claim_reads_few_of_many_leads(dialer: House, next_allowed_at: str, index: str) -> None:
    campaign_id = long_list(dialer, next_allowed_at)
    values = {"campaign_id": campaign_id, "now": NOW, "fresh": True, "limit": 200}
    plan = plan_of(dialer, queries("claims").lock_ready_leads, values)
    assert index in {node.get("Index Name") for node in plan}
    assert "Seq Scan" not in {
        node["Node Type"] for node in plan if node.get("Relation Name") == "campaign_leads"
    }
    assert plan[0]["Actual Rows"] == 200
    assert leads_read(plan) <= FEW


async def test_start_and_pause_touch_no_lead(dialer: House) -> None:
    """They are obeyed while somebody has locked every lead against everybody."""
    dialer.office.leads(3)
    campaign_id = dialer.office.campaign(start=False)
    locker = psycopg.connect(dialer.office.db.info.dsn, password=dialer.office.db.info.password)
    with locker, locker.transaction():
        locker.execute("LOCK TABLE campaign_leads, leads, numbers IN ACCESS EXCLUSIVE MODE")
        for kind, state in _STEPS:
            ask(dialer.office.db, kind, campaign_id, by="test", now=dialer.clock.now())
            async with dialer.pool.connection() as db:
                await db.execute("SET lock_timeout = '5s'")
                await db.commit()
                assert await obey_commands(db, dialer.carrier, dialer.clock.now()) == 1
            found = dialer.office.row("SELECT state FROM campaigns WHERE id = %s", campaign_id)
            assert found == {"state": state}


def test_the_waterfall_reads_the_list_once(dialer: House) -> None:
    campaign_id = long_list(dialer, "%(now)s + (i %% 40) * interval '1 hour'")
    for query in (queries("standing").leads_by_wait, _STANDINGS):
        plan = plan_of(dialer, query, {"campaign_id": campaign_id, "now": NOW})
        scans = [node for node in plan if node.get("Relation Name") == "campaign_leads"]
        assert len(scans) == 1
        # Counted in memory: nothing sorts the leads, nothing asks about one of them.
        assert leads_read(plan) <= LEADS + FEW
        assert not any(node.get("Subplan Name") or node.get("Disk Usage") for node in plan)
        assert max(n["Actual Rows"] for n in plan if n["Node Type"] == "Sort") <= FEW


@pytest.mark.parametrize("analyzed", [True, False], ids=["analyzed", "fresh table"])
def test_facts_of_a_lead_are_found_by_its_number(dialer: House, *, analyzed: bool) -> None:
    """A plan that walks over the campaign's dials makes every claim slower than the one before."""
    leads = dialer.office.leads(100)
    campaign_id = dialer.office.campaign()
    db = dialer.office.db
    db.execute("SET session_replication_role = replica")
    db.execute(
        "INSERT INTO attempts (id, month, campaign_id, lead_id, number_id, attempt_no,"
        " caller_id_number, worker_id, state, event_seq, version, slot_at, intended_at, late,"
        " rehearsal, disposition) SELECT gen_random_uuid(), '2026-11-01', %(campaign)s,"
        " 1000000 + i, 1000000 + i, 1, 1, gen_random_uuid(), 'ended', 1, 1, %(now)s, %(now)s,"
        " false, true, 'busy' FROM generate_series(1, 5000) i",
        {"campaign": campaign_id, "now": NOW},
    )
    db.execute("RESET session_replication_role")
    if analyzed:
        db.execute("ANALYZE attempts")
    values = {
        "campaign_id": campaign_id,
        "lead_ids": [lead.id for lead in leads],
        "now": NOW,
        "attempt_id": None,
        "sources": [],
    }
    plan = plan_of(dialer, queries("facts").lead_facts, values)
    (dials,) = [node for node in plan if node.get("Relation Name") == "attempts"]
    assert dials["Index Name"] == "ix_attempts_number_time"
    assert dials["Actual Rows"] + dials.get("Rows Removed by Filter", 0) == 0
