"""Metrics of what happens inside calls, on rows small enough to count by hand."""

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.metrics import abandonment, answering, conversations, quality, script_nodes, steps
from pipelines.metrics.flow_layout import flow
from pipelines.metrics.latency import nearest_rank
from pipelines.metrics.periods import last_and_before
from pipelines.metrics.trajectory import (
    call_counts,
    feeling_counts,
    lines_along,
    outcomes_of_emotions,
    pair_counts,
    shares_along,
    transitions,
    unheard,
    valence_along,
)
from tests.talk_rows import attempts, call, turns


def test_the_agents_share_is_of_seconds_with_calls_as_its_units() -> None:
    rows = attempts(
        {"conversed": True, "agent_speech_s": 30.0, "caller_speech_s": 10.0},
        {"conversed": True, "agent_speech_s": 10.0, "caller_speech_s": 30.0},
        {"conversed": True, "agent_speech_s": 99.0},  # half measured is unmeasured
        {"agent_speech_s": 50.0, "caller_speech_s": 50.0},
    )
    sums = conversations.ratio_sums(rows).filter(ratio="agent_speech")
    (row,) = conversations.quotients(sums, "ratio").iter_rows(named=True)
    assert (row["n"], row["value"], row["thin"]) == (2, 0.5, True)
    # residuals 10 and -10: the variance is 2 / 1 · (100 + 100) / 80²
    assert row["high"] - row["value"] == pytest.approx(1.96 * (400 / 6400) ** 0.5, rel=1e-4)
    assert row["low"] >= 0


def test_one_call_has_a_share_and_no_interval() -> None:
    rows = attempts({"conversed": True, "interruptions": 1, "agent_turns": 4})
    (row,) = conversations.quotients(conversations.ratio_sums(rows), "ratio").iter_rows(named=True)
    assert (row["ratio"], row["value"], row["low"], row["high"]) == (
        "interruptions",
        0.25,
        None,
        None,
    )


def test_silence_is_what_is_left_of_the_call() -> None:
    rows = attempts(
        {"conversed": True, "talk_s": 60.0, "agent_speech_s": 30.0, "caller_speech_s": 15.0,
         "overlap_s": 3.0},
    )  # fmt: skip
    found = conversations.quotients(conversations.ratio_sums(rows), "ratio")
    values = dict(found.select("ratio", "value").iter_rows())
    assert values == {"agent_speech": 30 / 45, "overlap": 0.05, "silence": 18 / 60}


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(0, 5000, allow_nan=False), min_size=1, max_size=80),
    st.sampled_from([0.5, 0.9, 0.95, 0.99]),
)
def test_a_percentile_of_steps_is_the_percentile_rounded_down(
    values: list[float], p: float
) -> None:
    counts = (
        pl.DataFrame({"v": values})
        .select(step=(pl.col("v") / 10).floor().cast(pl.Int32) * 10)
        .group_by("step")
        .agg(calls=pl.len())
    )
    (row,) = steps.percentiles(counts, "calls", [p]).iter_rows(named=True)
    exact = sorted(values)[nearest_rank(p, len(values))]
    assert row["value"] == exact // 10 * 10
    assert row["low"] <= row["value"] <= row["high"]
    assert (row["n"], row["unmeasured"]) == (len(values), 0)


def test_what_is_unmeasured_is_counted_beside() -> None:
    rows = attempts(
        {"conversed": True, "talk_s": 61.9},
        {"conversed": True, "talk_s": 30.2},
        {"conversed": True},
    )
    counts = conversations.step_counts(rows, "talk_s")
    assert counts["step"].to_list() == [30, 61, None]
    found = steps.percentiles(counts, "calls", (0.5, 0.9))
    assert found.select("value", "n", "unmeasured").rows() == [(30.0, 2, 1), (61.0, 2, 1)]
    curve = steps.running_share(counts, "calls", 1)
    assert curve.rows() == [(31, 0.5, 2), (62, 1.0, 2)]
    nothing = steps.percentiles(counts.filter(pl.col("step").is_null()), "calls", (0.5,))
    assert nothing.is_empty()


def test_nodes_know_who_came_who_hung_up_and_what_came_after() -> None:
    rows = attempts(
        {"human_answered": True, "last_node": "ask", "end_reason": "human_hangup"},
        {"human_answered": True, "goal": True, "last_node": "bye", "end_reason": "human_hangup"},
        {"machine": True, "last_node": "open"},
    )
    spoken = turns(
        call("1", "a open", "c open", "a ask!"),
        # noise: after the first cut nobody was heard, after the second somebody was
        call("2", "a open!", "a open!", "c open", "a bye"),
        call("3", "a open"),
    )
    table = script_nodes.node_table(script_nodes.node_counts(rows, spoken))
    found = {row["node"]: row for row in table.iter_rows(named=True)}
    assert list(found) == ["open", "ask", "bye"]
    assert {n: (r["n"], r["hung_up"], r["ended"], r["goals"]) for n, r in found.items()} == {
        "open": (2, 0, 0, 1),
        "ask": (1, 1, 1, 0),
        "bye": (1, 0, 1, 1),  # who hangs up after the goal is not lost
    }
    assert found["open"]["dwell_s"] == pytest.approx((2 + 3) / 2)
    counts = script_nodes.node_counts(rows, spoken)
    (false,) = script_nodes.false_cuts(counts).iter_rows(named=True)
    assert (false["k"], false["n"]) == (1, 2)  # the third one ended its call
    assert script_nodes.way_counts(rows, spoken).rows() == [("open", "ask", 1), ("open", "bye", 1)]


def test_verdicts_are_held_against_persons_who_talked() -> None:
    rows = attempts(
        *[
            {
                "answered": True,
                "conversed": True,
                "answer_class": "human",
                "own_answer_class": "human",
            }
        ]
        * 8,
        *[{"answered": True, "conversed": True, "answer_class": "machine"}] * 2,
        *[
            {
                "answered": True,
                "machine": True,
                "answer_class": "machine",
                "own_answer_class": "human",
            }
        ]
        * 5,
        {"answered": True, "answer_class": "machine"},
    )
    counts = answering.verdict_counts(rows)
    found = {(r["judge"], r["what"]): r for r in answering.qualities(counts).iter_rows(named=True)}
    false = found["carrier", "false_machine"]
    assert (false["k"], false["n"], false["truth"]) == (2, 10, True)
    assert (found["own", "person_recall"]["k"], found["own", "person_recall"]["n"]) == (8, 10)
    precision = found["carrier", "machine_precision"]
    assert (precision["k"], precision["n"], precision["truth"]) == (5, 7, False)
    assert found["own", "machine_recall"]["rate"] == 0
    said = answering.confusion(counts, "own").rows()
    assert {("none", "unclear", 1), ("human", "machine", 5)} <= set(said)
    agreed = answering.both(counts)
    assert (agreed.n, agreed.observed) == (13, 8 / 13)


def test_a_control_chart_has_limits_by_the_days_own_n() -> None:
    start = date(2026, 9, 1)
    failed, judged = [4, 5, 30, 1], [100, 100, 100, 4]
    counts = pl.DataFrame(
        {
            "day": [start + timedelta(days=i) for i in range(4)],
            "judged": judged,
            "failed": failed,
            "scored": [0, 2, 0, 0],
            "total_sum": [0.0, 160.0, 0.0, 0.0],
            "total2_sum": [0.0, 13_000.0, 0.0, 0.0],
        }
    )
    chart = quality.control_chart(counts)
    centre = 40 / 304
    assert chart["centre"].to_list() == pytest.approx([centre] * 4)
    assert chart["upper"][0] == pytest.approx(centre + 3 * (centre * (1 - centre) / 100) ** 0.5)
    assert chart["out"].to_list() == [False, False, True, False]
    assert chart["thin"].to_list() == [False, False, False, True]
    (score,) = quality.mean_score(counts).iter_rows(named=True)
    assert (score["n"], score["value"]) == (2, 80.0)
    assert score["high"] - 80 == pytest.approx(1.96 * 10, rel=1e-3)


def test_a_call_is_abandoned_when_we_were_late_or_never_heard() -> None:
    person: dict[str, Any] = {"human_answered": True, "disposition": "conversed_no_goal"}
    rows = attempts(
        person | {"first_audio_ms": 2000.0},
        person | {"first_audio_ms": 2000.1},
        person | {"disposition": "abandoned"},
        person,  # unmeasured: not abandoned, and said so
        {"machine": True, "first_audio_ms": 9000.0},
    )
    counts = abandonment.abandonment_counts(rows)
    (share,) = abandonment.abandoned_share(counts).iter_rows(named=True)
    assert (share["k"], share["n"], share["never"], share["unmeasured"]) == (2, 4, 1, 1)
    assert counts["machines"].to_list() == [1]


def test_thirty_days_roll_campaign_by_campaign() -> None:
    start = date(2026, 9, 1)
    counts = pl.DataFrame(
        {
            "campaign_id": ["a", "a", "b"],
            "day": [start, start + timedelta(days=30), start],
            "human": [10, 10, 100],
            "abandoned": [5, 0, 3],
        }
    )
    rolled = abandonment.rolling(counts)
    mine = rolled.filter(campaign_id="a").sort("day")
    assert mine.height == 31
    assert mine.select("k", "n").rows()[0] == mine.select("k", "n").rows()[29] == (5, 10)
    assert mine.select("k", "n").row(30) == (0, 10)
    assert rolled.filter(campaign_id="b")["over"].to_list() == [False]  # 3 % is not more than 3 %
    assert abandonment.worst(rolled)["campaign_id"].to_list() == ["b", "a"]
    assert abandonment.rolling(counts.clear()).is_empty()


def test_ofcoms_worked_example() -> None:
    """29 drops, 9 live people and 7 machines answered by agents: 16.3125 ÷ 25.3125."""
    assert abandonment.ofcom_rate(29, 9, 7) == 16.3125 / 25.3125
    assert round(100 * (abandonment.ofcom_rate(29, 9, 7) or 0), 2) == 64.44
    assert abandonment.ofcom_rate(3, 0, 0) is None
    assert abandonment.ofcom_rate(0, 0, 4) is None


def felt() -> tuple[pl.DataFrame, pl.DataFrame]:
    rows = attempts(
        {"human_answered": True, "conversed": True, "goal": True, "disposition": "goal"},
        {"human_answered": True, "conversed": True, "opted_out": True, "disposition": "opt_out"},
    )
    spoken = turns(
        call("1", "a open", "c open neutral", "a ask", "c ask joy", "c ask joy"),
        call("2", "a open", "c open anger", "a ask", "c ask", "c ask neutral"),
    )
    return rows, spoken


def test_feelings_lie_in_the_tenth_of_the_call_their_turn_is_in() -> None:
    counts = feeling_counts(*felt())
    goal = counts.filter(outcome="goal").sort("decile")
    # turns last a second, one after the other, five of them: their middles are at 3, 7, 9 tenths
    assert goal.select("decile", "emotion", "turns").rows() == [
        (3, "neutral", 1),
        (7, "joy", 1),
        (9, "joy", 1),
    ]
    (silent,) = unheard(counts).iter_rows(named=True)
    assert (silent["k"], silent["n"]) == (1, 6)
    along = valence_along(counts)
    assert along.filter(outcome="goal")["value"].to_list() == pytest.approx([0.0, 0.9, 0.9])
    assert along.filter(outcome="opted_out")["value"].to_list() == pytest.approx([-0.7, 0.0])
    shares = shares_along(counts).filter(outcome="goal", decile=9)
    assert dict(shares.select("emotion", "rate").iter_rows()) == {
        "joy": 1,
        "neutral": 0,
        "anger": 0,
    }


def test_transitions_are_drawn_to_what_follows_anything() -> None:
    pairs = pair_counts(*felt())
    # anger → (nothing heard) → neutral is no pair
    assert sorted(pairs.rows()) == [("joy", "joy", 1), ("neutral", "joy", 1)]
    cells = transitions(pairs)
    assert cells.height == 4
    (row,) = cells.filter(from_emotion="neutral", to_emotion="joy").iter_rows(named=True)
    assert (row["to_emotion"], row["rate"], row["overall"], row["thin"]) == ("joy", 1.0, 1.0, True)
    skewed = pl.DataFrame(
        {"from_emotion": ["joy", "anger"], "to_emotion": ["joy", "anger"], "pairs": [1, 99]}
    )
    first = transitions(skewed).row(0, named=True)
    assert (first["rate"], first["shrunk"]) == (1.0, pytest.approx((1 + 20 * 0.01) / 21))


def test_the_last_emotion_and_the_most_frequent_one_know_the_outcome() -> None:
    counts = call_counts(*felt()).sort("chosen_by", "emotion")
    assert counts.rows() == [
        ("last", "joy", 1, 1, 0),
        ("last", "neutral", 1, 0, 1),
        ("most", "joy", 1, 1, 0),
        ("most", "neutral", 1, 0, 1),  # as often as anger, and later
    ]
    rates = outcomes_of_emotions(counts)
    assert rates.filter(chosen_by="last")["rate"].to_list() == [1.0, 0.0]


def test_a_line_along_the_call_finds_its_ends() -> None:
    rows = attempts(
        *[{"human_answered": True, "conversed": True, "goal": True, "disposition": "goal"}] * 40
    )
    spoken = turns(
        *(
            call(str(i + 1), "a open", "c open neutral", f"c open {'joy' if i % 2 else 'neutral'}",
                 "a bye")
            for i in range(40)
        )
    )  # fmt: skip
    joy = lines_along(rows, spoken).row(by_predicate=pl.col("emotion") == "joy", named=True)
    # 0 at a third of the way, a half at two thirds
    assert (joy["at_start"], joy["at_end"]) == (pytest.approx(-0.5), pytest.approx(1.0))
    assert joy["n"] == 80


def test_thin_days_are_charted_as_weeks() -> None:
    days = [date(2026, 9, 1) + timedelta(days=i) for i in range(14)]  # from a Tuesday on
    counts = pl.DataFrame(
        {"day": days, "judged": [5] * 14, "failed": [1] * 14, "scored": [0] * 14}
    ).with_columns(total_sum=pl.lit(0.0), total2_sum=pl.lit(0.0))
    weeks = quality.fit_for_a_chart(counts)
    assert weeks.select("day", "judged").rows() == [
        (date(2026, 8, 31), 30),
        (date(2026, 9, 7), 35),
        (date(2026, 9, 14), 5),
    ]
    many = counts.with_columns(judged=pl.lit(20))
    assert quality.fit_for_a_chart(many).equals(many)


def test_a_flow_is_laid_out_from_left_to_right() -> None:
    nodes = pl.DataFrame(
        {"node": ["open", "ask", "bye"], "reached": [10, 6, 8], "hung_up": [2, 1, 0]}
    )
    ways = pl.DataFrame(
        {
            "from_node": ["open", "ask", "open", "ask"],
            "to_node": ["ask", "bye", "bye", "open"],
            "calls": [6, 5, 2, 1],
        }
    )
    drawn = flow(nodes, ways)
    assert drawn.nodes["x"].to_list() == [0, 1, 2]
    assert drawn.left_out.rows() == [("ask", "open", 1)]
    first = drawn.nodes.row(0, named=True)
    assert (first["y2"] - first["y"], first["y2"] - first["y_hung"]) == (10, 2)
    ribbon = drawn.links.filter(from_node="open", to_node="ask")
    assert set((ribbon["y2"] - ribbon["y"]).round(9)) == {6.0}
    # ribbons leave a node without lying on each other
    starts = (
        drawn.links.filter(from_node="open").group_by("link").agg(pl.all().sort_by("x").first())
    )
    spans = sorted(starts.select("y", "y2").rows())
    assert spans[0][1] <= spans[1][0]
    nothing = flow(nodes.clear(), ways.clear())
    assert nothing.nodes.is_empty()


def test_the_last_days_are_held_against_as_many_before() -> None:
    rows = pl.DataFrame({"day": [date(2026, 9, d) for d in (1, 7, 8, 14, 15)]})
    last, before = last_and_before(rows)
    assert [d.day for d in last["day"]] == [14, 15]
    assert [d.day for d in before["day"]] == [7, 8]
    assert last_and_before(rows.clear())[0].is_empty()
