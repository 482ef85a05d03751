"""The first row of an analytics page: at most five figures, each with n, interval, change, line."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from pipelines.metrics.contract import Metric
from pipelines.metrics.periods import DAYS


@dataclass(frozen=True)
class Shown:
    """`change`: the last seven days less the seven before, in words with its sign, None where
    either is thin; `lines`: n, interval, what else must be said."""

    metric: Metric
    value: str
    lines: Sequence[str]
    change: str | None = None
    line: Sequence[float] = ()


def row(figures: Sequence[Shown]) -> None:
    for column, figure in zip(st.columns(len(figures), gap="small"), figures, strict=True):
        with column.container(border=True, height="stretch"):
            _figure(figure)


def changed(last: float | None, before: float | None, unit: str, scale: float = 1) -> str | None:
    """What `Shown.change` says of two values; None where either is not known."""
    if last is None or before is None:
        return None
    return f"{(last - before) * scale:+,.1f} {unit}"


def _figure(figure: Shown) -> None:
    metric = figure.metric
    # A metric's own label is cut off where it does not fit; the denominator must be read.
    st.markdown(metric.title, help=metric.sentence)
    st.metric(
        metric.title,
        figure.value,
        figure.change,
        delta_color={"more": "normal", "fewer": "inverse"}.get(metric.better or "", "off"),  # type: ignore[arg-type]
        label_visibility="collapsed",
        chart_data=list(figure.line) if len(figure.line) > 1 else None,
        chart_type="line",
    )
    compared = [f"arrow: last {DAYS} days vs the {DAYS} before"] if figure.change else []
    st.caption("  \n".join([*figure.lines, *compared]))
