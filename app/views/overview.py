"""What works, and what moved?"""

from dataclasses import replace
from datetime import date, timedelta

import polars as pl
import streamlit as st

from app import charts, charts_rates, components, slice_picker
from app.slice_picker import Picked
from pipelines.analyses import overview
from pipelines.analyses.ask import ask
from pipelines.analyses.overview import PERIOD_DAYS, FirstRow
from pipelines.metrics import catalogue, rates
from pipelines.metrics.ask import Question
from pipelines.metrics.contract import THIN_BELOW, Metric
from pipelines.metrics.definitions import DISPOSITIONS
from pipelines.metrics.moves import Move
from pipelines.report.build import figures_of
from pipelines.report.labels import count, interval, percent, words
from pipelines.report.palette import Mode, disposition_outcome, outcome_colour

_OF_DIALS = tuple(one for one in rates.METRICS if one.k and one.unit == "dial")
_SHOWN = {metric.title: metric for metric in _OF_DIALS}
_WEEKLY_FROM = timedelta(days=120)
_RECENT = timedelta(days=30)  # so long a changed definition is worth a word
_LATE = timedelta(hours=1)
_MOST_MOVES = 5
_RATE = {"n": "n", "rate": "Share", "low": "95 % from", "high": "95 % to"}


def _page(picked: Picked) -> None:
    row = overview.first_row(picked.lake, picked.part)
    if row.last is None:
        st.info(
            "No call has ended in the chosen part. Choose other days, lists or arms, or start a "
            "campaign on the page All campaigns.",
            icon=":material/phone_disabled:",
        )
        return
    mode = components.mode()
    components.figure_row(figures_of(row.totals, row.dialed), row.trends)
    _attention(picked, row, row.last)
    _line(picked, row.last, mode)
    left, right = st.columns(2, gap="small")
    with left:
        _outcomes(picked, mode)
    with right:
        _campaigns(picked, mode)


def _attention(picked: Picked, row: FirstRow, last: date) -> None:
    """What an analyst should look at first; nothing is said where nothing is."""
    told = [*_late(picked), *_changed(last), *_thin(row)]
    moves = [one for one in overview.moved(picked.lake, picked.part, last, _OF_DIALS) if one.clear]
    names = _campaign_names(picked)
    with st.container(border=True):
        st.markdown(
            "**What needs attention**",
            help=f"Rates of the last {PERIOD_DAYS} days that differ from those of the {PERIOD_DAYS}"
            " days before by more than chance explains (the 95 % interval of the difference, "
            "Newcombe 1998, leaves out 0). One of twenty that stand still looks so too.",
        )
        st.caption(f"The {PERIOD_DAYS} days to {last:%d %b %Y} beside the {PERIOD_DAYS} before")
        for sentence in told:
            st.markdown(f":material/info: {sentence}")
        for move in moves[:_MOST_MOVES]:
            st.markdown(_move_words(move, names.get(move.part or "", picked.label)))
        if len(moves) > _MOST_MOVES:
            st.caption(f"and {len(moves) - _MOST_MOVES} more that moved less")
        if not moves and not told:
            components.empty("Nothing moved by more than chance explains.")


def _move_words(move: Move, where: str) -> str:
    icon, colour = {
        True: ("trending_up" if move.change > 0 else "trending_down", "green"),
        False: ("trending_up" if move.change > 0 else "trending_down", "red"),
        None: ("trending_flat", "gray"),
    }[move.good]
    return (
        f":{colour}[:material/{icon}:] **{move.metric.title}** · {components.plain(where)}: "
        f"{percent(move.before.value)} → {percent(move.now.value)} "
        f"({move.change * 100:+.1f} pp, 95 %: {move.low * 100:+.1f} to {move.high * 100:+.1f}; "
        f"n = {count(move.before.n)} and {count(move.now.n)})"
    )


def _late(picked: Picked) -> list[str]:
    made = picked.lake.manifest
    if made is None or picked.seen.at - made.as_of < _LATE:
        return []
    behind = picked.seen.at - made.as_of
    old = f"{behind.days:,} days" if behind.days > 1 else f"{behind / timedelta(hours=1):.0f} hours"
    tail = picked.seen.tail
    newer = f"; {tail:,} calls since then come from the database" if tail else ""
    return [f"The lake was last synced {old} ago{newer}: `voice-ai lake sync`."]


def _changed(last: date) -> list[str]:
    return [
        f"Since {change.since:%d %b %Y} “{metric.title}” means something else: {change.what}."
        for metric in catalogue.ALL.values()
        for change in metric.changes
        if timedelta(0) <= last - change.since <= _RECENT
    ]


def _thin(row: FirstRow) -> list[str]:
    found = [
        f"{figure.label} ({count(figure.n)} {figure.n_of})"
        for figure in figures_of(row.totals, row.dialed)
        if figure.rate is not None and figure.rate.thin
    ]
    if not found:
        return []
    return [f"Too few to tell (under {THIN_BELOW}): {', '.join(found)}."]


def _campaign_names(picked: Picked) -> dict[str, str]:
    rows = picked.seen.lake.sql("SELECT campaign_id, campaign FROM campaigns")
    return dict(rows.iter_rows())


def _line(picked: Picked, last: date, mode: Mode) -> None:
    chosen = st.segmented_control(
        "Over time",
        list(_SHOWN),
        default=rates.ANSWERED_PER_DIAL.title,
        key="metric",
        bind="query-params",
        required=True,
    )
    metric = _SHOWN.get(chosen or "", rates.ANSWERED_PER_DIAL)
    first = picked.part.since or (picked.days[0] if picked.days else last)
    period = "week" if last - first > _WEEKLY_FROM else "day"
    answer = ask(picked.lake, Question((metric,), (period,), picked.part))
    rows = answer.rows
    with components.card(
        metric,
        f"n = {count(int(rows['n'].sum()))} · one point a {period} · "
        f"pale: n under {THIN_BELOW}{_change_words(metric)}",
    ):
        components.show(
            charts_rates.line_chart(rows, period, metric, mode), f"{metric.title} over time"
        )
        columns = {period: period.capitalize(), "k": "Count", **_RATE, "rate": metric.title}
        components.table(rows, columns, f"{metric.name}-{period}")


def _change_words(metric: Metric) -> str:
    return " · dashed: the definition changed" if metric.changes else ""


def _outcomes(picked: Picked, mode: Mode) -> None:
    rows = overview.ended(picked.lake, picked.part)
    with components.card(DISPOSITIONS, f"n = {count(int(rows['attempts'].sum()))} ended attempts"):
        if rows.is_empty():
            components.empty("Nothing ended in the chosen part.")
            return
        components.show(
            charts.share_chart(
                rows,
                "disposition",
                "attempts",
                mode,
                colour=lambda code: outcome_colour(disposition_outcome(code)),
            ),
            "How calls ended",
        )
        named = rows.with_columns(
            outcome=pl.col("disposition").map_elements(words, return_dtype=pl.String)
        )
        columns = {"outcome": "Outcome", "attempts": "Attempts", **_RATE}
        components.table(named, columns, "dispositions")


def _campaigns(picked: Picked, mode: Mode) -> None:
    """Every campaign beside the others, whichever is chosen above."""
    metric = rates.GOALS_PER_HUMAN
    whole = replace(picked.part, campaign_id=None)
    lake = picked.seen.lake
    rows = ask(lake, Question((metric,), ("campaign",), whole)).rows
    with components.card(metric, f"Campaigns side by side · pale: n under {THIN_BELOW}"):
        components.show(
            charts_rates.dot_chart(rows, "campaign", metric, mode), "Goals per human by campaign"
        )
        st.dataframe(
            _side_by_side(ask(lake, Question(_OF_DIALS, ("campaign",), whole)).rows),
            hide_index=True,
            column_config={"Dials": st.column_config.NumberColumn(format="localized")},
            height=min(38 + 35 * max(rows.height, 1), 320),
        )
        st.caption(f"Beside each rate its 95 % interval; – rests on fewer than {THIN_BELOW}.")


def _side_by_side(rows: pl.DataFrame) -> pl.DataFrame:
    """A line for each campaign, a column for each rate; thin ones are not shown."""
    told = rows.with_columns(
        text=pl.struct("rate", "low", "high", "thin").map_elements(_told, return_dtype=pl.String),
        title=pl.col("metric").replace_strict({one.name: one.title for one in _OF_DIALS}),
    )
    dials = rows.filter(pl.col("metric") == rates.ANSWERED_PER_DIAL.name)
    wide = told.pivot("title", index="campaign", values="text")
    return (
        dials.select("campaign", Dials="n")
        .join(wide, on="campaign", how="left")
        .sort("Dials", descending=True)
        .rename({"campaign": "Campaign"})
    )


def _told(cell: dict[str, float | bool | None]) -> str:
    if cell["thin"] or cell["rate"] is None:
        return "–"
    return f"{percent(cell['rate'])} ({interval(cell['low'], cell['high'])})"


slice_picker.ask("What works, and what moved?", _page)
