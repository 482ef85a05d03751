"""May this campaign start?"""

from collections.abc import Sequence
from uuid import UUID

import streamlit as st

from app import campaign_picker, components, session
from app.campaign_reading import HOUSE_ZONE
from app.queries import preflight as queries
from app.queries.preflight import Finished, Seen
from pipelines.metrics.frames import Campaign
from voice_ai.errors import VoiceAIError
from voice_ai.ids import CampaignId
from voice_ai.preflight import GROUPS, Check, Light, worst
from voice_ai.store import preflights

BEAT = 1.0  # seconds between two readings: a pre-flight takes about two
_TILES_A_ROW = 3
_MARKS = {
    Light.GREEN: ":green[:material/check_circle:]",
    Light.AMBER: ":orange[:material/warning:]",
    Light.RED: ":red[:material/error:]",
}


@st.cache_data(ttl=BEAT / 2, show_spinner=False)
def _look(campaign: UUID) -> Seen:
    """Raises NotAvailable."""
    with session.reading() as connection:
        return queries.look(connection, campaign)


def page() -> None:
    campaign = campaign_picker.picked("May this campaign start?")
    if campaign is None:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Check again", icon=":material/refresh:", type="primary"):
            _ask(campaign)
        st.page_link(
            "views/campaign.py",
            label="To the campaign and its Start",
            icon=":material/play_arrow:",
            query_params={"campaign": campaign.name},
        )
    _moving(campaign)


def _ask(campaign: Campaign) -> None:
    try:
        with session.asking() as db:
            preflights.ask(
                db,
                CampaignId(campaign.id),
                by=session.user(),
                now=session.context().clock.now(),
            )
    except VoiceAIError as error:
        st.error(error.message)
        return
    _look.clear()


@st.fragment(run_every=BEAT)
def _moving(campaign: Campaign) -> None:
    try:
        seen = _look(campaign.id)
    except VoiceAIError as error:
        components.unreachable(error)
        return
    _under_way(seen)
    if seen.last is None:
        if seen.open is None:
            st.info(
                "This campaign was never checked. Press “Check again”: nothing is called. A start"
                " checks by itself.",
                icon=":material/flight_takeoff:",
            )
        return
    _verdict(campaign, seen.last)
    _tiles(seen.last.checks)


def _under_way(seen: Seen) -> None:
    if seen.open is None:
        return
    if not seen.dialers:
        st.warning(
            "A check was asked for, but no dialer is alive to make it; start `voice-ai dialer`.",
            icon=":material/hourglass_disabled:",
        )
    else:
        st.info(f"Checking, for {seen.open.asked_by} …", icon=":material/hourglass_top:")


def _verdict(campaign: Campaign, last: Finished) -> None:
    count = {light: sum(one.light is light for one in last.checks) for light in Light}
    n = len(last.checks)
    if last.light is Light.RED:
        st.error(
            f"{campaign.name} cannot start: {count[Light.RED]} of {n} checks are red.",
            icon=":material/block:",
        )
    elif last.light is Light.AMBER:
        st.warning(
            f"{campaign.name} may start; {count[Light.AMBER]} of {n} checks want a look.",
            icon=":material/warning:",
        )
    else:
        st.success(
            f"{campaign.name} may start: all {n} checks are green.", icon=":material/check_circle:"
        )
    at = last.at.astimezone(HOUSE_ZONE)
    why = "for a start" if last.of_start else "on request"
    st.caption(f"Checked {why} of {last.asked_by}, {at:%a %d %b %Y %H:%M:%S} New York")


def _tiles(checks: Sequence[Check]) -> None:
    """A tile for each group, those that want something first."""
    groups = [
        (title, [one for one in checks if one.group == group])
        for group, title in GROUPS.items()
        if any(one.group == group for one in checks)
    ]
    order = list(reversed(Light))
    groups.sort(key=lambda one: order.index(worst(one[1])))
    for begin in range(0, len(groups), _TILES_A_ROW):
        columns = st.columns(_TILES_A_ROW, gap="small")
        for column, (title, members) in zip(
            columns, groups[begin : begin + _TILES_A_ROW], strict=False
        ):
            with column.container(border=True, height="stretch"):
                _tile(title, members)


def _tile(title: str, members: Sequence[Check]) -> None:
    light = worst(members)
    good = sum(one.light is Light.GREEN for one in members)
    st.markdown(f"{_MARKS[light]} **{title}**")
    st.caption(f"{good} of {len(members)} checks are green")
    for one in members:
        if one.mend:
            st.markdown(f"{_MARKS[one.light]} **{one.title}** – {_plain(one.seen)}")
            st.caption(f"**{'Mend' if one.light is Light.RED else 'To do'}:** {_plain(one.mend)}")
    # What needs nothing takes little room: a line each.
    well = [
        f":small[{_MARKS[one.light]} {one.title} – :gray[{_plain(one.seen)}]]"
        for one in members
        if not one.mend
    ]
    if well:
        st.markdown("  \n".join(well))


def _plain(text: str) -> str:
    """A sentence is not to be read as Markdown, but for its `code`."""
    for mark in ("\\", "*", "_", "[", "]", "$", "~", "<"):
        text = text.replace(mark, f"\\{mark}")
    parts = text.split("`")
    return "`".join(
        part.replace("\\", "") if place % 2 else part for place, part in enumerate(parts)
    )


page()
