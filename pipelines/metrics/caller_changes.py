"""When a caller id began to be picked up more or less than the numbers beside it.

Every day the people who picked up are shared out between a number and the others of its pool. Were
they trusted alike, its share would be what its dials by list and hour make one expect; so whatever
moves all numbers together (an exhausted list, a holiday) cancels out. The sequence of daily
binomials is then tested for one change (Hinkley and Hinkley 1970, Inference about the change-point
in a sequence of binomial variables; Worsley 1983, its cumulative-sum statistic):

    Z = max over days t of |S_t - S V_t / V| / sqrt(V_t (1 - V_t / V)),

where S_t and V_t are the sums up to day t of observed less expected and of the binomial variances,
S and V those of all days. p is Monte Carlo's (Dwass 1957): sequences without a change are drawn
from the same days. Of many numbers p is multiplied by how many were tested (Bonferroni). The number
that changed most surely then leaves the pool and the others are tested again, so that one bad
number makes no good one look better; of two numbers that are alone it cannot be told which one
moved, and the fall is shown.

This is history and no verdict: whether a number rests is judged by `voice_ai.pacing.caller_ids`
alone.
"""

from dataclasses import dataclass
from datetime import date
from statistics import NormalDist

import numpy as np
import numpy.typing as npt
import polars as pl

from pipelines.metrics.contract import THIN_BELOW, Metric
from voice_ai.intervals import Z_95

LEVEL, SEED = 0.05, 20261124
FEWEST_DAYS = 6
_FEWEST_DRAWS, _DRAWS_PER_NUMBER = 999, 25

HUMANS_PER_EXPECTED = Metric(
    name="humans_per_expected_by_caller_id",
    title="Since when a number is picked up differently",
    unit="dial",
    numerator="Dials from this number that a person picked up",
    denominator="as many as its dials would have had at the rates of its pool, by list, hour and "
    "day",
    excludes="campaigns with one number only; days on which nobody of the pool was reached",
    chart="table",
    interval="normal",
    better="more",
    source="Hinkley and Hinkley 1970; Worsley 1983; Monte Carlo p of Dwass 1957, Bonferroni",
)
METRICS = (HUMANS_PER_EXPECTED,)

Floats = npt.NDArray[np.float64]
_STRATUM = ("campaign_id", "list", "local_hour")


@dataclass(frozen=True)
class Change:
    """`since`: the first day of the new state; `ratio`: humans per expected after over before, with
    its 95 % interval (of the log ratio); `z` the statistic, `p` with all tested numbers taken into
    account."""

    since: date
    ratio: float
    low: float
    high: float
    z: float
    p: float


@dataclass(frozen=True)
class History:
    """One number: its rows of `expected`, and the change in them, if any."""

    caller_id: str
    days: pl.DataFrame
    change: Change | None

    @property
    def dials(self) -> int:
        return int(self.days["dials"].sum())

    @property
    def days_in_state(self) -> int | None:
        """Days of the present state so far, from the change to the last day with a dial."""
        last = self.days["day"].max()
        if self.change is None or not isinstance(last, date):
            return None
        return (last - self.change.since).days + 1

    @property
    def by_week(self) -> list[float]:
        """Humans over those expected beside its pool, week by week; weeks without any left out."""
        weeks = self.days.group_by(pl.col("day").dt.truncate("1w")).agg(
            pl.col("humans", "usual", "others_humans", "others_usual").sum()
        )
        known = weeks.filter((pl.col("usual") > 0) & (pl.col("others_humans") > 0)).sort("day")
        pool = pl.col("others_humans") / pl.col("others_usual")
        return known.select(pl.col("humans") / (pl.col("usual") * pool)).to_series().to_list()


def histories(strata: pl.DataFrame) -> list[History]:
    """Of every number that was dialed from beside others (rows as `expected` takes them), those
    that changed first, then by name."""
    found: dict[str, History] = {}
    told: set[str] = set()
    left, again = strata, set(strata["caller_id"].unique())
    tested = len(again)
    while again:
        beside = left.filter(pl.col("campaign_id").is_in(_campaigns(left, again).implode()))
        for (name,), days in expected(beside).partition_by("caller_id", as_dict=True).items():
            if name in again:
                found[str(name)] = History(str(name), days, change_of(days, tested))
        moved = [one for one in found.values() if one.change and one.caller_id not in told]
        if not moved:
            break
        first = max(moved, key=_surest).caller_id
        told.add(first)
        campaigns = _campaigns(left, {first})
        left = left.filter(pl.col("caller_id") != first)
        beside = left.filter(pl.col("campaign_id").is_in(campaigns.implode()))
        again = set(beside["caller_id"].unique())
        for name in again & set(found):  # a number without a pool is not tested any more
            found[name] = History(name, found[name].days, None)
    return sorted(found.values(), key=lambda one: (one.change is None, one.caller_id))


def _campaigns(strata: pl.DataFrame, names: set[str]) -> pl.Series:
    return strata.filter(pl.col("caller_id").is_in(list(names)))["campaign_id"].unique()


def _surest(one: History) -> tuple[float, bool, str]:
    change = one.change
    assert change is not None
    return round(change.z, 6), change.ratio < 1, one.caller_id


def expected(strata: pl.DataFrame) -> pl.DataFrame:
    """From caller_id, campaign_id, list, local_hour, day, dials and human_answered: a row per
    caller id and day with dials, humans, `usual` (humans at its strata's rates) and, of the numbers
    beside it in its campaigns, others_humans and others_usual."""
    rates = strata.group_by(_STRATUM).agg(
        stratum_rate=pl.col("human_answered").sum() / pl.col("dials").sum()
    )
    rows = strata.join(rates, on=_STRATUM, how="left", nulls_equal=True)
    daily = rows.group_by("campaign_id", "caller_id", "day").agg(
        dials=pl.col("dials").sum(),
        humans=pl.col("human_answered").sum(),
        usual=(pl.col("dials") * pl.col("stratum_rate")).sum(),
    )
    whole = pl.col("humans", "usual").sum().over("campaign_id", "day")
    beside = daily.with_columns((whole - pl.col("humans", "usual")).name.prefix("others_")).filter(
        pl.col("others_usual") > 1e-9
    )
    sums = ("dials", "humans", "usual", "others_humans", "others_usual")
    return beside.group_by("caller_id", "day").agg(pl.col(sums).sum()).sort("caller_id", "day")


def change_of(days: pl.DataFrame, tested: int = 1, seed: int = SEED) -> Change | None:
    """The one change in the days of one caller id (rows of `expected`), None where there is none at
    5 %; `tested`: how many numbers are looked at together."""
    reached = pl.col("humans") + pl.col("others_humans") > 0
    known = days.sort("day").filter(reached & (pl.col("usual") > 1e-9))
    if known.height < FEWEST_DAYS or known["dials"].sum() < THIN_BELOW:
        return None
    humans = known["humans"].to_numpy().astype(np.float64)
    people = (known["humans"] + known["others_humans"]).to_numpy().astype(np.float64)
    odds = (known["usual"] / known["others_usual"]).to_numpy()
    share = _share(humans, people, odds)
    variance = people * share * (1 - share)
    if variance.sum() <= 1e-6:
        return None
    standing = _statistic((humans - people * share)[None, :], variance)
    most = float(np.abs(standing).max())
    # One day alone has this chance already: no draws are needed to say no.
    if most < NormalDist().inv_cdf(1 - LEVEL / (2 * tested)):
        return None
    draws = max(_FEWEST_DRAWS, _DRAWS_PER_NUMBER * tested - 1)
    random = np.random.default_rng(seed)
    drawn = random.binomial(people.astype(np.int64), share, size=(draws, len(people)))
    chance = np.abs(_statistic(drawn - people * share, variance)).max(axis=1)
    p = min(1.0, tested * (1 + int((chance >= most).sum())) / (draws + 1))
    if p > LEVEL:
        return None
    return _change(known, int(np.abs(standing[0]).argmax()) + 1, most, p)


def _share(humans: Floats, people: Floats, odds: Floats) -> Floats:
    """Its share of each day's people, with the one constant ratio to the pool that fits all days:
    the root of the score equation, by Newton's steps on its logarithm."""
    logit, logs = 0.0, np.log(odds)
    for _ in range(50):
        share = 1 / (1 + np.exp(-(logs + logit)))
        missing = float((humans - people * share).sum())
        slope = float(people @ (share * (1 - share)))
        if abs(missing) < 1e-9 or abs(logit) > 20:
            break
        logit += float(np.clip(missing / max(slope, 1e-12), -2, 2))
    found: Floats = 1 / (1 + np.exp(-(logs + logit)))
    return found


def _statistic(residuals: Floats, variance: Floats) -> Floats:
    """Standardised sums up to each day but the last, a row per sequence."""
    so_far, whole = variance.cumsum()[:-1], variance.sum()
    sums = residuals.cumsum(axis=1)
    moved = sums[:, :-1] - sums[:, -1:] * so_far / whole
    spread = so_far * (1 - so_far / whole)
    possible = spread > 1e-9
    found: Floats = np.where(possible, moved / np.sqrt(np.where(possible, spread, 1.0)), 0.0)
    return found


def _change(days: pl.DataFrame, place: int, z: float, p: float) -> Change:
    parts = (days.head(place), days.tail(days.height - place))
    logs, variance = [], 0.0
    for part in parts:
        own, others, usual, others_usual = (
            float(sum(part[name].to_list()))
            for name in ("humans", "others_humans", "usual", "others_usual")
        )
        # Half a person more keeps an interval where nobody picked up at all.
        logs.append(np.log((own + 0.5) / usual) - np.log((others + 0.5) / others_usual))
        variance += 1 / (own + 0.5) + 1 / (others + 0.5)
    moved, half = float(logs[1] - logs[0]), Z_95 * float(np.sqrt(variance))
    ratio, low, high = (float(np.exp(moved + z)) for z in (0.0, -half, half))
    since = days["day"][place]
    assert isinstance(since, date)
    return Change(since, ratio, low, high, z, p)
