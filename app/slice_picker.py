"""The head of an analytics page: its question, and which part of the history it is asked of.

Everything that is chosen is in the address, so that a view can be sent to a colleague.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import polars as pl
import streamlit as st

from app import components
from app import lake as lakes
from app.lake import Seen
from pipelines.lake.read import Lake
from pipelines.metrics.slices import Slice
from voice_ai.errors import VoiceAIError

ALL = "All campaigns"
_CAMPAIGNS = """
SELECT campaign_id, campaign, rehearsal FROM campaigns ORDER BY created_at DESC, campaign
"""
_PARTS = """
SELECT list, arm, min(day) AS first, max(day) AS last FROM cube_outcomes
WHERE rehearsal = $rehearsal AND (campaign_id = $campaign_id OR $campaign_id IS NULL)
GROUP BY ALL
"""


@dataclass(frozen=True)
class Picked:
    """`part` is what the page asks about; `label` says it in words. `days`: first and last with a
    finished call, None when there is none."""

    seen: Seen
    part: Slice
    label: str
    days: tuple[date, date] | None

    @property
    def state(self) -> tuple[int, int]:
        """What tells one state of the lake from another: its commit, and how long its tail is."""
        made = self.seen.lake.manifest
        return (made.number if made else 0, self.seen.tail)

    @cached_property
    def lake(self) -> Lake:
        """The lake, limited to the files of the campaign where one is chosen."""
        return self.seen.lake.only(campaign=self.part.campaign_id)


def picked(question: str) -> Picked | None:
    """None when there is nothing to ask about, which the page then says."""
    head, picker = st.columns([3, 1], vertical_alignment="bottom")
    head.title(question)
    found = lakes.opened()
    if found is None:
        return None
    try:
        return _picked(found, picker)
    except VoiceAIError as error:
        components.unreachable(error)
        return None


def ask(question: str, draw: Callable[[Picked], None]) -> None:
    """The whole page: its head, then what `draw` makes of what was picked, or why it cannot."""
    found = picked(question)
    if found is None:
        return
    try:
        draw(found)
    except VoiceAIError as error:
        components.unreachable(error)


def _picked(seen: Seen, picker: "st.delta_generator.DeltaGenerator") -> Picked | None:
    known = seen.lake.sql(_CAMPAIGNS)
    if known.is_empty():
        components.no_campaign()
        return None
    live = known.filter(~pl.col("rehearsal"))
    names = known["campaign"].to_list()
    name = picker.selectbox("Campaign", [ALL, *names], key="campaign", bind="query-params")
    chosen = known.filter(pl.col("campaign") == name)
    campaign_id = None if chosen.is_empty() else str(chosen["campaign_id"][0])
    # Every campaign together: the real ones, or, where nobody real was ever called, the rehearsals.
    rehearsal = live.is_empty() if campaign_id is None else bool(chosen["rehearsal"][0])
    parts = seen.lake.sql(_PARTS, {"rehearsal": rehearsal, "campaign_id": campaign_id})
    days = _span(parts)
    part = _narrowed(Slice(campaign_id, rehearsal=rehearsal), parts, days)
    kind = " · rehearsal, nobody real was called" if rehearsal else ""
    st.caption(f"{seen.sentence}{kind} · days and hours are the called person's")
    return Picked(seen, part, name, days)


def _narrowed(whole: Slice, parts: pl.DataFrame, days: tuple[date, date] | None) -> Slice:
    one, two, three, four = st.columns([3, 2, 1.5, 1.5])
    lists = one.multiselect(
        "Lists", _values(parts, "list"), key="lists", bind="query-params", placeholder="All lists"
    )
    arms = two.multiselect(
        "Arms",
        _values(parts, "arm"),
        key="arms",
        bind="query-params",
        placeholder="All arms",
        help="Of the campaign's experiment; leads without an arm are in none of them.",
    )
    first, last = days or (None, None)
    told = f"Calls are from {first:%d %b %Y} to {last:%d %b %Y}." if first and last else None
    since = three.date_input("From", None, key="since", bind="query-params", help=told)
    until = four.date_input("To", None, key="until", bind="query-params", help=told)
    return Slice(
        whole.campaign_id,
        rehearsal=whole.rehearsal,
        lists=tuple(lists),
        arms=tuple(arms),
        since=since,
        until=until,
    )


def _values(parts: pl.DataFrame, column: str) -> list[str]:
    return sorted(parts[column].drop_nulls().unique().to_list())


def _span(parts: pl.DataFrame) -> tuple[date, date] | None:
    if parts.is_empty():
        return None
    first, last = parts.select(pl.col("first").min(), pl.col("last").max()).row(0)
    return first, last
