"""Questions as SQL: the cube that knows, literals that stay literals, what moved."""

from datetime import date

import polars as pl
import pytest

from pipelines.lake.cube_list import CUBE_OF
from pipelines.metrics import rates
from pipelines.metrics.ask import SPLITS, Question, cube_for, cube_query, splits_of, view_query
from pipelines.metrics.intervals import rate
from pipelines.metrics.moves import difference, moves
from pipelines.metrics.slices import Slice
from voice_ai.errors import BadInput

ONE = (rates.ANSWERED_PER_DIAL,)


@pytest.mark.parametrize(
    ("splits", "cube"),
    [
        ((), "attempt_numbers"),
        (("day", "arm"), "attempt_numbers"),
        (("hour", "weekday"), "hours"),
        (("caller_id",), "caller_ids"),
        (("disposition", "list"), "outcomes"),
    ],
)
def test_the_smallest_cube_that_knows_is_asked(splits: tuple[str, ...], cube: str) -> None:
    assert cube_for(Question(ONE, splits)) is CUBE_OF[cube]


def test_what_no_cube_tells_together_is_said_in_words() -> None:
    with pytest.raises(BadInput, match="no cube tells these together: .*hour, caller_id"):
        cube_query(Question(ONE, ("hour", "caller_id")))
    with pytest.raises(BadInput, match="there is no split 'moon'; there are day, week"):
        cube_query(Question(ONE, ("moon",)))


def test_leads_are_split_only_by_what_their_dials_share() -> None:
    assert set(splits_of(rates.GOAL_LEADS_PER_DIALED_LEAD)) == {
        name for name, split in SPLITS.items() if split.of_lead
    }
    since = Slice(since=date(2026, 11, 1))
    with pytest.raises(BadInput, match="cannot begin on a day: clear From"):
        cube_query(Question((rates.GOAL_LEADS_PER_DIALED_LEAD,), (), since))


def test_a_name_stays_a_literal_whatever_is_in_it() -> None:
    odd = "O'Neil'); DROP TABLE attempts; -- $since"
    part = Slice("c", lists=(odd,), since=date(2026, 11, 1), until=date(2026, 11, 2))
    asked = Question(ONE, ("list",), part)
    for query in (cube_query(asked), view_query(asked)):
        assert query.parameters["lists"] == [odd]
        assert "'O''Neil''); DROP TABLE attempts; -- $since'" in query.text
        assert "day >= DATE '2026-11-01' AND day <= DATE '2026-11-02'" in query.text
        assert odd not in query.sql


def test_a_difference_has_the_published_interval() -> None:
    # Newcombe (1998), Statistics in Medicine 17, 873: 56/70 less 48/80, method 10.
    found = difference(rate(56, 70), rate(48, 80))
    assert found == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)
    assert difference(rate(0, 0), rate(1, 2)) is None


def test_what_moved_is_surest_first_and_thin_parts_are_left_out() -> None:
    sums = pl.DataFrame(
        [
            ("a", "before", 500, 1000),
            ("a", "now", 400, 1000),
            ("b", "before", 500, 1000),
            ("b", "now", 505, 1000),
            ("thin", "before", 9, 10),
            ("thin", "now", 1, 10),
        ],
        schema=["part", "period", "answered", "dials"],
        orient="row",
    )
    first, second = moves(sums, ONE)
    assert (first.part, first.clear, first.good) == ("a", True, False)
    assert (second.part, second.clear) == ("b", False)
    assert first.change == pytest.approx(-0.1)
