"""Which calls of a day somebody listens to: a stratified sample of twenty. Pure and seeded."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

Stratum = Literal["opt_out", "lowest", "longest", "negative", "value", "random"]
# Those that are looked for come first, so that chance does not take them away.
PLAN: tuple[tuple[Stratum, int], ...] = (
    ("opt_out", 3),
    ("lowest", 5),
    ("longest", 3),
    ("negative", 2),
    ("value", 2),
    ("random", 5),
)
SIZE = sum(count for _, count in PLAN)
DOUBLE_SHARE = 0.1


@dataclass(frozen=True)
class Candidate:
    """`value`: how important its lead is; None of anything: not known, so not looked for by it."""

    attempt_id: UUID
    score: float | None
    failed: bool
    opted_out: bool
    seconds: float | None
    negative: bool
    value: float | None


@dataclass(frozen=True)
class Pick:
    """`double`: a second person scores it too, so that agreement can be told."""

    attempt_id: UUID
    stratum: Stratum
    double: bool = False


def sample(candidates: Sequence[Candidate], seed: str) -> tuple[Pick, ...]:
    """At most `SIZE`, each call once. A stratum that has too few is filled up by chance."""
    draw = random.Random(seed)
    left = sorted(candidates, key=lambda one: one.attempt_id)
    draw.shuffle(left)  # equals are taken by chance, not by their ids
    picks: list[Pick] = []
    for stratum, count in PLAN:
        wanted = SIZE - len(picks) if stratum == "random" else count
        taken = _ordered(left, stratum)[:wanted]
        picks += [Pick(one.attempt_id, stratum) for one in taken]
        gone = {one.attempt_id for one in taken}
        left = [one for one in left if one.attempt_id not in gone]
    doubles = set(draw.sample(range(len(picks)), round(DOUBLE_SHARE * len(picks))))
    return tuple(
        Pick(pick.attempt_id, pick.stratum, index in doubles) for index, pick in enumerate(picks)
    )


def _ordered(left: Sequence[Candidate], stratum: Stratum) -> list[Candidate]:
    match stratum:
        case "opt_out":
            return [one for one in left if one.opted_out]
        case "negative":
            return [one for one in left if one.negative]
        case "lowest":
            judged = [one for one in left if one.score is not None or one.failed]
            return sorted(judged, key=lambda one: (not one.failed, one.score or 0.0))
        case "longest":
            return _most(left, lambda one: one.seconds)
        case "value":
            return _most(left, lambda one: one.value)
        case "random":
            return list(left)


def _most(left: Sequence[Candidate], of: Callable[[Candidate], float | None]) -> list[Candidate]:
    known = [(value, one) for one in left if (value := of(one)) is not None]
    return [one for _, one in sorted(known, key=lambda pair: -pair[0])]
