"""The opt-out floor on a set written for it: 222 ways to say it, 223 sentences that do not.

A third is held out by its hash: the rules were written looking at the other two thirds only. Who
changes a rule looks at those, never at the held-out ones; that is what makes the figure honest.
"""

from hashlib import sha256
from pathlib import Path

import pytest

from dialer.media.translating import speech_of
from dialer.ports import Understanding
from dialer.virtual.world import Guess
from voice_ai.conversation.keywords import is_opt_out
from voice_ai.conversation.turns import Speech
from voice_ai.conversation.understanding import (
    OPT_OUT_AGREED,
    OPT_OUT_HEARD,
    opt_out_evidence,
)

DATA = Path(__file__).parents[1] / "data"


def phrasings(name: str, *, held_out: bool) -> list[str]:
    lines = (DATA / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if (sha256(line.encode()).digest()[0] % 3 == 0) == held_out]


def share_heard(name: str, *, held_out: bool) -> float:
    said = phrasings(name, held_out=held_out)
    return sum(map(is_opt_out, said)) / len(said)


def test_the_set_has_its_size_and_its_parts() -> None:
    for name in ("opt_outs", "not_opt_outs"):
        looked_at, held_out = phrasings(name, held_out=False), phrasings(name, held_out=True)
        assert len({*looked_at, *held_out}) == len(looked_at) + len(held_out) >= 200
        assert len(held_out) >= (len(looked_at) + len(held_out)) / 3


def test_every_phrasing_that_was_looked_at_is_heard() -> None:
    assert [said for said in phrasings("opt_outs", held_out=False) if not is_opt_out(said)] == []
    assert [said for said in phrasings("not_opt_outs", held_out=False) if is_opt_out(said)] == []


def test_words_alone_hear_most_of_what_nobody_looked_at() -> None:
    """Measured 0.94 and 0.0; under the words is still a model."""
    assert share_heard("opt_outs", held_out=True) >= 0.93
    assert share_heard("not_opt_outs", held_out=True) < 0.02


@pytest.mark.parametrize(
    ("intent", "score", "heard"),
    [
        (None, OPT_OUT_HEARD, True),
        (None, OPT_OUT_HEARD - 0.01, False),
        ("opt_out", OPT_OUT_AGREED, True),
        ("opt_out", OPT_OUT_AGREED - 0.01, False),
        ("opt_out", None, True),
        ("no", None, False),
    ],
)
def test_two_models_are_heard_together(
    intent: str | None, score: float | None, heard: bool
) -> None:
    speech = Speech("we had rather be spared", intent, 0.5, opt_out_score=score)
    assert (opt_out_evidence(speech) == "speech") is heard


def test_no_model_talks_the_words_down() -> None:
    speech = Speech("stop calling me", "no", 0.99, opt_out_score=0.0)
    assert opt_out_evidence(speech) == "speech"


def test_the_second_ear_hears_in_every_language() -> None:
    understood = Understanding(None, None, Guess("opt_out", "opt_out", 0.7, {"opt_out": 0.7}))
    assert speech_of("ya estuvo", understood, "es-US").opt_out_score == 0.7
    assert speech_of("enough of it", understood, "en-US").opt_out_score == 0.7
