"""What a metric promises: what is counted, over what, leaving out what, since when, how it is
drawn.

All of them: rehearsal rows never mix with live ones; a dial counts once it has ended; times are the
called person's; cells that rest on fewer than `THIN_BELOW` are marked, and hidden where asked.
"""

from dataclasses import dataclass
from datetime import date
from typing import Literal

THIN_BELOW = 20

Unit = Literal["lead", "dial", "turn", "response", "attempt", "call", "second", "money", "day"]
Interval = Literal[
    "wilson", "bootstrap", "rank", "greenwood", "always valid", "ratio", "normal", "posterior",
    "none",
]  # fmt: skip
Chart = Literal[
    "bar", "line", "funnel", "heat map", "step curve", "triangle", "histogram", "table", "ribbon",
    "control chart", "gauge", "area",
]  # fmt: skip


@dataclass(frozen=True)
class Change:
    """From `since` on the metric means something else; a chart over that day shows a mark."""

    version: int
    since: date
    what: str


@dataclass(frozen=True)
class Metric:
    """A metric's contract. `k` and `n`: measures of the dial cubes it is the quotient of, where it
    is one; then `pipelines.metrics.ask` answers it for any split. `better`: which way is good
    news. `source`: where the formula comes from."""

    name: str
    title: str
    unit: Unit
    numerator: str
    denominator: str
    excludes: str = ""
    version: int = 1
    changes: tuple[Change, ...] = ()
    chart: Chart = "bar"
    interval: Interval = "wilson"
    k: str | None = None
    n: str | None = None
    better: Literal["more", "fewer"] | None = None
    source: str = ""

    @property
    def sentence(self) -> str:
        left_out = f" Left out: {self.excludes}." if self.excludes else ""
        return f"{self.numerator} ÷ {self.denominator}.{left_out}"
