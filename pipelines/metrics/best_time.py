"""When people pick up: the human answer rate of each weekday and hour, small cells pulled to their
like.

The shrinkage is `ml.slots.hours`, which also chooses the hours of leads: what the page shows is
what the dialer goes by. An hour of a weekday is pulled to its hour, the hour to the whole, by a
strength that is estimated from the counts (empirical Bayes on the beta-binomial; Gelman et al.,
Bayesian Data Analysis, 3rd ed., section 5.3; Kass and Steffey 1989).
"""

import numpy as np
import numpy.typing as npt
import polars as pl

from ml.slots.hours import Cell, Count, Hours, Posterior, learn_hours
from pipelines.metrics.contract import Metric

GREY_BELOW = 50
_ONE = "all"
Floats = npt.NDArray[np.float64]

HUMANS_PER_DIAL_BY_HOUR = Metric(
    name="humans_per_dial_by_weekday_and_hour",
    title="Human answered per dial, by weekday and hour",
    unit="dial",
    numerator="Dials that a person picked up, pulled to the hour's and the whole's rate",
    denominator="dials at that hour of that weekday of the called person",
    excludes="attempts that never reached the carrier, dials to people whose time zone is unknown; "
    f"cells of fewer than {GREY_BELOW} dials are grey",
    chart="heat map",
    interval="posterior",
    better="more",
    source="beta-binomial empirical Bayes, Gelman et al., Bayesian Data Analysis, section 5.3; the "
    "interval is the posterior's, with what it is pulled to uncertain and how strongly known",
)
METRICS = (HUMANS_PER_DIAL_BY_HOUR,)

_CELL = ("local_weekday", "local_hour")
_COUNTS = ("dials", "human_answered")


def summed(counts: pl.DataFrame) -> pl.DataFrame:
    """A row per weekday (1 Monday) and hour with a dial, from counts with any further splits."""
    known = counts.drop_nulls(_CELL).group_by(_CELL).agg(pl.col(_COUNTS).sum())
    return known.filter(pl.col("dials") > 0).sort(_CELL)


def learnt(cells: pl.DataFrame) -> Hours:
    """What `summed` counts come to in the model that also chooses the hours of leads."""
    rows = cells.select(*_CELL, *_COUNTS).iter_rows()
    counts: dict[Cell, Count] = {
        (_ONE, weekday - 1, hour): Count(humans, dials) for weekday, hour, dials, humans in rows
    }
    return learn_hours(counts)


def best_time(counts: pl.DataFrame) -> pl.DataFrame:
    """A row per weekday and hour that was dialed: dials (n), human_answered, `raw` (their
    quotient), `rate` (the posterior's mean) with `low` to `high` (its 2.5 and 97.5 % points),
    `thin` (grey)."""
    from scipy.special import betaincinv

    cells = summed(counts)
    hours = learnt(cells)
    spread = _spread(cells, hours)
    found = [hours.of(_ONE, day - 1, hour) for day, hour in cells.select(_CELL).iter_rows()]
    mean = np.array([posterior.mean for posterior in found], dtype=np.float64)
    strength = mean * (1 - mean) / spread - 1
    a, b = strength * mean, strength * (1 - mean)
    return cells.with_columns(
        raw=pl.col("human_answered") / pl.col("dials"),
        rate=pl.Series(mean, dtype=pl.Float64),
        low=pl.Series(betaincinv(a, b, 0.025), dtype=pl.Float64),
        high=pl.Series(betaincinv(a, b, 0.975), dtype=pl.Float64),
        thin=pl.col("dials") < GREY_BELOW,
    )


def _spread(cells: pl.DataFrame, hours: Hours) -> Floats:
    """The variance of each cell's rate: its own, and, by how far it is pulled, that of what it is
    pulled to (the law of total variance, to first order)."""
    whole = _variance(hours.whole)
    found = []
    for weekday, hour, dials in cells.select(*_CELL, "dials").iter_rows():
        of_hour = hours.counts[_ONE, hour].dials
        pull = hours.strengths["hour"] / (hours.strengths["hour"] + of_hour)
        above = _variance(hours.hours[_ONE, hour]) + pull**2 * whole
        pull = hours.strengths["cell"] / (hours.strengths["cell"] + dials)
        found.append(_variance(hours.of(_ONE, weekday - 1, hour)) + pull**2 * above)
    return np.array(found, dtype=np.float64)


def _variance(beta: Posterior) -> float:
    return beta.mean * (1 - beta.mean) / (beta.a + beta.b + 1)


def best_slots(table: pl.DataFrame, count: int = 3) -> pl.DataFrame:
    """The cells of `best_time` with the highest rate, without the grey ones; the best first."""
    return table.filter(~pl.col("thin")).sort("rate", descending=True).head(count)
