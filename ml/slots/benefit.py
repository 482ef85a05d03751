"""What choosing the hour is worth: contacts a dial in the chosen arm less those in the hold-out.

The arm is drawn by person before anything is known of the dial, so every dial counts for its
person's arm, whichever hour it was made at (intention to treat). Where the hold-out's share was
another at other times, each dial is weighted by one over the chance that its arm had then (Horvitz
and Thompson 1952, normalised as by Hájek 1971). A person is dialed several times, so the interval
goes by persons: the variance of the weighted ratio by linearisation over clusters.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ml.slots.choose import Arm

_Z_95 = 1.959963984540054
# Fewer persons in an arm make no interval worth reading.
FEWEST_PERSONS = 30


@dataclass(frozen=True)
class Dials:
    """The dials to one person under one share: `chance` is that of the arm it was in."""

    person: str
    arm: Arm
    chance: float
    contacts: int
    dials: int


@dataclass(frozen=True)
class ArmRate:
    persons: int
    dials: int
    contacts: int
    rate: float | None
    variance: float | None


@dataclass(frozen=True)
class Benefit:
    """`difference` in contacts a dial, with its 95 % interval; None while an arm is too small."""

    chosen: ArmRate
    random: ArmRate
    difference: float | None
    low: float | None
    high: float | None

    @property
    def sentence(self) -> str:
        if self.difference is None or self.low is None or self.high is None:
            fewest = min(self.chosen.persons, self.random.persons)
            return (
                f"nothing can be said yet: the smaller arm has {fewest} persons,"
                f" {FEWEST_PERSONS} are needed"
            )
        verdict = "choosing helps" if self.low > 0 else "it cannot be told from chance yet"
        verdict = "choosing does harm" if self.high < 0 else verdict
        return (
            f"{100 * self.difference:+.1f} contacts in a hundred dials (95 % interval"
            f" {100 * self.low:+.1f} to {100 * self.high:+.1f}): {verdict}"
        )


def benefit(dials: Iterable[Dials]) -> Benefit:
    known = list(dials)
    chosen = _arm([d for d in known if d.arm == "chosen"])
    random = _arm([d for d in known if d.arm == "random"])
    if (
        chosen.rate is None
        or random.rate is None
        or chosen.variance is None
        or random.variance is None
        or min(chosen.persons, random.persons) < FEWEST_PERSONS
    ):
        return Benefit(chosen, random, None, None, None)
    difference = chosen.rate - random.rate
    half = _Z_95 * math.sqrt(chosen.variance + random.variance)
    return Benefit(chosen, random, difference, difference - half, difference + half)


def _arm(dials: Sequence[Dials]) -> ArmRate:
    contacts, made = sum(d.contacts for d in dials), sum(d.dials for d in dials)
    weight = sum(d.dials / d.chance for d in dials)
    persons = len({d.person for d in dials})
    if weight == 0:
        return ArmRate(persons, made, contacts, None, None)
    rate = sum(d.contacts / d.chance for d in dials) / weight
    if persons < 2:
        return ArmRate(persons, made, contacts, rate, None)
    residual: dict[str, float] = defaultdict(float)
    for d in dials:
        residual[d.person] += (d.contacts - rate * d.dials) / d.chance
    spread = sum(value**2 for value in residual.values()) / weight**2
    return ArmRate(persons, made, contacts, rate, spread * persons / (persons - 1))
