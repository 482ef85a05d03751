"""When a list will have been dialed through: what remains at the pace of the last days, with a
band.

Each of many futures draws every day's pace from the days of the last four weeks that were the same
day of the week (the plain bootstrap of Efron and Tibshirani 1993, within weekdays, so that a Sunday
on which nobody is called stays one). What is not in the past days (new lists, other caps) is not in
it.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from pipelines.metrics.contract import Metric

LOOK_BACK = 28  # days
FEWEST_DAYS = 5
MOST_DAYS = 366
FUTURES, SEED = 1000, 20261124
_POINTS = {"low": 2.5, "lower": 25.0, "middle": 50.0, "upper": 75.0, "high": 97.5}

DAYS_TO_FINISH = Metric(
    name="days_to_finish",
    title="When every lead will have been dialed",
    unit="day",
    numerator="Eligible leads not dialed yet",
    denominator="leads dialed for the first time in a day, drawn from the last four weeks",
    excludes="further dials of the same leads, leads that the rules shut out now, lists not loaded "
    "yet",
    chart="ribbon",
    interval="bootstrap",
    better="fewer",
    source="Efron and Tibshirani 1993, resampling of days within weekdays",
)
METRICS = (DAYS_TO_FINISH,)


@dataclass(frozen=True)
class Forecast:
    """`remaining` leads; `fan`: day from the last known one on, and leads dialed by its end (low,
    lower, middle, upper, high: the 2.5, 25, 50, 75 and 97.5 % points). `finish` is the middle,
    `soonest` to `latest` hold 95 %; None: not within a year, or (all three) too few days to say.
    `n`: days drawn from."""

    remaining: int
    n: int
    fan: pl.DataFrame
    finish: date | None
    soonest: date | None
    latest: date | None

    @property
    def sentence(self) -> str:
        if self.remaining == 0:
            return "Every eligible lead has been dialed."
        if self.n < FEWEST_DAYS:
            return f"{self.n} days of dialing say nothing yet; {FEWEST_DAYS} are needed."
        if self.finish is None:
            return "At this pace it is not done within a year."
        first = "?" if self.soonest is None else f"{self.soonest:%d %b %Y}"
        last = "more than a year from now" if self.latest is None else f"{self.latest:%d %b %Y}"
        return f"{self.finish:%d %b %Y} (95 %: {first} to {last})"


def forecast(standing: pl.DataFrame, seed: int = SEED) -> Forecast:
    """From `lead_paths.penetration`: the days after its last one, until all that are eligible then
    are dialed. The last day is left out of the pace: it may not be over."""
    known = standing.sort("day")
    if known.is_empty():
        return Forecast(0, 0, _fan(date.min, np.zeros((1, 0))), None, None, None)
    today, dialed = known["day"][-1], int(known["dialed"][-1])
    remaining = int(known["n"][-1]) - dialed
    daily = known.select("day", leads=pl.col("dialed").diff().fill_null(pl.col("dialed")))
    past = daily.head(-1).tail(LOOK_BACK)
    if remaining == 0 or past.height < FEWEST_DAYS or past["leads"].sum() == 0:
        return Forecast(remaining, past.height, _fan(today, np.zeros((1, 0))), None, None, None)
    drawn = _drawn(past, today, np.random.default_rng(seed))
    reached = np.minimum(drawn.cumsum(axis=1), remaining)
    done = reached >= remaining
    days = np.where(done.any(axis=1), done.argmax(axis=1) + 1, MOST_DAYS + 1)
    soonest, finish, latest = (
        None if day > MOST_DAYS else today + timedelta(days=int(day))
        for day in np.percentile(days, (2.5, 50.0, 97.5), method="nearest")
    )
    shown = min(MOST_DAYS, int(np.percentile(days, 97.5, method="nearest")) + 1)
    start = np.full((FUTURES, 1), dialed)
    fan = _fan(today, np.hstack([start, dialed + reached[:, :shown]]))
    return Forecast(remaining, past.height, fan, finish, soonest, latest)


def _drawn(past: pl.DataFrame, today: date, random: np.random.Generator) -> np.ndarray:
    """Leads first dialed on each of the coming days, a row per future."""
    drawn = np.empty((FUTURES, MOST_DAYS))
    leads, weekdays = past["leads"].to_numpy(), past["day"].dt.weekday().to_numpy()
    for ahead in range(MOST_DAYS):
        weekday = (today + timedelta(days=ahead + 1)).isoweekday()
        same = leads[weekdays == weekday]
        drawn[:, ahead] = random.choice(same if len(same) else leads, FUTURES)
    return drawn


def _fan(today: date, futures: np.ndarray) -> pl.DataFrame:
    ahead = futures.shape[1]
    points = np.percentile(futures, list(_POINTS.values()), axis=0) if ahead else np.zeros((5, 0))
    days = [today + timedelta(days=one) for one in range(ahead)]
    columns = {name: points[place] for place, name in enumerate(_POINTS)}
    return pl.DataFrame({"day": pl.Series(days, dtype=pl.Date), **columns})
