"""The generated history: the same from a seed, true to itself, and to what was planted."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines.generate import planted
from pipelines.generate.plan import Ask, campaigns
from pipelines.generate.to_lake import batches, write
from pipelines.lake.read import Lake
from pipelines.lake.store import open_store
from tests.factories_lake import NOW, shared_lake, small_lake
from voice_ai.errors import BadInput, Refused
from voice_ai.intervals import wilson

CALLS = 30_000


@pytest.fixture(scope="module")
def lake() -> Lake:
    return shared_lake(CALLS)


def test_a_seed_gives_the_same_rows_and_another_seed_others() -> None:
    def rows(seed: int) -> list[pl.DataFrame]:
        return [frame for b in batches(Ask(500, seed, months=2)) for frame in b.rows.values()]

    assert all(one.equals(two) for one, two in zip(rows(3), rows(3), strict=True))
    assert not rows(3)[0].equals(rows(4)[0])


def test_the_rows_of_a_lead_add_up(lake: Lake) -> None:
    asked = """
        SELECT count(*) AS calls, count(DISTINCT attempt_id) AS ids,
               count(DISTINCT lead_id) FILTER (WHERE {0}) - count(*) FILTER (WHERE first_{1}) AS off
        FROM attempts"""
    for flag, first in (
        ("reached_carrier", "dial"),
        ("answered", "answered"),
        ("human_answered", "human"),
        ("right_party", "right_party"),
        ("conversed", "conversed"),
        ("goal", "goal"),
    ):
        assert lake.sql(asked.format(flag, first)).row(0) == (CALLS, CALLS, 0)
    wrong = """
        WITH a AS (SELECT *, count(*) FILTER (WHERE reached_carrier) OVER (PARTITION BY lead_id
                   ORDER BY intended_at ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS dials,
                   row_number() OVER (PARTITION BY lead_id ORDER BY intended_at) AS place,
                   lag(disposition) OVER (PARTITION BY lead_id ORDER BY intended_at) AS last
                   FROM attempts)
        SELECT count(*) FROM a LEFT JOIN dispositions d ON d.code = a.last
        WHERE dials_before <> dials OR attempt_no <> place OR d.terminal
           OR local_hour NOT BETWEEN 9 AND 19 OR ended_at < intended_at OR loaded_at > intended_at
           OR dials_before > 5 OR (dials_before = 0) <> (previous_dial_at IS NULL)
           OR human_before AND first_human"""
    assert lake.sql(wrong).item() == 0


def test_turns_events_and_calls_belong_to_their_attempt(lake: Lake) -> None:
    lost = """
        SELECT (SELECT count(*) FROM attempts WHERE reached_carrier) - (SELECT count(*) FROM calls),
               (SELECT count(*) FROM attempts)
                   - (SELECT count(*) FROM events WHERE kind = 'call_ended'),
               (SELECT sum(agent_turns + caller_turns)::bigint FROM attempts)
                   - (SELECT count(*) FROM turns),
               (SELECT count(*) FROM turns t JOIN attempts a USING (attempt_id)
                WHERE t.started_at < a.answered_at OR t.ended_at > a.ended_at),
               (SELECT count(*) FROM events
                WHERE occurred_at IS NULL OR NOT coalesce(json_valid(payload), false))"""
    assert lake.sql(lost).row(0) == (0, 0, 0, 0, 0)
    per_call = lake.sql("SELECT (SELECT count(*) FROM events) / (SELECT count(*) FROM attempts)")
    assert 5 <= per_call.item() < 6


def test_each_decision_knows_the_one_before(lake: Lake) -> None:
    wrong = """
        WITH d AS (SELECT *, lag(allow) OVER w AS allowed, lag(reasons) OVER w AS why
                   FROM decisions
                   WINDOW w AS (PARTITION BY lead_id ORDER BY decided_at, decision_id))
        SELECT count(*) FILTER (WHERE allow_before IS DISTINCT FROM allowed
                                OR reasons_before IS DISTINCT FROM why
                                OR allow_before IS NULL AND dialed_before),
               count(*) FILTER (WHERE attempt_id IS NOT NULL),
               count(*) FILTER (WHERE NOT allow) > 0 FROM d"""
    assert lake.sql(wrong).row(0) == (0, CALLS, True)


def test_the_planted_effects_are_found_again(lake: Lake) -> None:
    first = campaigns(Ask(CALLS, 7, 2, 3))[0]
    assert first.bad_since is not None
    clean = f"NOT (caller_id = '{first.caller_ids[1]}' AND local_day >= '{first.bad_since}')"
    by_hour = lake.sql(
        "SELECT local_hour AS hour, avg(human_answered::int) AS rate FROM attempts"
        f" WHERE reached_carrier AND {clean} GROUP BY ALL ORDER BY rate DESC"
    )
    assert set(by_hour["hour"][:2]) == set(planted.BEST_HOURS)
    cells = lake.sql(
        "SELECT list, dials_before, sum(human_answered::int)::int AS k, count(*) AS n, sum(chance)"
        f" AS want FROM (SELECT *, {_chance()} AS chance FROM attempts WHERE {clean}) GROUP BY ALL"
    )
    outside = sum(
        not (low <= want / n <= high)
        for _, _, k, n, want in cells.iter_rows()
        for low, high in [wilson(k / n, n)]
    )
    assert outside <= 3  # of 18 cells at 95 %
    k, n, want = lake.sql(
        f"SELECT sum(human_answered::int)::int, count(*), sum({_chance()}) FROM attempts"
        f" WHERE NOT ({clean})"
    ).row(0)
    low, high = wilson(k / n, n)
    assert low <= planted.BAD_HUMAN * want / n <= high < want / n
    for name, lift in planted.EXPERIMENTS.values():
        a, b = lake.sql(
            "SELECT arm, sum(goal::int) / sum(conversed::int) AS rate FROM attempts"
            " WHERE experiment = $name GROUP BY arm ORDER BY arm",
            {"name": name},
        )["rate"]
        assert b / a == pytest.approx(lift, abs=0.2)


def test_anger_grows_in_calls_that_end_in_a_no(lake: Lake) -> None:
    angry = lake.sql(
        "SELECT disposition AS how, turn_index > 2 AS later,"
        " avg((emotion = 'anger')::int) AS share FROM turns JOIN attempts USING (attempt_id)"
        " WHERE emotion IS NOT NULL GROUP BY ALL"
    )
    share = {(how, later): value for how, later, value in angry.iter_rows()}
    assert share["opt_out", True] > 0.25 > share["opt_out", False]
    assert share["goal", True] < 0.08


def test_a_lake_with_rows_is_left_alone_and_nonsense_is_refused(tmp_path: Path) -> None:
    small_lake(tmp_path, calls=300)
    with pytest.raises(Refused, match="never mixed"):
        write(open_store(None, tmp_path), Ask(300, 7), made_at=NOW)
    with pytest.raises(BadInput):
        Ask(0, 7)


def _chance() -> str:
    """The planted chance of a person, as SQL over `attempts`."""

    def case(column: str, values: Mapping[Any, float]) -> str:
        whens = " ".join(f"WHEN {key!r} THEN {value}" for key, value in values.items())
        return f"CASE {column} {whens} END"

    parts = (
        case("local_hour", planted.HUMAN_BY_HOUR),
        case("local_weekday", planted.HUMAN_BY_WEEKDAY),
        case("list", dict(zip(planted.LISTS, planted.LIST_HUMAN, strict=True))),
        case("dials_before", dict(enumerate(planted.HUMAN_BY_DIAL))),
    )
    return f"{planted.HUMAN}::double * {' * '.join(parts)}"
