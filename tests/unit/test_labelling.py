"""Which turns people label, and what their labels come to."""

from datetime import UTC, date, datetime

import pytest

from voice_ai.errors import BadInput, Refused
from voice_ai.labelling.sampling import Stratum, allocate, finished_week, monday, week_of
from voice_ai.labelling.standing import Said, Standing, agreed, check, standing


def test_two_hundred_turns_see_rare_labels_and_unsure_answers_more_often() -> None:
    strata = [
        Stratum("neutral", 2, 9000),
        Stratum("neutral", 0, 300),
        Stratum("joy", 1, 400),
        Stratum("fear", 0, 1),
        Stratum("disgust", 2, 3),
    ]
    takes = allocate(strata)
    assert sum(takes) == 200
    assert takes[3:] == [1, 2]
    shares = [take / one.turns for take, one in zip(takes, strata, strict=True)]
    assert shares[1] > shares[2] > shares[0]
    assert takes == allocate(strata)


def test_a_quiet_week_is_drawn_whole_and_too_many_strata_fit() -> None:
    assert allocate([Stratum("a", 0, 3), Stratum("b", 1, 5)]) == [3, 5]
    assert allocate([]) == []
    many = [Stratum(str(n), n % 3, 1 + n) for n in range(300)]
    takes = allocate(many)
    assert sum(takes) == 200
    assert max(takes) == 1


def test_weeks_begin_on_monday() -> None:
    assert monday(date(2026, 11, 29)) == date(2026, 11, 23)
    assert finished_week(datetime(2026, 11, 24, 12, tzinfo=UTC)) == date(2026, 11, 16)
    assert week_of("2026-11-24") == date(2026, 11, 23)
    with pytest.raises(BadInput):
        week_of("last week")


A, B = Said("ana", "joy"), Said("ben", "joy")


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ((), Standing("waiting")),
        ((A,), Standing("waiting")),
        ((A, B), Standing("agreed", "joy")),
        ((A, Said("ben", "anger")), Standing("disputed")),
        ((A, Said("ben", None)), Standing("disputed")),
        ((Said("ana", None), Said("ben", None)), Standing("unclear")),
        ((A, Said("ben", "anger"), Said("cem", "fear", decides=True)), Standing("agreed", "fear")),
        ((A, Said("ben", "anger"), Said("cem", None, decides=True)), Standing("unclear")),
    ],
)
def test_what_labels_come_to(said: tuple[Said, ...], found: Standing) -> None:
    assert standing(said) == found


def test_whose_word_is_wanted() -> None:
    check((A,), "ben", decides=False)
    check((A, Said("ben", "anger")), "cem", decides=True)
    for said, by, decides in (
        ((A,), "ana", False),
        ((A, B), "cem", False),
        ((A, B), "cem", True),
        ((A,), "cem", True),
        ((A, Said("ben", "anger")), "ana", True),
    ):
        with pytest.raises(Refused):
            check(said, by, decides=decides)


def test_agreement_is_of_the_two_blind_labels() -> None:
    decided = (A, Said("ben", "anger"), Said("cem", "joy", decides=True))
    found = agreed([(A, B), decided, (A,), (A, Said("ben", None))])
    assert (found.n, found.observed) == (2, 0.5)
