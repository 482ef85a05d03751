"""Caller ids as the page reads them, and as a person changes them, with the app's own login."""

from datetime import timedelta
from typing import Any

import pytest

from app.queries import caller_ids as queries
from app.queries.engine import open_engine
from tests.factories import NOW, Office, login_url
from voice_ai.db.connect import connect
from voice_ai.errors import NotFound
from voice_ai.store import caller_ids as store
from voice_ai.vault import Keyring


def dialed(office: Office, line: int, answered: int, dials: int) -> None:
    """Ended dials shown under that number, one a minute, the answered ones spread evenly."""
    office.db.execute(
        "INSERT INTO attempts (id, month, campaign_id, lead_id, number_id, attempt_no,"
        " caller_id_number, worker_id, state, event_seq, version, slot_at, intended_at,"
        " answered_at, ended_at, disposition, late, rehearsal)"
        " SELECT gen_random_uuid(), '2026-11-01', cl.campaign_id, cl.lead_id, cl.number_id,"
        "  1000 * %(line)s + n, %(line)s, gen_random_uuid(), 'ended', 1, 1, at, at,"
        "  CASE WHEN a THEN at END, at + interval '40 seconds',"
        "  CASE WHEN a THEN 'conversed_no_goal' ELSE 'no_answer' END, false, true"
        " FROM campaign_leads cl, generate_series(1, %(dials)s) n,"
        "  LATERAL (SELECT %(now)s - n * interval '1 minute' AS at,"
        "           (n * %(answered)s) / %(dials)s > ((n - 1) * %(answered)s) / %(dials)s AS a) x",
        {"line": line, "dials": dials, "answered": answered, "now": NOW},
    )


def lines(url: str) -> list[queries.Line]:
    engine = open_engine(url)
    with engine.connect() as connection:
        found = queries.lines(connection, rehearsal=True, now=NOW, today=NOW - timedelta(hours=14))
    engine.dispose()
    return found


@pytest.fixture
def home(database_url: str, keyring: Keyring) -> Any:
    with Office(database_url, keyring) as office:
        office.db.execute("SET session_replication_role = replica")  # attempts of no worker
        office.leads(1)
        office.campaign(start=False)
        yield office


def test_a_number_is_held_against_the_sellers_other_ones(home: Office, database_url: str) -> None:
    first, second = [row["number_id"] for row in home.rows("SELECT number_id FROM caller_ids")]
    dialed(home, first, answered=60, dials=120)
    dialed(home, second, answered=6, dials=60)
    one, two = sorted(lines(database_url), key=lambda line: line.number_id != first)
    assert (one.today, two.today) == (120, 60)
    assert (one.answered.n, one.answered.k) == (100, 50)
    assert (one.pool.n, one.pool.k) == (60, 6)
    assert (two.pool.n, two.pool.k) == (120, 60)
    assert one.health.verdict == "ok"
    assert two.health.verdict == "cool"
    assert len(one.days) == queries.LINE_DAYS
    assert one.days[-1] == 0.5
    assert one.days[0] is None


def test_a_number_without_a_dial_says_so(home: Office, database_url: str) -> None:
    (line, _) = lines(database_url)
    assert (line.today, line.health.score, line.answered.value) == (0, None, None)
    assert line.in_words == "warming"


def test_a_person_retires_a_number_and_brings_it_back(
    home: Office, database_url: str, keyring: Keyring
) -> None:
    (line, _) = lines(database_url)
    with connect(login_url(database_url, "app", keyring), autocommit=True) as db:
        assert store.retire(db, line.number_id, by="ana", now=NOW)
        assert not store.retire(db, line.number_id, by="ana", now=NOW)
        retired = next(one for one in lines(database_url) if one.number_id == line.number_id)
        assert (retired.in_words, retired.standing) == ("retired", line.standing)
        assert store.bring_back(db, line.number_id, by="ana", now=NOW)
        with pytest.raises(NotFound):
            store.retire(db, 0, by="ana", now=NOW)
    back = next(one for one in lines(database_url) if one.number_id == line.number_id)
    assert (back.active, back.standing) == (True, "warming")
