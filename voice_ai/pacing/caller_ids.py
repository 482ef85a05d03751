"""Which of our numbers a person sees, and how much a number may be used.

Defaults are practitioners' figures, vendor claims all (domain, 3.5): 75 to 100 dials a day and
number, a new number begins with 10, 20, 30 a day for a week each, a burned one rests 45 days.
"""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

DAILY_CEILING = 100
WARM_UP = (10, 20, 30)
WARM_UP_WEEK = timedelta(days=7)
COOL_OFF = timedelta(days=2)
BURNED_REST = timedelta(days=45)
# A number that was cooled this often within 30 days is burned.
BURNED_AFTER = 3
# Cool off when the rate is below 0.7 of the pool's with this much certainty (domain, 3.5).
_DROP = 0.7
_CERTAIN = 0.95
# A spam label works at once: of the newest dials alone, with more certainty [assumed].
NEWEST = 25
_VERY_CERTAIN = 0.99
_FEWEST_DIALS = 50
_FEWEST_POOL = 100


class Standing(StrEnum):
    WARMING = "warming"
    ACTIVE = "active"
    COOLING = "cooling"
    BURNED = "burned"


@dataclass(frozen=True)
class CallerId:
    """A number of ours as the claim sees it; `dials` and `live` count over all campaigns."""

    number_id: int
    country: str | None = None
    states: frozenset[str] = frozenset()
    standing: Standing = Standing.ACTIVE
    standing_since: datetime | None = None
    cool_until: datetime | None = None
    daily_ceiling: int | None = None
    dials: int = 0
    live: int = 0

    def once_more(self) -> "CallerId":
        return replace(self, dials=self.dials + 1, live=self.live + 1)


@dataclass(frozen=True)
class Limits:
    """What a campaign allows each of its numbers; None: no limit."""

    daily_ceiling: int | None
    max_concurrent: int | None


def ceiling(caller: CallerId, limits: Limits, now: datetime) -> int | None:
    """Dials in 24 hours at most; a number that warms up has less."""
    own = caller.daily_ceiling if caller.daily_ceiling is not None else limits.daily_ceiling
    if caller.standing is not Standing.WARMING or caller.standing_since is None:
        return own
    weeks = max(0, (now - caller.standing_since) // WARM_UP_WEEK)
    if weeks >= len(WARM_UP):
        return own
    return WARM_UP[weeks] if own is None else min(WARM_UP[weeks], own)


def usable(caller: CallerId, limits: Limits, now: datetime) -> bool:
    """Not resting, and neither its day nor its lines are full."""
    resting = caller.standing in {Standing.COOLING, Standing.BURNED} and (
        caller.cool_until is None or caller.cool_until > now
    )
    most = ceiling(caller, limits, now)
    full = (most is not None and caller.dials >= most) or (
        limits.max_concurrent is not None and caller.live >= limits.max_concurrent
    )
    return not (resting or full)


def choose(
    pool: Sequence[CallerId],
    *,
    lead_id: int,
    lead_states: frozenset[str],
    lead_country: str | None,
    last_shown: int | None,
) -> CallerId | None:
    """The number to show, of those that are usable now; None when there is none.

    The one that the person saw before, then one of the person's state, then of the country, then
    any; only numbers that we own are in the pool, so nobody is shown a stranger's. Within a group a
    hash of the lead spreads the leads, and gives the same lead the same number again.
    """
    for caller in pool:
        if caller.number_id == last_shown:
            return caller
    group = (
        [caller for caller in pool if caller.states & lead_states]
        or [one for one in pool if one.country is not None and one.country == lead_country]
        or pool
    )
    if not group:
        return None
    digest = hashlib.sha256(str(lead_id).encode()).digest()
    return group[int.from_bytes(digest[:4], "big") % len(group)]


@dataclass(frozen=True)
class Rate:
    """Answered calls of dials."""

    dials: int
    answered: int


@dataclass(frozen=True)
class AnswerRates:
    """A number's last hundred dials, the newest 25 of them, and those of the seller's others."""

    own: Rate
    newest: Rate
    pool: Rate


def has_dropped(answers: AnswerRates) -> bool:
    """Whether a number is surely answered far less than the others: the one rule that rests it."""
    own, newest, pool = answers.own, answers.newest, answers.pool
    if own.dials < _FEWEST_DIALS or pool.dials < _FEWEST_POOL or pool.answered == 0:
        return False
    limit = _DROP * pool.answered / pool.dials
    return chance_below(own, limit) > _CERTAIN or chance_below(newest, limit) > _VERY_CERTAIN


def chance_below(rate: Rate, limit: float) -> float:
    """How probable it is that the true rate is below `limit`: the posterior of a uniform prior,
    beta(answered + 1, dials - answered + 1), as a binomial tail."""
    if limit <= 0:
        return 0.0
    if limit >= 1:
        return 1.0
    trials = rate.dials + 1
    return sum(
        math.comb(trials, hits) * limit**hits * (1 - limit) ** (trials - hits)
        for hits in range(rate.answered + 1, trials + 1)
    )


@dataclass(frozen=True)
class Stands:
    """A number's standing from now on."""

    standing: Standing
    until: datetime | None


def next_standing(
    caller: CallerId, answers: AnswerRates, cooled_before: int, now: datetime
) -> Stands | None:
    """What changes about a number, None when nothing does; `cooled_before` within 30 days."""
    if caller.standing is Standing.WARMING:
        if caller.standing_since is not None and (
            now - caller.standing_since >= len(WARM_UP) * WARM_UP_WEEK
        ):
            return Stands(Standing.ACTIVE, None)
    elif caller.standing is Standing.COOLING:
        if caller.cool_until is not None and caller.cool_until <= now:
            return Stands(Standing.ACTIVE, None)
        return None
    elif caller.standing is Standing.BURNED:
        if caller.cool_until is not None and caller.cool_until <= now:
            return Stands(Standing.WARMING, None)
        return None
    if not has_dropped(answers):
        return None
    if cooled_before + 1 >= BURNED_AFTER:
        return Stands(Standing.BURNED, now + BURNED_REST)
    return Stands(Standing.COOLING, now + COOL_OFF)
