"""Listening on a real database: conversations judged, a sample, scores kept, agreement told."""

from datetime import date, timedelta
from typing import Any

import pytest

from tests.factories_app import CONVERSED, START, CampaignFactory
from voice_ai.conversation import builtin_scripts
from voice_ai.db import upgrade
from voice_ai.db.connect import Db, connect
from voice_ai.errors import BadInput
from voice_ai.qa.card import default_card
from voice_ai.store import qa
from voice_ai.vault import Keyring

CARD = default_card()
DAY = date(2026, 11, 24)


@pytest.fixture
def db(database_url: str, keyring: Keyring) -> Any:
    upgrade(database_url, keyring)
    with connect(database_url, autocommit=True) as connection:
        CampaignFactory(connection, seed=3).campaign("Spring survey", leads=80, dialed=60, live=2)
        script = builtin_scripts()["satisfaction_survey"]
        connection.execute("UPDATE campaign_versions SET script = %s", (script,))
        # As the factory talks: the first sentence says who calls, the rest is not the opening.
        connection.execute("UPDATE turns SET node = 'opening', heard_fraction = 1 WHERE index = 0")
        connection.execute("UPDATE turns SET node = 'rate' WHERE index > 0")
        connection.execute("UPDATE attempts SET answered_at = intended_at")
        yield connection


def test_every_conversation_is_judged_by_what_is_known(db: Db) -> None:
    day = qa.listening(db, CARD, DAY, rehearsal=True)
    talked = db.execute(
        "SELECT count(*) AS n FROM attempts WHERE disposition = ANY(%s)", (list(CONVERSED),)
    ).fetchone()
    assert talked is not None
    assert len(day.calls) == talked["n"] > 20
    for call in day.calls.values():
        assert call.gates["identified"] == "pass"
        # The disclosure was not heard although the call went on.
        assert call.gates["ai_disclosed"] == "fail"
        assert call.gates["no_false_claim"] is None
        assert call.gates["hours_ok"] is None
        assert call.judgement.passed is False
    goals = [c for c in day.calls.values() if c.row["disposition"] == "goal"]
    assert {call.scores["progress"] for call in goals} == {1.0}
    assert len(day.picks) == 20
    assert qa.listening(db, CARD, DAY, rehearsal=True).picks == day.picks
    assert qa.listening(db, CARD, DAY, rehearsal=False).calls == {}
    assert qa.last_day(db, rehearsal=True) == DAY


def test_scores_are_added_and_the_newest_of_a_scorer_counts(db: Db) -> None:
    day = qa.listening(db, CARD, DAY, rehearsal=True)
    call = day.calls[day.picks[0].attempt_id]
    now = START + timedelta(days=1)

    def score(by: str, tone: float, note: str | None = None) -> None:
        qa.save_with_auto(
            db,
            CARD,
            call,
            by=by,
            gates={"identified": "pass", "ai_disclosed": "pass"},
            scores={"tone": tone},
            note=note,
            now=now,
        )

    score("ana", 0.2)
    score("ana", 0.8, "better than I thought")
    score("ben", 1.0)
    found = {row["scored_by"]: row for row in qa.scores_of(db, [call.attempt_id])}
    assert set(found) == {"ana", "ben", "facts-1"}
    assert (found["ana"]["total"], found["ana"]["note"]) == (80.0, "better than I thought")
    assert found["ana"]["passed"] is None
    told = qa.agreements(db, CARD)
    # Both listeners judged the same two gates alike; facts disagree on one of two, for each.
    assert (told["people"].n, told["people"].observed) == (2, 1.0)
    assert (told["facts"].n, told["facts"].observed) == (4, 0.5)


def test_an_empty_score_is_refused(db: Db) -> None:
    day = qa.listening(db, CARD, DAY, rehearsal=True)
    call = day.calls[day.picks[0].attempt_id]
    with pytest.raises(BadInput, match="nothing is judged"):
        qa.save_with_auto(db, CARD, call, by="ana", gates={}, scores={}, note="hm", now=START)
    assert qa.scores_of(db, [call.attempt_id]) == []
