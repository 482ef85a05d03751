"""Pieces that pages are put together from."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Literal

import polars as pl
import streamlit as st

from app.queries.overview import LiveCall
from app.theme import Drawing
from pipelines.metrics.contract import THIN_BELOW, Metric
from pipelines.metrics.definitions import METRICS
from pipelines.metrics.measures import Overview
from pipelines.metrics.trend import Trend, trends
from pipelines.report.build import Figure
from pipelines.report.build import figures as report_figures
from pipelines.report.labels import count, interval, percent, words
from pipelines.report.palette import Mode
from voice_ai.errors import VoiceAIError

# Fewer opt-outs are better, more dials are neither; more of everything else is.
_JUDGED: Mapping[str, Literal["inverse", "off"]] = {"opt_outs_per_human": "inverse", "dials": "off"}


@contextmanager
def card(metric: Metric, about: str) -> Iterator[None]:
    """A bordered part of a page: the metric's title, its n, its definition on demand."""
    with st.container(border=True, height="stretch"):
        st.markdown(f"**{metric.title}**", help=metric.sentence)
        st.caption(about)
        yield


def mode() -> Mode:
    """Light or dark, as this visitor's page is."""
    return "dark" if st.context.theme.type == "dark" else "light"


def show(chart: Drawing, description: str) -> None:
    st.altair_chart(chart, theme=None, alt=description)


def table(rows: pl.DataFrame, names: Mapping[str, str], file: str) -> None:
    """What a chart was drawn from: columns under people's names, and as CSV under their own."""
    shares = {
        names[column]: st.column_config.NumberColumn(format="percent")
        for column in ("rate", "low", "high", "of_all")
        if column in names
    }
    with st.expander("Table", icon=":material/table:"):
        st.dataframe(
            rows.select(pl.col(column).alias(name) for column, name in names.items()),
            hide_index=True,
            column_config=shares,
            height=min(38 + 35 * max(rows.height, 1), 320),
        )
        st.download_button(
            "CSV",
            rows.write_csv().encode(),
            file_name=f"{file}.csv",
            mime="text/csv",
            key=f"csv {file}",
            on_click="ignore",
            icon=":material/download:",
        )


def empty(sentence: str) -> None:
    st.caption(f":gray[{sentence}]")


def figures(measures: Overview) -> None:
    """The first row: each figure with its n, its interval, its change and a small line."""
    figure_row(report_figures(measures), trends(measures.activity, measures.activity_step))


def figure_row(row: Sequence[Figure], moved: Mapping[str, Trend]) -> None:
    for column, figure in zip(st.columns(len(row), gap="small"), row, strict=True):
        with column.container(border=True, height="stretch"):
            _figure(figure, moved.get(figure.key))


def _figure(figure: Figure, trend: Trend | None) -> None:
    told, change = METRICS.get(figure.key), _change(figure, trend)
    # A metric's own label is cut off where it does not fit; the denominator must be read.
    st.markdown(
        figure.label,
        help=told.sentence if told else "Attempts that reached the carrier and ended.",
    )
    st.metric(
        figure.label,
        count(figure.count) if figure.rate is None else percent(figure.rate.rate),
        change,
        delta_color=_JUDGED.get(figure.key, "normal"),
        label_visibility="collapsed",
        chart_data=list(trend.line) if trend and len(trend.line) > 1 else None,
        chart_type="bar" if figure.rate is None else "line",
    )
    if figure.rate is None:
        lines = [f"{count(figure.n)} {figure.n_of}"]
    else:
        lines = [
            f"{count(figure.count)} of {count(figure.n)} {figure.n_of}",
            f"95 %: {interval(figure.rate.low, figure.rate.high)}",
        ]
        if figure.rate.thin:
            lines.append(f"under {THIN_BELOW}: hardly more than chance")
    if trend and change:
        lines.append(f"arrow: vs {_period(trend.period)} ago")
    st.caption("  \n".join(lines))


def _change(figure: Figure, trend: Trend | None) -> str | None:
    if trend is None or trend.change is None:
        return None
    if figure.rate is None:
        return f"{trend.change:+,.0f}"
    return f"{trend.change * 100:+.1f} pp"


def _period(period: timedelta) -> str:
    seconds = int(period.total_seconds())
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size and seconds % size == 0:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def live_calls(live: Sequence[LiveCall], total: int, now: datetime) -> None:
    """Dials that have not ended; a lead is shown by the end of its id only."""
    with st.container(border=True, height="stretch"):
        st.markdown("**Live calls**", help="Attempts that have not ended; the longest first.")
        shown = f" · the {len(live)} longest are shown" if total > len(live) else ""
        st.caption(f"{total:,} now{shown}")
        if not live:
            empty("No call is live.")
            return
        rows = pl.DataFrame(
            {
                "Lead": [f"…{call.lead_id % 1000:03d}" for call in live],
                "State": [words(call.state) for call in live],
                "Attempt": [call.attempt_no for call in live],
                "Seconds": [max(0, int((now - call.since).total_seconds())) for call in live],
            }
        )
        st.dataframe(rows, hide_index=True, height=min(38 + 35 * len(live), 300))


def unreachable(error: VoiceAIError) -> None:
    """The page goes on asking."""
    st.error(error.message, icon=":material/cloud_off:")


def no_campaign() -> None:
    st.info("There is no campaign yet.", icon=":material/campaign:")
    st.markdown(
        "Start the sample campaign, or bring your own list:\n"
        "```\nvoice-ai up\n"
        "voice-ai import leads.csv --list NAME\n"
        "voice-ai campaign create --file campaign.yaml\n```"
    )


def nothing_dialed(name: str, state: str) -> None:
    """What to do about a campaign without a call."""
    todo = {
        "draft": f"Check it with `voice-ai campaign preflight {name!r}`, then start it with "
        f"`voice-ai campaign start {name!r}`.",
        "running": "It is running: the first calls appear here as soon as a dialer "
        "(`voice-ai dialer`) claims leads that may be called now.",
        "paused": f"It is paused; `voice-ai campaign resume {name!r}` goes on.",
    }.get(state, "It has ended without a call; the reasons are under “Why leads are not called”.")
    st.info(f"Nothing was dialed yet. {todo}", icon=":material/phone_disabled:")


def plain(text: str) -> str:
    """Names from files and people, so that nothing in them counts as markup."""
    return re.sub(r"([\\`*_\[\]<>:$~#])", r"\\\1", text)
