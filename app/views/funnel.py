"""Where do leads fall out?"""

import polars as pl
import streamlit as st

from app import charts_funnel, charts_rates, components, slice_picker
from app.slice_picker import Picked
from pipelines.analyses import funnel
from pipelines.metrics import definitions, rates
from pipelines.metrics.contract import THIN_BELOW
from pipelines.metrics.intervals import rate
from pipelines.report.labels import count, interval, percent, words
from pipelines.report.palette import Mode

_RATE = {"n": "n", "rate": "Share", "low": "95 % from", "high": "95 % to"}
_SPLITS = {"Lists": "list", "Arms": "arm"}
# The steps of the first row, each with the metric that tells of it and what it is out of.
_FIRST = (
    ("eligible", "leads", "Eligible per lead loaded"),
    ("dialed", "eligible", "Dialed per eligible lead"),
    ("human", "dialed", "Person reached per lead dialed"),
    ("conversed", "human", "Conversed per person reached"),
    ("goal", "conversed", "Goal per lead conversed with"),
)


def _page(picked: Picked) -> None:
    rows = funnel.funnel(picked.lake, picked.part)
    if rows.is_empty() or int(rows["leads"][0]) == 0:
        st.info(
            "No lead is loaded in the chosen part. Import a list on the page Import, or choose "
            "another campaign.",
            icon=":material/lists:",
        )
        return
    if picked.part.since:
        st.caption("A funnel tells how far leads came by the last day; “From” cuts nothing off.")
    mode = components.mode()
    _figures(rows)
    left, right = st.columns([6, 5], gap="small")
    with left:
        _steps(rows, picked, mode)
    with right:
        _blocked(picked, mode)
    _lost(picked, mode)
    _split(picked, mode)


def _figures(rows: pl.DataFrame) -> None:
    leads = dict(rows.select("stage", "leads").iter_rows())
    shown = [one for one in _FIRST if one[0] in leads and one[1] in leads]
    for column, (stage, before, label) in zip(st.columns(len(shown)), shown, strict=True):
        found = rate(leads[stage], leads[before])
        with column.container(border=True, height="stretch"):
            st.markdown(label, help=definitions.FUNNEL.sentence)
            told = "–" if found.thin else percent(found.value)
            st.metric(label, told, label_visibility="collapsed")
            lines = [
                f"{count(found.k)} of {count(found.n)} · {count(found.n - found.k)} lost",
                f"fewer than {THIN_BELOW}: not shown"
                if found.thin
                else f"95 %: {interval(found.low, found.high)}",
            ]
            st.caption("  \n".join(lines))


def _steps(rows: pl.DataFrame, picked: Picked, mode: Mode) -> None:
    about = f"n = {count(int(rows['leads'][0]))} leads · each step counts a lead once"
    if picked.part.arms:
        about += " · of these arms, so from the first dial on"
    with components.card(definitions.FUNNEL, about):
        components.show(charts_funnel.funnel_chart(rows, mode), f"From list to goal; {about}")
        named = rows.with_columns(
            step=pl.col("stage").map_elements(words, return_dtype=pl.String),
            lost=pl.col("n") - pl.col("leads"),
        )
        columns = {"step": "Step", "leads": "Leads", "n": "Out of", "lost": "Lost"}
        shares = {**_RATE, "rate": "Share of these", "of_all": "Share of the list"}
        del shares["n"]
        components.table(named, columns | shares, "funnel")
        for change in definitions.FUNNEL.changes:
            st.caption(f"Since {change.since:%d %b %Y}: {change.what.lower()}.")


def _blocked(picked: Picked, mode: Mode) -> None:
    rows = funnel.blocked(picked.lake, picked.part)
    metric = definitions.BLOCKED
    held = int(rows["leads"][1:-1].sum())
    about = f"{count(held)} of {count(int(rows['leads'][0]))} leads never dialed"
    if picked.part.arms:
        about += " · of every arm: a lead that was never dialed has none"
    with components.card(metric, about):
        if held == 0:
            components.empty("The rules hold no lead back.")
            return
        components.show(charts_funnel.blocked_chart(rows, mode), "What the rules hold back")
        named = rows.with_columns(
            reasons=pl.col("code").map_elements(charts_funnel.reasons_words, return_dtype=pl.String)
        )
        columns = {"reasons": "Reasons", "leads": "Leads", "before": "Left before", **_RATE}
        components.table(named, columns, "blocked")


def _lost(picked: Picked, mode: Mode) -> None:
    rows = funnel.drop_off(picked.lake, picked.part)
    with components.card(
        definitions.DROP_OFF,
        "Of dials, not of leads: a lead that was dialed three times fell out in three ways",
    ):
        if rows.is_empty():
            components.empty("No dial fell out yet.")
            return
        components.show(charts_funnel.lost_chart(rows, mode), "Dials lost at each step")
        named = rows.with_columns(
            pl.col("stage", "disposition", "end_reason").map_elements(words, return_dtype=pl.String)
        )
        columns = {
            "stage": "Step not taken",
            "disposition": "How it ended",
            "end_reason": "Who ended it",
            "dials": "Dials",
            **_RATE,
        }
        components.table(named, columns, "lost")


def _split(picked: Picked, mode: Mode) -> None:
    chosen = st.segmented_control(
        "Side by side", list(_SPLITS), default="Lists", key="by", bind="query-params", required=True
    )
    split = _SPLITS.get(chosen or "", "list")
    rows = funnel.funnel_by(picked.lake, picked.part, split)
    if split == "arm":
        _side_by_side(rows, split, mode)
        return
    left, right = st.columns([2, 3], gap="small")
    with left:
        _contacted(picked, mode)
    with right:
        _side_by_side(rows, split, mode)


def _side_by_side(rows: pl.DataFrame, split: str, mode: Mode) -> None:
    with components.card(
        definitions.FUNNEL,
        f"By {split} · each step's share of the one it is out of · pale: n under {THIN_BELOW}",
    ):
        if rows.is_empty():
            components.empty("No experiment gave a lead an arm in the chosen part.")
            return
        components.show(charts_funnel.split_chart(rows, split, mode), f"The funnel by {split}")
        named = rows.with_columns(
            part=pl.col(split).fill_null("unknown"),
            step=pl.col("stage").map_elements(words, return_dtype=pl.String),
        )
        columns = {"part": words(split), "step": "Step", "leads": "Leads", **_RATE}
        components.table(named, columns, f"funnel-by-{split}")


def _contacted(picked: Picked, mode: Mode) -> None:
    rows = funnel.contacted_by_list(picked.lake, picked.part).rename({"contacted": "k"})
    metric = rates.CONTACTED_LEADS_PER_LOADED_LEAD
    with components.card(metric, f"By list · of every arm · pale: n under {THIN_BELOW}"):
        components.show(charts_rates.dot_chart(rows, "list", metric, mode), metric.title)
        columns = {"list": "List", "k": "Contacted", **_RATE}
        components.table(rows, columns, "contacted")


slice_picker.ask("Where do leads fall out?", _page)
