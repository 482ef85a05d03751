"""The waterfall: every lead once, by outcome or by the last word about it."""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from app.charts_waterfall import attempts_chart, step_words, waterfall_chart
from app.queries import waterfall as queries
from app.queries.engine import open_engine
from app.queries.waterfall import Part, Standing, waterfall
from tests.factories import NOW, Office
from voice_ai.vault import Keyring

LATER = datetime(2026, 11, 25, 13, 0, tzinfo=UTC)
STANDINGS = (
    Standing("done", "goal", None, False, 1, 10, None),
    Standing("done", "no_answer", None, False, 6, 5, None),
    Standing("done", None, "DNC_INTERNAL", False, 0, 4, None),
    Standing("calling", "busy", None, False, 2, 3, None),
    Standing("ready", "busy", "ALLOW", False, 1, 7, LATER + timedelta(hours=1)),
    Standing("ready", None, "HOURS_CLOSED+FREQ_GAP", False, 0, 8, LATER),
    Standing("ready", None, "HOURS_CLOSED", True, 0, 2, None),
    Standing("ready", None, None, True, 0, 20, None),
)


def test_every_lead_is_counted_once_and_each_bar_begins_where_the_last_ended() -> None:
    seen = waterfall(STANDINGS, cap=6)
    assert [(step.part, step.code, step.leads, step.before) for step in seen.steps] == [
        ("all", "all", 59, 59),
        ("done", "goal", 10, 59),
        ("done", "unanswered", 5, 49),
        ("refused", "DNC_INTERNAL", 4, 44),
        ("calling", "calling", 3, 40),
        ("waiting", "HOURS_CLOSED+FREQ_GAP", 8, 37),
        ("waiting", "RETRY_LATER", 7, 29),
        ("callable", "callable", 22, 22),
    ]
    assert seen.next_at == LATER
    assert seen.attempts == ((0, 34), (1, 17), (2, 3), (6, 5))
    assert seen.at_cap == 5


def test_an_empty_campaign_has_two_empty_bars() -> None:
    seen = waterfall([], cap=None)
    assert [step.leads for step in seen.steps] == [0, 0]
    assert seen.next_at is None


def test_bars_are_named_for_people() -> None:
    names = [step_words(step) for step in waterfall(STANDINGS, cap=6).steps]
    assert names[1] == "Done: Goal reached"
    assert names[3] == "Never: On the do-not-call list"
    assert names[5] == "Waiting: Outside calling hours, Called too recently"
    assert names[-1] == "May be called now"


def test_the_charts_say_every_figure() -> None:
    seen = waterfall(STANDINGS, cap=6)
    drawn = waterfall_chart(seen, "light").to_json()
    assert all(f'"{step.leads:,}"' in drawn for step in seen.steps)
    assert "May be called now" in drawn
    assert "datum.attempts < 6" in attempts_chart(seen.attempts, 6, "dark").to_json()


def test_it_is_counted_by_the_database_in_one_scan(database_url: str, keyring: Keyring) -> None:
    with Office(database_url, keyring) as office:
        leads = office.leads(5)
        campaign_id = office.campaign(start=False)
        set_to = "UPDATE campaign_leads SET state = %s, decision_key = %s, next_allowed_at = %s"
        for lead, row in zip(
            leads,
            (
                ("ready", "HOURS_CLOSED", LATER),
                ("ready", "HOURS_CLOSED", NOW),
                ("done", "DNC_INTERNAL", None),
                ("calling", "ALLOW", None),
            ),
            strict=False,
        ):
            office.db.execute(f"{set_to} WHERE lead_id = %s", (*row, lead.id))
    engine = open_engine(database_url)
    with engine.connect() as connection:
        seen = queries.read(connection, campaign_id, NOW)
        plan = "\n".join(
            str(row[0])
            for row in connection.execute(
                sa.text(f"EXPLAIN {queries._STANDINGS}"), {"campaign": campaign_id, "now": NOW}
            )
        )
    engine.dispose()
    parts: tuple[Part, ...] = ("all", "refused", "calling", "waiting", "callable")
    assert [seen.leads(part) for part in parts] == [5, 1, 1, 1, 2]
    assert seen.next_at == LATER
    assert seen.cap == 6
    assert "Join" not in plan
    assert "Nested" not in plan
