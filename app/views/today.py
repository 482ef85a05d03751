"""What needs attention?"""

import streamlit as st

from app import campaign_reading, components
from app.campaign_reading import HOUSE_ZONE
from app.queries.campaigns import Listed
from app.queries.today import Attention, Today
from pipelines.metrics.measures import headline
from pipelines.metrics.rates import ANSWERED_PER_DIAL, OPT_OUTS_PER_HUMAN
from pipelines.report.labels import count, interval, percent
from voice_ai.errors import VoiceAIError

BEAT = 2.0  # seconds between two readings
_SHOWN_FIRST = 6
_PROCESSES = ("dialer", "server", "flows")


def page() -> None:
    st.title("What needs attention?")
    _moving()


@st.fragment(run_every=BEAT)
def _moving() -> None:
    try:
        seen = campaign_reading.today()
    except VoiceAIError as error:
        components.unreachable(error)
        return
    if not seen.campaigns:
        _begin(seen)
        return
    _attention(seen.attention)
    _figures(seen)
    _campaigns(seen)
    _health(seen)


def _begin(seen: Today) -> None:
    """An empty home: what to do next."""
    components.no_campaign()
    with st.container(horizontal=True):
        st.page_link("views/lead_import.py", label="Import leads", icon=":material/upload_file:")
        if seen.lists:
            st.page_link(
                "views/campaign_edit.py", label="Create a campaign", icon=":material/edit_note:"
            )
    _attention(seen.attention)
    _health(seen)


def _attention(items: tuple[Attention, ...]) -> None:
    if not items:
        st.success("Nothing needs attention.", icon=":material/check_circle:")
        return
    urgent = sum(item.urgent for item in items)
    st.markdown(f"**{len(items):,} to look at**, {urgent:,} of them urgent")
    for item in items[:_SHOWN_FIRST]:
        _item(item)
    if len(items) > _SHOWN_FIRST:
        with st.expander(f"{len(items) - _SHOWN_FIRST:,} more"):
            for item in items[_SHOWN_FIRST:]:
                _item(item)


def _item(item: Attention) -> None:
    icon = ":material/error:" if item.urgent else ":material/info:"
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(f"{icon} {item.sentence}")
        st.page_link(
            f"views/{item.page}.py",
            label="Look",
            icon=":material/arrow_forward:",
            query_params={"campaign": item.campaign} if item.campaign else None,
        )


def _figures(seen: Today) -> None:
    totals, rates = seen.totals, headline(seen.totals)
    answered, opted_out = rates[ANSWERED_PER_DIAL], rates[OPT_OUTS_PER_HUMAN]
    day = f"since midnight in New York, {seen.since.astimezone(HOUSE_ZONE):%a %d %b}"
    running = len(seen.running)
    figures = (
        ("Calls now", count(totals.live), f"in {running:,} running campaigns", None),
        ("Dials today", count(totals.dials), day, "Dials that ended today, in every campaign."),
        (
            "Answered per dial",
            percent(answered.value),
            f"{totals.answered:,} of {answered.n:,} dials  \n"
            f"95 %: {interval(answered.low, answered.high)}",
            ANSWERED_PER_DIAL.sentence,
        ),
        (
            "Opt-outs today",
            count(totals.opted_out),
            f"of {opted_out.n:,} human answers",
            OPT_OUTS_PER_HUMAN.sentence,
        ),
        ("Campaigns running", count(running), f"of {len(seen.campaigns):,} campaigns", None),
    )
    row = st.columns(len(figures), gap="small")
    for column, (label, value, about, told) in zip(row, figures, strict=True):
        with column.container(border=True, height="stretch"):
            st.markdown(label, help=told)
            st.metric(label, value, label_visibility="collapsed")
            st.caption(about)


def _campaigns(seen: Today) -> None:
    st.subheader("Running campaigns")
    if not seen.running:
        st.caption("No campaign is running; open one and start it.")
        st.page_link("views/campaigns.py", label="All campaigns", icon=":material/campaign:")
        return
    row = st.columns(min(len(seen.running), 3), gap="small")
    for place, one in enumerate(seen.running[:9]):
        with row[place % len(row)].container(border=True):
            _card(one)


def _card(one: Listed) -> None:
    st.page_link(
        "views/campaign.py",
        label=f"**{one.name}**",
        icon=":material/monitoring:",
        query_params={"campaign": one.name},
    )
    st.progress(one.progress, text=f"{one.done:,} of {one.leads:,} leads done")
    st.caption(
        f"{one.seller} · {one.state} · {one.live:,} live calls · {one.goals:,} goals in"
        f" {one.dials:,} dials"
    )


def _health(seen: Today) -> None:
    alive = [f"{kind} {seen.alive[kind]}" for kind in seen.alive]
    missing = [kind for kind in _PROCESSES if kind not in seen.alive]
    said = f"Alive: {', '.join(alive)}" if alive else "No process is alive besides these pages"
    if missing:
        said += f" · not running: {', '.join(missing)}"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"{said}.")
        st.page_link("views/health.py", label="Health", icon=":material/monitor_heart:")


page()
