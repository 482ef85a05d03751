"""Listening: the card's arithmetic, what facts can tell, who is picked, how far scorers agree."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_ai.errors import BadInput
from voice_ai.qa.agreement import agreement
from voice_ai.qa.auto import CallFacts, TurnFact, auto_gates, auto_scores
from voice_ai.qa.card import GateMark, default_card, judge, read_card
from voice_ai.qa.sampling import PLAN, SIZE, Candidate, sample

CARD = default_card()
PASSED: dict[str, GateMark | None] = {gate.key: "pass" for gate in CARD.gates}
HEAD = "card: a\nversion: 1\n"
OPENING = ("identify", "disclose", "opt_out")


def test_the_default_card_is_the_one_of_the_plan() -> None:
    assert [gate.key for gate in CARD.gates] == [
        "identified",
        "ai_disclosed",
        "recording_notice",
        "opt_out_honoured",
        "no_false_claim",
        "hours_ok",
    ]
    assert [item.weight for item in CARD.items] == [10, 20, 20, 15, 20, 10, 5]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            HEAD + "gates: [{key: g, title: G}]\nitems: [{key: i, title: I, weight: 99}]",
            "99",
        ),
        (
            HEAD + "gates: [{key: g, title: G}]\nitems: [{key: g, title: I, weight: 100}]",
            "same key",
        ),
        (HEAD + "gates: []\nitems: [{key: i, title: I, weight: 100}]", "gates"),
        ("card: [", "YAML"),
    ],
)
def test_a_card_that_does_not_add_up_is_refused(text: str, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        read_card(text, source="card.yaml")


def test_a_failed_gate_fails_whatever_the_rest_is_worth() -> None:
    best = {item.key: 1.0 for item in CARD.items}
    assert judge(CARD, PASSED, best) == judge(CARD, {**PASSED, "opt_out_honoured": "n/a"}, best)
    whole = judge(CARD, PASSED, best)
    assert (whole.total, whole.judged, whole.passed) == (100.0, 100, True)
    assert judge(CARD, {**PASSED, "no_false_claim": "fail"}, best).passed is False


def test_what_is_not_known_is_no_pass_and_no_zero() -> None:
    open_ = judge(CARD, {**PASSED, "no_false_claim": None}, {"tone": 0.5})
    assert (open_.total, open_.judged, open_.passed) == (50.0, 10, None)
    nothing = judge(CARD, {}, {})
    assert (nothing.total, nothing.judged, nothing.passed) == (None, 0, None)


def test_marks_that_the_card_does_not_have_are_refused() -> None:
    with pytest.raises(BadInput, match="strange"):
        judge(CARD, {"strange": "pass"}, {})
    with pytest.raises(BadInput, match="between 0 and 1"):
        judge(CARD, {}, {"tone": 5.0})


@given(st.dictionaries(st.sampled_from([i.key for i in CARD.items]), st.floats(0, 1) | st.none()))
def test_a_total_lies_between_its_scores(scores: dict[str, float | None]) -> None:
    known = [score for score in scores.values() if score is not None]
    total = judge(CARD, {}, scores).total
    if not known:
        assert total is None
    else:
        assert total is not None
        assert 100 * min(known) - 1e-9 <= total <= 100 * max(known) + 1e-9


def said(text: str, node: str = "opening", heard: float = 1.0, ms: float | None = None) -> TurnFact:
    return TurnFact("agent", node, text, heard, ms)


GOOD = CallFacts(
    start="opening",
    opening=OPENING,
    notice="disclose",
    turns=(
        said("Hello, this is Acme."),
        said("I am an A I on a recorded line."),
        said("Say stop."),
        said("May I?"),
        TurnFact("caller", "opening", "Yes."),
        said("How satisfied are you?", "rate", ms=800.0),
        TurnFact("caller", "rate", "Five."),
        said("Thank you.", "thanks", ms=2600.0),
    ),
    opted_out=False,
    suppressed=False,
    dialed_after_opt_out=False,
    allowed=True,
    refused_hours=False,
    disposition="goal",
    end_reason="script_end",
)


def test_facts_fill_in_what_they_can() -> None:
    assert auto_gates(GOOD) == {
        "identified": "pass",
        "ai_disclosed": "pass",
        "recording_notice": "pass",
        "opt_out_honoured": "n/a",
        "no_false_claim": None,
        "hours_ok": "pass",
    }
    assert auto_scores(GOOD) == {
        "opening": 1.0,
        "listening": 0.5,
        "accuracy": None,
        "objections": None,
        "progress": 1.0,
        "tone": None,
        "close": 1.0,
    }
    assert judge(CARD, auto_gates(GOOD), auto_scores(GOOD)).passed is None


@pytest.mark.parametrize(
    ("change", "gate", "mark"),
    [
        ({"turns": (said("Hello.", heard=0.4),)}, "identified", "fail"),
        ({"turns": (said("Hello."),)}, "ai_disclosed", None),
        ({"turns": (said("Hello."), said("Now.", "rate"))}, "ai_disclosed", "fail"),
        ({"turns": ()}, "identified", None),
        ({"notice": None}, "recording_notice", "n/a"),
        ({"opening": (), "notice": None}, "recording_notice", None),
        ({"opted_out": True, "suppressed": True}, "opt_out_honoured", "pass"),
        ({"opted_out": True}, "opt_out_honoured", "fail"),
        (
            {"opted_out": True, "suppressed": True, "dialed_after_opt_out": True},
            "opt_out_honoured",
            "fail",
        ),
        (
            {"turns": (TurnFact("caller", "opening", "stop calling me"),)},
            "opt_out_honoured",
            "fail",
        ),
        ({"allowed": None}, "hours_ok", None),
        ({"refused_hours": True}, "hours_ok", "fail"),
    ],
)
def test_gates_by_facts(change: dict[str, Any], gate: str, mark: str | None) -> None:
    assert auto_gates(replace(GOOD, **change))[gate] == mark


def test_a_machine_has_no_progress_and_no_close() -> None:
    machine = replace(GOOD, turns=(said("Hello."),), disposition="machine", end_reason="machine")
    scores = auto_scores(machine)
    assert (scores["progress"], scores["close"], scores["listening"]) == (None, None, None)


def candidate(number: int, **more: Any) -> Candidate:
    plain: dict[str, Any] = {
        "score": 80.0,
        "failed": False,
        "opted_out": False,
        "seconds": 60.0,
        "negative": False,
        "value": 0.0,
    }
    return Candidate(UUID(int=number), **{**plain, **more})


def of_a_day() -> list[Candidate]:
    calls = [candidate(n) for n in range(100)]
    calls += [candidate(100 + n, opted_out=True) for n in range(5)]
    calls += [candidate(110 + n, score=float(n)) for n in range(5)]
    calls += [candidate(120 + n, seconds=900.0 + n) for n in range(3)]
    calls += [candidate(130 + n, negative=True) for n in range(4)]
    calls += [candidate(140 + n, value=9.0) for n in range(2)]
    return [*calls, candidate(150, failed=True, score=99.0)]


def test_the_sample_is_stratified_and_a_failed_gate_comes_first() -> None:
    picks = sample(of_a_day(), "2026-11-24")
    by_stratum = {
        stratum: [p.attempt_id.int for p in picks if p.stratum == stratum] for stratum, _ in PLAN
    }
    assert {stratum: len(ids) for stratum, ids in by_stratum.items()} == dict(PLAN)
    assert by_stratum["lowest"] == [150, 110, 111, 112, 113]
    assert by_stratum["longest"] == [122, 121, 120]
    assert set(by_stratum["value"]) == {140, 141}
    assert set(by_stratum["opt_out"]) <= set(range(100, 105))
    assert sum(pick.double for pick in picks) == 2


def test_the_seed_decides_and_the_order_of_rows_does_not() -> None:
    calls = of_a_day()
    assert sample(calls, "a") == sample(calls[::-1], "a")
    assert sample(calls, "a") != sample(calls, "b")


@given(st.integers(0, 60), st.text(max_size=5))
def test_no_call_is_picked_twice_and_what_there_is_is_used(count: int, seed: str) -> None:
    calls = [candidate(n, opted_out=n % 3 == 0, negative=n % 5 == 0) for n in range(count)]
    picks = sample(calls, seed)
    assert len({pick.attempt_id for pick in picks}) == len(picks) == min(count, SIZE)


def test_kappa_is_the_textbooks() -> None:
    # 20 both yes, 5 and 10 split, 15 both no: observed 0.7, expected 0.5.
    pairs = [("y", "y")] * 20 + [("y", "n")] * 5 + [("n", "y")] * 10 + [("n", "n")] * 15
    found = agreement(pairs)
    assert (found.n, found.observed) == (50, 0.7)
    assert found.kappa == pytest.approx(0.4)
    assert found.trusted is False
    assert agreement([("y", "y")] * 4).kappa is None
    assert agreement([]).n == 0
    assert agreement([("y", "y"), ("n", "n")]).kappa == 1.0


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), max_size=30))
def test_kappa_is_at_most_one_and_the_same_from_both_sides(pairs: list[tuple[str, str]]) -> None:
    one, other = agreement(pairs), agreement([(b, a) for a, b in pairs])
    assert one.n == other.n
    if one.kappa is not None:
        assert one.kappa <= 1 + 1e-9
        assert other.kappa == pytest.approx(one.kappa)
