"""What the flows do, without Prefect: scores, days in figures, taking an import back."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from pipelines.flow_list import FLOWS, checked
from pipelines.imports import import_leads
from pipelines.scores import RULE, score_leads
from pipelines.summaries import summarise_days
from pipelines.undo import undo_import
from tests.factories_app import START, CampaignFactory
from voice_ai.db import upgrade
from voice_ai.db.connect import Db, connect
from voice_ai.db.roles import role_name
from voice_ai.errors import BadInput, NotFound, Refused
from voice_ai.store import flow_requests as store
from voice_ai.vault import Keyring

NOW = START + timedelta(hours=2)


@pytest.fixture
def flows_url(database_url: str, keyring: Keyring) -> str:
    """The login of the flows, so that a right that is missing is noticed here."""
    upgrade(database_url, keyring)
    name = database_url.rpartition("/")[2].partition("?")[0]
    scheme, _, rest = database_url.partition("://")
    place = rest.rpartition("@")[2]
    login = f"{role_name(name, 'flows')}:{keyring.password_for('flows')}"
    return f"{scheme}://{login}@{place}"


@pytest.fixture
def db(database_url: str) -> Iterator[Db]:
    with connect(database_url, autocommit=True) as connection:
        yield connection


def one(db: Db, query: str, *values: object) -> int:
    row = db.execute(query, values).fetchone()
    assert row is not None
    return int(next(iter(row.values())))


def test_leads_like_those_who_picked_up_come_first(flows_url: str, db: Db) -> None:
    campaign = CampaignFactory(db).campaign("Spring", leads=200, dialed=120, live=0)
    db.execute("UPDATE campaign_leads SET priority = 0.5 WHERE position = 199")
    made = score_leads(flows_url, now=NOW, campaign="Spring")
    assert made["rule"] == RULE
    assert made["campaigns"][0]["dials"] > 100
    assert made["scored"] == 200
    kept = db.execute(
        "SELECT cl.priority, s.priority AS score, s.rule, s.model_version FROM campaign_leads cl"
        " JOIN lead_scores s USING (campaign_id, lead_id) WHERE cl.campaign_id = %s",
        (campaign,),
    ).fetchall()
    assert len(kept) == 200
    assert all(row["priority"] == row["score"] and row["rule"] == RULE for row in kept)
    assert {row["model_version"] for row in kept} == {None}
    assert len({row["priority"] for row in kept}) > 1
    assert all(0 <= row["priority"] % 1 <= 0.99 for row in kept)
    again = score_leads(flows_url, now=NOW, campaign="Spring")
    assert again["campaigns"][0]["moved"] == 0


def test_without_a_dial_the_order_of_the_list_stands(flows_url: str, db: Db) -> None:
    CampaignFactory(db).campaign("Quiet", leads=10, dialed=0, live=0)
    made = score_leads(flows_url, now=NOW)
    (quiet,) = made["campaigns"]
    assert (quiet["campaign"], quiet["dials"], quiet["scored"]) == ("Quiet", 0, 0)
    with pytest.raises(NotFound):
        score_leads(flows_url, now=NOW, campaign="Unknown")


def test_a_rehearsal_teaches_nothing_to_a_live_campaign(flows_url: str, db: Db) -> None:
    CampaignFactory(db).campaign("Rehearsed", leads=60, dialed=40)
    CampaignFactory(db, seed=9).campaign("Live", leads=10, dialed=0, live=0, rehearsal=False)
    live = score_leads(flows_url, now=NOW, campaign="Live")["campaigns"][0]
    assert live["dials"] == 0


def test_days_are_counted_and_counted_again(flows_url: str, db: Db) -> None:
    CampaignFactory(db).campaign("Spring", leads=60, dialed=40)
    made = summarise_days(flows_url, now=NOW, days=2)
    dials = made["campaigns"][0]["dials"]
    assert dials == one(db, "SELECT sum(dials) FROM v_campaign_day")
    assert summarise_days(flows_url, now=NOW, days=2) == made
    assert one(db, "SELECT count(*) FROM daily_summaries") == made["days"]
    assert summarise_days(flows_url, now=NOW - timedelta(days=30))["campaigns"] == []
    with pytest.raises(BadInput):
        summarise_days(flows_url, now=NOW, days=0)


@pytest.fixture
def imported(
    flows_url: str, keyring: Keyring, db: Db, tmp_path_factory: pytest.TempPathFactory
) -> UUID:
    file = tmp_path_factory.mktemp("leads") / "leads.csv"
    file.write_text("name,phone,state\nA,212-555-0142,NY\nB,(312) 555-0199,IL\nC,12,IL\n")
    import_leads(
        flows_url,
        keyring,
        file,
        list_name="Spring leads",
        rehearsal=True,
        consent_kind="rehearsal",
        attested_by="test",
        home=file.parent,
        now=NOW,
    )
    row = db.execute("SELECT id FROM import_runs").fetchone()
    assert row is not None
    return UUID(str(row["id"]))


def test_an_import_that_nobody_called_is_taken_back(flows_url: str, db: Db, imported: UUID) -> None:
    made = undo_import(flows_url, imported, now=NOW)
    assert made["leads"] == 2
    assert one(db, "SELECT count(*) FROM leads") == 0
    assert one(db, "SELECT count(*) FROM import_rejects") == 1
    assert one(db, "SELECT count(*) FROM numbers") == 2
    with pytest.raises(Refused, match="taken back already"):
        undo_import(flows_url, imported, now=NOW)
    with pytest.raises(NotFound):
        undo_import(flows_url, uuid4(), now=NOW)
    with pytest.raises(BadInput):
        undo_import(flows_url, "yesterday's", now=NOW)


def test_leads_that_were_called_or_decided_about_stay(flows_url: str, db: Db) -> None:
    CampaignFactory(db).campaign("Spring", leads=10, dialed=3, live=1)
    run = db.execute("SELECT id FROM import_runs").fetchone()
    assert run is not None
    with pytest.raises(Refused, match="leads of this import are called already"):
        undo_import(flows_url, run["id"], now=NOW)
    CampaignFactory(db, seed=2).campaign("Quiet", leads=3, dialed=0, live=0)
    quiet = db.execute("SELECT id FROM import_runs WHERE file_sha256 = 'Quiet'").fetchone()
    assert quiet is not None
    with pytest.raises(Refused, match="ledger"):
        undo_import(flows_url, quiet["id"], now=NOW)
    assert one(db, "SELECT count(*) FROM leads") == 13


def test_each_request_is_taken_once_and_a_flow_runs_once_at_a_time(db: Db) -> None:
    worker = uuid4()
    first = store.ask(db, "score-leads", {}, by="test", now=NOW)
    second = store.ask(db, "score-leads", {}, by="test", now=NOW + timedelta(seconds=1))
    other = store.ask(db, "daily-summary", {}, by="test", now=NOW + timedelta(seconds=2))
    taken = [store.claim(db, worker, now=NOW) for _ in range(3)]
    assert [row["id"] for row in taken if row] == [first, other]
    store.tell(db, first, 0.5, "half way")
    assert store.look(db, first)["progress"] == 0.5
    assert store.finish(db, first, "done", None, now=NOW, result={"scored": 1})
    assert not store.finish(db, first, "failed", "too late", now=NOW)
    assert store.look(db, first)["message"] == "half way"
    next_one = store.claim(db, worker, now=NOW)
    assert next_one is not None
    assert next_one["id"] == second


def test_what_a_dead_process_ran_is_interrupted_and_what_a_live_one_runs_is_not(db: Db) -> None:
    row = db.execute(
        "INSERT INTO workers (kind, host, pid, lock_key, started_at, seen_at)"
        " VALUES ('flows', 'test', 1, 77, now(), now() - interval '1 minute') RETURNING id"
    ).fetchone()
    assert row is not None
    request = store.ask(db, "score-leads", {}, by="test", now=NOW)
    assert store.claim(db, row["id"], now=NOW)
    db.execute("SELECT pg_advisory_lock(77)")
    assert store.interrupt_dead(db, now=NOW) == []
    db.execute("SELECT pg_advisory_unlock(77)")
    assert [dead["id"] for dead in store.interrupt_dead(db, now=NOW)] == [request]
    assert store.look(db, request)["message"] == store.INTERRUPTED


def test_the_list_of_flows_names_every_flow_and_checks_what_is_given() -> None:
    assert tuple(FLOWS) == store.FLOW_NAMES
    assert checked("daily-summary", {"days": "7"}) == {"days": 7}
    order = {"action": "canary", "name": "intent", "version": "3", "share": "2.5"}
    assert checked("model-order", order)["share"] == 2.5
    assert checked("train-model", {"name": "intent", "embeddings": "yes"})["embeddings"] is True
    assert checked(
        "import-leads", {"file": "/a.csv", "list_name": "A", "mapping": '{"phone": "T"}'}
    )["mapping"] == {"phone": "T"}
    for flow, given in (
        ("daily-summary", {"days": "many"}),
        ("build-report", {}),
        ("model-order", {**order, "share": "a tenth"}),
        ("train-model", {"name": "intent", "embeddings": "perhaps"}),
        ("build-report", {"colour": "red"}),
        ("unknown", {}),
    ):
        with pytest.raises(BadInput):
            checked(flow, given)


def test_utc_is_the_day_of_a_summary(flows_url: str) -> None:
    evening = datetime(2026, 11, 24, 23, 30, tzinfo=UTC)
    assert summarise_days(flows_url, now=evening, days=1)["last"] == "2026-11-24"
