"""The opt-out floor on a set written for it: 222 ways to say it, 223 sentences that do not.

A third is held out by its hash: the rules were written looking at the other two thirds only. Who
changes a rule looks at those, never at the held-out ones; that is what makes the figure honest.
"""

from hashlib import sha256
from pathlib import Path

from voice_ai.conversation.keywords import is_opt_out

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
