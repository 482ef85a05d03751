"""The page of the metrics, docs/metrics.md, from their contracts (`voice-ai docs metrics`)."""

from collections.abc import Iterable

from pipelines.metrics.catalogue import ALL
from pipelines.metrics.contract import THIN_BELOW, Metric

_HEAD = f"""# Metrics

Every figure of the pages, the reports, the notebooks and the SQL views, once. Written by
`voice-ai docs metrics` from `pipelines/metrics/`; a test keeps it so.

- A rate names what it is out of. It always comes with its n and an interval of 95 %.
- Cells that rest on fewer than {THIN_BELOW} are pale on a chart and never start an alarm.
- Rehearsals and real calls are never together. A dial is an attempt that reached the carrier and
  ended.
- Hours, weekdays and days are the called person's, in the first zone that they may be in; where
  none is known, the day is that of UTC.
- Per dial and per lead are different things: a metric says which it is as its unit.
- When a definition changes, its version goes up, and a chart over that day shows a mark.
- *Cubes* gives the two sums whose quotient it is: columns of the lake's `cube_*` tables, which
  Explore and `voice-ai lake sql` answer for any split.

| metric | out of | interval | chart |
|---|---|---|---|
"""
_INTERVALS = {
    "wilson": "Wilson's score interval (Wilson 1927; Newcombe 1998, method 3)",
    "bootstrap": "bootstrap (Efron and Tibshirani 1993)",
    "rank": "order statistics: ranks from Wilson's interval of the percentile",
    "greenwood": "Greenwood 1926, on the log-log scale",
    "always valid": "always valid, however often it is looked at",
    "ratio": "of a ratio of two sums over calls, by the spread of its residuals (Cochran 1977)",
    "normal": "normal, from the mean and the spread of the values",
    "posterior": "2.5 and 97.5 % points of the posterior; how strongly to pull is taken as known",
    "none": "none: a count, not an estimate",
}


def page(metrics: Iterable[Metric] | None = None) -> str:
    """The whole page; left out: every metric of the catalogue."""
    known = list(ALL.values() if metrics is None else metrics)
    rows = (
        f"| [`{one.name}`](#{one.name}) | {_cell(one.denominator)} | {one.interval} | {one.chart} |"
        for one in known
    )
    return _HEAD + "\n".join(rows) + "\n\n" + "\n".join(map(_section, known))


def _section(metric: Metric) -> str:
    good = {"more": "more", "fewer": "fewer", None: "neither more nor fewer"}[metric.better]
    cubes = f"`{metric.k}` ÷ `{metric.n}`" if metric.k and metric.n else ""
    told = (
        ("Numerator", metric.numerator),
        ("Denominator", metric.denominator),
        ("Left out", metric.excludes or "nothing"),
        ("Unit", metric.unit),
        ("Interval", _INTERVALS[metric.interval]),
        ("Chart", metric.chart),
        ("Good news", good),
        ("Cubes", cubes),
        ("Source", metric.source),
        ("Version", str(metric.version)),
        *((f"Since {one.since}", f"version {one.version}: {one.what}") for one in metric.changes),
    )
    lines = [f"- {name}: {text}" for name, text in told if text]
    return "\n".join((f"## {metric.name}", f"**{metric.title}**", "", *lines, ""))


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
