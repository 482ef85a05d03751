"""Every metric on rows small enough to count by hand."""

from datetime import timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.metrics import calls, emotions, funnel, latency, refusals
from pipelines.metrics.definitions import METRICS
from tests.metric_rows import START, attempt, attempts, call, decisions, leads, turns


def by(frame: pl.DataFrame, key: str, value: str) -> dict[Any, Any]:
    return dict(frame.select(key, value).iter_rows())


def test_funnel_counts_leads_once_and_excludes_the_refused() -> None:
    made = attempts(
        attempt(1, "no_answer"),
        attempt(1, "goal", attempt_no=2),
        attempt(2, "machine"),
        attempt(3, "opt_out"),
        attempt(4, None),
        attempt(5, "not_dialed"),
    )
    ledger = decisions((1, []), (3, []), (3, ["DNC"]), (6, ["HOURS"]), (7, ["HOURS"]), (7, []))
    counts = funnel.funnel_counts(leads(10), made, ledger)
    # lead 3 was dialed before it was refused, lead 7 was allowed again
    assert counts == {
        "leads": 10,
        "eligible": 9,
        "dialed": 3,
        "answered": 3,
        "human": 2,
        "right_party": 2,
        "conversed": 2,
        "goal": 1,
    }
    frame = funnel.funnel(counts)
    assert by(frame, "stage", "n") == {
        "leads": 10,
        "eligible": 10,
        "dialed": 9,
        "answered": 3,
        "human": 3,
        "right_party": 2,
        "conversed": 2,
        "goal": 2,
    }
    assert by(frame, "stage", "of_all")["goal"] == 0.1


def test_funnel_of_an_empty_campaign_has_no_rates() -> None:
    counts = funnel.funnel_counts(leads(0), attempts(), decisions())
    frame = funnel.funnel(counts)
    assert frame["rate"].null_count() == frame.height
    assert frame["of_all"].null_count() == frame.height


def test_statuses_come_in_the_order_of_a_call_and_leave_out_the_unheard_of() -> None:
    made = attempts(
        attempt(1, "goal", carrier_status="completed"),
        attempt(2, "busy", carrier_status="busy"),
        attempt(3, None, carrier_status="ringing"),
        attempt(4, None),
        attempt(5, "goal", carrier_status="completed"),
    )
    frame = calls.calls_by_status(calls.status_counts(made))
    assert frame["status"].to_list() == ["ringing", "completed", "busy"]
    assert frame["calls"].to_list() == [1, 2, 1]
    assert frame["n"].to_list() == [4, 4, 4]


def test_an_unknown_code_is_shown_last_and_not_lost() -> None:
    made = attempts(attempt(1, "goal", carrier_status="vanished"), attempt(2, "goal"))
    assert calls.calls_by_status(calls.status_counts(made))["status"].to_list() == ["vanished"]


def test_dispositions_are_of_ended_attempts() -> None:
    made = attempts(attempt(1, "goal"), attempt(2, "machine"), attempt(3, None))
    frame = calls.dispositions(calls.disposition_counts(made))
    assert by(frame, "disposition", "attempts") == {"goal": 1, "machine": 1}
    assert frame["n"].to_list() == [2, 2]


def test_answer_rate_is_per_dial_and_local_hour_with_the_zoneless_apart() -> None:
    made = attempts(
        attempt(1, "goal", local_hour=11),
        attempt(2, "no_answer", local_hour=11),
        attempt(3, "machine", local_hour=9),
        attempt(4, "busy"),
        attempt(5, "not_dialed", local_hour=9),
        attempt(6, None, local_hour=9),
    )
    frame = calls.answer_rate_by_hour(calls.hour_counts(made))
    assert frame["local_hour"].to_list() == [9, 11, None]
    assert frame["dials"].to_list() == [1, 2, 1]
    assert frame["rate"].to_list() == [1.0, 0.5, 0.0]
    assert frame["thin"].all()


def test_activity_keeps_every_dial_and_names_its_outcome_by_flags() -> None:
    made = attempts(
        attempt(1, "goal", ended_at=START),
        attempt(2, "opt_out", ended_at=START + timedelta(seconds=1)),
        attempt(3, "not_interested", ended_at=START + timedelta(minutes=4)),
        attempt(4, "human_hangup", ended_at=START + timedelta(minutes=4)),
        attempt(5, "machine", ended_at=START + timedelta(minutes=4)),
        attempt(6, "busy", ended_at=START + timedelta(minutes=4)),
        attempt(7, "not_dialed"),
        attempt(8, None),
    )
    assert calls.activity_step(made) == timedelta(seconds=5)
    frame = calls.activity(calls.activity_counts(made))
    assert frame["outcome"].to_list() == list(calls.OUTCOMES)
    assert frame["dials"].sum() == 6
    assert frame["at"].n_unique() == 2
    assert frame.select(pl.col(calls.FLAGS).sum()).row(0) == (5, 4, 3, 1, 1)


@given(st.integers(0, 10**8))
def test_activity_never_needs_more_than_sixty_intervals_of_two_months(seconds: int) -> None:
    span = timedelta(seconds=seconds % (59 * 86400))
    step = calls.bin_width(START, START + span)
    assert span <= 59 * step


def test_emotions_are_of_caller_turns_that_were_judged() -> None:
    heard = turns(
        call("a", ("agent", "joy"), ("caller", "joy"), ("caller", None), ("caller", "anger"))
    )
    counts = emotions.emotion_counts(heard)
    frame = emotions.emotions(counts)
    assert by(frame, "emotion", "turns") == {"joy": 1, "anger": 1}
    assert frame["n"].to_list() == [2, 2]
    assert emotions.unheard(counts) == 1


def test_thirds_hold_the_same_calls_and_go_by_caller_turns() -> None:
    caller = [("caller", emotion) for emotion in ("neutral", "joy", "joy", "anger")]
    long = call("long", *[turn for one in caller for turn in (("agent", None), one)])
    short = call("short", ("caller", "fear"), ("caller", "fear"))
    frame = emotions.emotions_along_call(emotions.along_counts(turns(long, short)))
    # four caller turns: the first third holds two of them
    assert frame.select("third", "emotion", "turns", "n").rows() == [
        ("start", "joy", 1, 2),
        ("start", "neutral", 1, 2),
        ("middle", "joy", 1, 1),
        ("end", "anger", 1, 1),
    ]


def test_a_response_answers_a_caller_turn_and_may_be_unmeasured() -> None:
    spoken = call(
        "a",
        ("agent", None, None),
        ("caller", None),
        ("agent", None, 400.0),
        ("agent", None, None),
        ("caller", None),
        ("agent", None, None),
    )
    found = latency.turn_latency(turns(spoken))
    assert (found.n, found.unmeasured, found.unmeasured_share) == (1, 1, 0.5)
    assert [one.value for one in found.percentiles] == [400.0, 400.0, 400.0]


def test_a_line_that_goes_on_through_an_interjection_answers_nobody() -> None:
    spoken = call("a", ("caller", None), ("agent", None, None))
    spoken[1]["started_at"] = START - timedelta(seconds=5)
    found = latency.turn_latency(turns(spoken))
    assert (found.n, found.unmeasured) == (0, 0)
    assert found.unmeasured_share is None


def test_percentiles_are_nearest_rank_with_intervals_that_hold_them() -> None:
    spoken = [call(f"{ms}", ("caller", None), ("agent", None, float(ms))) for ms in range(1, 101)]
    found = latency.turn_latency(turns(*spoken))
    assert [one.value for one in found.percentiles] == [50.0, 95.0, 99.0]
    assert [one.p for one in found.percentiles] == [0.50, 0.95, 0.99]
    for one in found.percentiles:
        assert one.low < one.value <= one.high
    # ranks 41 and 60 of 100: Wilson bounds of one half
    assert (found.percentiles[0].low, found.percentiles[0].high) == (41.0, 60.0)


def test_histogram_has_no_gaps_and_ends_with_an_open_step() -> None:
    spoken = [
        call(f"{ms}", ("caller", None), ("agent", None, ms)) for ms in (20.0, 310.0, 99_000.0)
    ]
    frame = latency.latency_histogram(latency.latency_counts(turns(*spoken)))
    assert frame["from_ms"].to_list() == list(range(0, latency.LAST_BIN_MS + 1, latency.BIN_MS))
    assert by(frame, "from_ms", "responses")[latency.LAST_BIN_MS] == 1
    assert frame["responses"].sum() == 3
    assert latency.latency_histogram(latency.latency_counts(turns())).is_empty()


def test_refusals_are_the_last_word_and_count_a_lead_under_each_reason() -> None:
    made = attempts(attempt(1, "no_answer"))
    ledger = decisions(
        (1, []), (1, ["GAP"]), (2, ["HOURS", "DNC"]), (3, ["HOURS"]), (3, []), (4, ["HOURS"])
    )
    frame = refusals.refusals(
        refusals.refusal_counts(refusals.standing_counts(leads(8), made, ledger)), 8
    )
    assert frame.select("reason", "leads", "never_dialed", "n").rows() == [
        ("HOURS", 2, 2, 8),
        ("DNC", 1, 1, 8),
        ("GAP", 1, 0, 8),
    ]


@given(
    st.lists(
        st.tuples(st.integers(1, 12), st.sampled_from([[], ["HOURS"], ["DNC"], ["HOURS", "DNC"]])),
        max_size=40,
    ),
    st.lists(
        st.tuples(st.integers(1, 12), st.sampled_from(["goal", "machine", "busy", "not_dialed"])),
        max_size=20,
    ),
)
def test_funnel_never_widens_and_its_first_loss_is_the_refused(
    ledger: list[tuple[int, list[str]]], dials: list[tuple[int, str]]
) -> None:
    made = attempts(*(attempt(lead, code, attempt_no=no) for no, (lead, code) in enumerate(dials)))
    told, known = decisions(*ledger), leads(12)
    counts = funnel.funnel_counts(known, made, told)
    steps = [counts[stage] for stage in funnel.STAGES if stage in counts]
    assert steps == sorted(steps, reverse=True)
    standing = refusals.standing_counts(known, made, told)
    frame = refusals.refusal_counts(standing)
    lost = counts["leads"] - counts["eligible"]
    assert frame["never_dialed"].max() in (None, *range(lost + 1))
    assert (lost == 0) == (frame["never_dialed"].sum() == 0)
    way = refusals.blocked(standing, counts["leads"])
    assert way["leads"][-1] == counts["eligible"]
    assert way["leads"][1:-1].sum() == lost


def test_every_metric_says_what_it_counts_over_what() -> None:
    for name, metric in METRICS.items():
        assert metric.name == name
        assert len(metric.numerator.split()) > 3
        assert metric.denominator
        assert metric.sentence.endswith(".")


@pytest.mark.parametrize("fraction", [0.0, 1e-9, 1.0])
def test_extreme_fractions_stay_inside_the_sample(fraction: float) -> None:
    assert 0 <= latency.nearest_rank(fraction, 3) <= 2
