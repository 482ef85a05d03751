"""States of an attempt, and what an end means."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.factories_core import seeded_dispositions
from voice_ai.calls import (
    SLOT_FENCE,
    TERMINAL_STATUSES,
    AttemptState,
    Finish,
    Reading,
    advance,
    answer_class,
    disposition_of,
    is_terminal,
    may_give_up,
    reading_of,
    spacing_of,
)

NOW = datetime(2026, 6, 9, 16, 0, tzinfo=UTC)
STATUSES = (
    "queued",
    "initiated",
    "ringing",
    "in-progress",
    "completed",
    "busy",
    "failed",
    "no-answer",
    "canceled",
)
ORDER = list(AttemptState)


@pytest.mark.parametrize(
    ("state", "status", "after"),
    [
        ("intended", "queued", "placed"),
        ("unknown", "initiated", "placed"),
        ("placed", "ringing", "ringing"),
        ("intended", "in-progress", "in_progress"),
        ("ringing", "queued", "ringing"),
        ("in_progress", "ringing", "in_progress"),
        ("placed", "completed", "placed"),
        ("ringing", "something-new", "ringing"),
        ("ended", "ringing", "ended"),
    ],
)
def test_a_status_moves_an_attempt_forward_or_not_at_all(
    state: str, status: str, after: str
) -> None:
    assert advance(AttemptState(state), status) is AttemptState(after)


@settings(deadline=None)
@given(st.sampled_from(ORDER), st.lists(st.sampled_from(STATUSES) | st.text(max_size=8)))
def test_no_order_of_callbacks_leads_back(state: AttemptState, heard: list[str]) -> None:
    for status in heard:
        after = advance(state, status)
        assert ORDER.index(after) >= ORDER.index(state)
        assert advance(after, status) is after
        state = after


@settings(deadline=None)
@given(st.permutations(["queued", "initiated", "ringing", "in-progress"]))
def test_the_order_of_callbacks_does_not_matter(heard: list[str]) -> None:
    state = AttemptState.INTENDED
    for status in heard:
        state = advance(state, status)
    assert state is AttemptState.IN_PROGRESS


def test_only_the_five_final_statuses_are_terminal() -> None:
    assert {status for status in STATUSES if is_terminal(status)} == TERMINAL_STATUSES
    assert {"completed", "busy", "failed", "no-answer", "canceled"} == TERMINAL_STATUSES


@pytest.mark.parametrize(
    ("verdict", "klass"),
    [
        ("human", "human"),
        ("machine_start", "machine"),
        ("machine_end_beep", "machine"),
        ("machine_end_silence", "machine"),
        ("machine_end_other", "machine"),
        ("fax", "fax"),
        ("unknown", "unknown"),
        ("", "unknown"),
    ],
)
def test_a_verdict_has_a_class(verdict: str, klass: str) -> None:
    assert answer_class(verdict) == klass


@pytest.mark.parametrize(
    ("finish", "disposition"),
    [
        (Finish("busy"), "busy"),
        (Finish("no-answer"), "no_answer"),
        (Finish("canceled"), "canceled"),
        (Finish("failed"), "failed_transient"),
        (Finish("failed", sip_code=503), "failed_transient"),
        (Finish("failed", sip_code=404), "failed_permanent"),
        (Finish("failed", sip_code=484), "failed_permanent"),
        (Finish("failed", sip_code=604), "failed_permanent"),
        # A conversation's word counts only for a call that was completed.
        (Finish("failed", outcome="goal"), "failed_transient"),
        (Finish("completed", outcome="goal", agent_turns=4, caller_turns=3), "goal"),
        (Finish("completed", answered_by_class="machine", outcome="opt_out"), "opt_out"),
        (Finish("completed", answered_by_class="machine", agent_turns=1), "machine"),
        (Finish("completed", answered_by_class="fax"), "machine"),
        (Finish("completed", answered_by_class="human"), "abandoned"),
        (Finish("completed"), "abandoned"),
        (Finish("completed", agent_turns=1), "human_hangup"),
        (Finish("completed", agent_turns=2, caller_turns=1), "human_hangup"),
        (Finish("completed", agent_turns=2, caller_turns=2), "conversed_no_goal"),
    ],
)
def test_an_end_means_one_business_outcome(finish: Finish, disposition: str) -> None:
    assert disposition_of(finish) == disposition


@settings(deadline=None)
@given(
    status=st.sampled_from(sorted(TERMINAL_STATUSES)),
    verdict=st.sampled_from([None, "human", "machine", "fax", "unknown"]),
    outcome=st.sampled_from([None, "goal", "opt_out", "not_interested"]),
    turns=st.tuples(st.integers(0, 5), st.integers(0, 5)),
    sip_code=st.none() | st.integers(100, 699),
)
def test_every_outcome_is_a_disposition_of_the_database(
    status: str,
    verdict: str | None,
    outcome: str | None,
    turns: tuple[int, int],
    sip_code: int | None,
) -> None:
    finish = Finish(status, verdict, outcome, turns[0], turns[1], sip_code)
    assert disposition_of(finish) in seeded_dispositions()


@pytest.mark.parametrize(
    ("state", "disposition", "status", "seconds", "reading"),
    [
        ("intended", None, "ringing", 4, Reading.MOVE),
        ("intended", None, "ringing", 4.1, Reading.LATE),
        ("unknown", None, "in-progress", 30, Reading.LATE),
        ("intended", None, "busy", 30, Reading.END),
        ("placed", None, "ringing", 30, Reading.MOVE),
        ("ended", "not_dialed", "ringing", 2, Reading.LATE),
        ("ended", "not_dialed", "completed", 2, Reading.LATE),
        ("ended", "busy", "ringing", 2, Reading.MOVE),
    ],
)
def test_what_a_word_about_a_call_means(
    state: str, disposition: str | None, status: str, seconds: float, reading: Reading
) -> None:
    now = NOW + timedelta(seconds=seconds)
    assert reading_of(state, disposition, NOW, status, now) is reading


@pytest.mark.parametrize(
    ("state", "dead", "seconds", "may"),
    [
        ("unknown", False, 11, True),
        ("unknown", False, 9, False),
        ("intended", False, 3600, False),
        ("intended", True, 11, True),
        ("intended", True, 9, False),
    ],
)
def test_an_attempt_is_given_up_only_when_nobody_can_be_sending_it(
    state: str, dead: bool, seconds: float, may: bool
) -> None:
    now, lag = NOW + timedelta(seconds=seconds), timedelta(seconds=10)
    assert may_give_up(state, NOW, now, worker_dead=dead, list_lag=lag) is may


@pytest.mark.parametrize("per_second", [1.0, 2.0, 7.0, 50.0, 200.0])
def test_whatever_its_lateness_no_second_at_the_carrier_holds_more_calls_than_allowed(
    per_second: float,
) -> None:
    """The worst case: a second's turns are all late, the next one's are not."""
    turns = [spacing_of(per_second) * n for n in range(int(3 * per_second) + 2)]
    for first in turns:
        late = first + SLOT_FENCE
        crowd = [turn for turn in turns if first <= turn <= late]
        after = [turn for turn in turns if late < turn < late + timedelta(seconds=1)]
        assert len(crowd) + len(after) <= max(1.0, per_second) + 1e-9
