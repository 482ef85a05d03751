"""Candidates beside the champion: which calls they answer, and what a broken one does not do."""

from pathlib import Path
from uuid import UUID

import pytest

from ml.artifact import MODEL_FILE
from ml.candidates import CHALLENGER, SHADOW, Candidate, empty_slot, slot_file, write_candidate
from ml.deploy import place
from ml.serving import Arms, ModelServer
from tests.unit.test_ml_serving import made, manifest_of, put

CALLS = [str(UUID(int=n)) for n in range(4000)]


def put_candidate(home: Path, slot: str, version: str = "2", **more: object) -> Candidate:
    path = home / "made.skops"
    pinned = place(path, manifest_of(made("indeed"), path, version), home)
    candidate = Candidate("intent", version, pinned.manifest_sha256, **more)  # type: ignore[arg-type]
    write_candidate(home, slot, candidate)  # type: ignore[arg-type]
    return candidate


def test_a_share_of_calls_is_drawn_by_their_ids_anew_for_each_version() -> None:
    five, more = Candidate("intent", "2", "", 5.0), Candidate("intent", "2", "", 25.0)
    taken = {call for call in CALLS if five.takes(call)}
    assert len(taken) == pytest.approx(200, abs=45)
    assert taken == {call for call in CALLS if five.takes(call)}
    assert taken < {call for call in CALLS if more.takes(call)}, "who is in stays in"
    other = Candidate("intent", "3", "", 5.0)
    assert len(taken & {call for call in CALLS if other.takes(call)}) < 40
    assert not any(Candidate("intent", "2", "").takes(call) for call in CALLS)
    assert all(Candidate("intent", "2", "", 100.0).takes(call) for call in CALLS)


def test_a_challenger_answers_its_calls_and_the_champion_the_others(tmp_path: Path) -> None:
    put(tmp_path, "1")
    put_candidate(tmp_path, CHALLENGER, share=50.0)
    server = ModelServer(tmp_path)
    assert server.refresh() == [
        "intent: serving version 1",
        "intent: version 2 answers in 50 % of the calls",
    ]
    sides = {}
    for call in CALLS[:40]:
        heard = server.predict("intent", "indeed", server.arms_of(call))
        assert heard is not None
        sides[heard.slot] = heard.version
    assert sides == {"champion": "1", "challenger": "2"}
    outside = server.predict("intent", "indeed")
    assert outside is not None
    assert (outside.version, outside.slot) == ("1", None)
    assert server.status()["intent"]["candidates"] == {
        "challenger": {"version": "2", "share": 50.0, "refused": None}
    }


def test_it_touches_the_campaigns_it_was_given(tmp_path: Path) -> None:
    put(tmp_path, "1")
    put_candidate(tmp_path, CHALLENGER, share=100.0, campaigns=("a",))
    server = ModelServer(tmp_path)
    server.refresh()
    assert server.arms_of("call", "a") == Arms({"intent": "2"})
    assert server.arms_of("call", "b") == Arms({})
    assert server.arms_of("call") == Arms({})


def test_taken_back_it_answers_no_more_also_in_calls_that_it_had(tmp_path: Path) -> None:
    put(tmp_path, "1")
    put_candidate(tmp_path, CHALLENGER, share=100.0)
    server = ModelServer(tmp_path)
    server.refresh()
    arms = server.arms_of("call")
    assert empty_slot(tmp_path, "intent", CHALLENGER)
    assert server.refresh() == ["intent: version 2 is no longer the challenger"]
    heard = server.predict("intent", "yes", arms)
    assert heard is not None
    assert (heard.version, heard.slot) == ("1", None)
    assert not empty_slot(tmp_path, "intent", CHALLENGER)


def test_another_share_is_taken_over_and_the_model_not_loaded_again(tmp_path: Path) -> None:
    put(tmp_path, "1")
    candidate = put_candidate(tmp_path, CHALLENGER, share=5.0)
    server = ModelServer(tmp_path)
    server.refresh()
    (slot_file(tmp_path, "intent", CHALLENGER).parent / "2" / MODEL_FILE).unlink()
    write_candidate(tmp_path, CHALLENGER, Candidate("intent", "2", candidate.manifest_sha256, 25.0))
    assert server.refresh() == ["intent: version 2 answers in 25 % of the calls"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "cannot be read"),
        ('{"task": "intent", "version": "../1", "manifest_sha256": ""}', "is not the name"),
        ('{"task": "emotion", "version": "2", "manifest_sha256": ""}', "names the task"),
        (
            '{"task": "intent", "version": "2", "manifest_sha256": "", "share": 120}',
            "120.0 percent",
        ),
        ('{"task": "intent", "version": "1", "manifest_sha256": "0"}', "was changed after"),
    ],
)
def test_a_broken_candidate_is_refused_and_the_champion_goes_on(
    tmp_path: Path, text: str, why: str
) -> None:
    put(tmp_path, "1")
    slot_file(tmp_path, "intent", CHALLENGER).write_text(text)
    server = ModelServer(tmp_path)
    _, refused = server.refresh()
    assert refused.startswith("intent: the challenger is refused, calls go on without it: ")
    assert why in refused
    heard = server.predict("intent", "yes", server.arms_of("call"))
    assert heard is not None
    assert heard.version == "1"
    assert why in server.status()["intent"]["candidates"]["challenger"]["refused"]


def test_a_candidate_that_fails_on_a_turn_leaves_the_call_to_the_champion(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, "1")
    put_candidate(tmp_path, CHALLENGER, share=100.0)
    server = ModelServer(tmp_path)
    server.refresh()
    arms = server.arms_of("call")
    challenger = server._served["intent", CHALLENGER].model

    def fails(text: str) -> None:
        raise ZeroDivisionError(text)

    monkeypatch.setattr(challenger, "probabilities", fails)
    heard = server.predict("intent", "yes", arms)
    assert heard is not None
    assert (heard.version, heard.slot) == ("1", None)
    assert "ZeroDivisionError" in server.status()["intent"]["candidates"]["challenger"]["refused"]
    assert server.arms_of("another") == Arms({})


def test_a_shadow_is_heard_beside_whatever_the_call_went_by(tmp_path: Path) -> None:
    put(tmp_path, "1")
    put_candidate(tmp_path, SHADOW)
    server = ModelServer(tmp_path)
    assert server.refresh()[1] == "intent: version 2 listens as a shadow"
    assert server.candidates == {"intent"}
    assert server.arms_of("call") == Arms({})
    answer = server.predict("intent", "yes")
    (word,) = server.opinions("intent", "yes", answer)
    assert answer is not None
    assert (word.slot, word.version, word.acted_on) == (SHADOW, "2", False)
    assert (word.champion_version, word.champion_score) == ("1", answer.score)
    assert word.agrees
    (alone,) = server.opinions("intent", "yes", None)
    assert (alone.champion_label, alone.agrees) == (None, False)


def test_both_sides_of_a_canary_are_compared_on_every_turn(tmp_path: Path) -> None:
    put(tmp_path, "1")
    put_candidate(tmp_path, CHALLENGER, share=50.0)
    server = ModelServer(tmp_path)
    server.refresh()
    seen = set()
    for call in CALLS[:20]:
        answer = server.predict("intent", "no", server.arms_of(call))
        (word,) = server.opinions("intent", "no", answer)
        assert (word.version, word.champion_version, word.label) == ("2", "1", "no")
        seen.add(word.acted_on)
    assert seen == {True, False}
