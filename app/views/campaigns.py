"""Which campaigns are there?"""

import polars as pl
import streamlit as st

from app import campaign_reading, components
from app.campaign_reading import HOUSE_ZONE
from app.queries.campaigns import Listed
from voice_ai.errors import VoiceAIError

BEAT = 2.0
STATES = ("draft", "running", "paused", "draining", "stopped", "emergency_stopped", "completed")


def page() -> None:
    head, new = st.columns([4, 1], vertical_alignment="bottom")
    head.title("Which campaigns are there?")
    if new.button("New campaign", icon=":material/add:", type="primary", width="stretch"):
        st.switch_page("views/campaign_edit.py")
    wanted = st.pills(
        "State",
        STATES,
        format_func=in_words,
        selection_mode="multi",
        key="state",
        bind="query-params",
        help="Only campaigns in these states; none chosen: all.",
    )
    _moving(tuple(wanted or ()))


def in_words(state: str) -> str:
    return state.replace("_", " ").capitalize()


@st.fragment(run_every=BEAT)
def _moving(wanted: tuple[str, ...]) -> None:
    try:
        known = campaign_reading.listed()
    except VoiceAIError as error:
        components.unreachable(error)
        return
    if not known:
        components.no_campaign()
        return
    shown = [one for one in known if not wanted or one.state in wanted]
    if not shown:
        st.info("No campaign is in such a state; choose another state, or none.")
        return
    st.caption(f"{len(shown):,} of {len(known):,} campaigns · tick a row to open it")
    _table(shown)


def _table(shown: list[Listed]) -> None:
    rows = pl.DataFrame(
        {
            "Campaign": [one.name for one in shown],
            "State": [in_words(one.state) for one in shown],
            "Seller": [one.seller for one in shown],
            "List": [one.list for one in shown],
            "Leads": [one.leads for one in shown],
            "Done": [one.progress for one in shown],
            "Live calls": [one.live for one in shown],
            "Dials": [one.dials for one in shown],
            "Goals": [one.goals for one in shown],
            "Version": [one.version for one in shown],
            "Last change": [
                f"{one.changed_at.astimezone(HOUSE_ZONE):%d %b %H:%M}" for one in shown
            ],
        }
    )
    chosen = st.dataframe(
        rows,
        hide_index=True,
        key="campaigns",
        on_select="rerun",
        selection_mode="single-row",
        height=min(38 + 35 * len(shown), 700),
        alt="Campaigns with state, progress, live calls and goals",
        column_config={
            "Done": st.column_config.ProgressColumn(
                "Leads done", format="percent", min_value=0.0, max_value=1.0
            ),
            "Leads": st.column_config.NumberColumn(format="localized"),
            "Dials": st.column_config.NumberColumn(format="localized"),
            "Last change": st.column_config.TextColumn("Last change (New York)"),
        },
    )
    picked = chosen["selection"]["rows"]
    if picked:
        st.switch_page("views/campaign.py", query_params={"campaign": shown[picked[0]].name})
    with st.expander("Open by name", icon=":material/link:"):
        for one in shown[:30]:
            st.page_link(
                "views/campaign.py",
                label=one.name,
                icon=":material/monitoring:",
                query_params={"campaign": one.name},
            )


page()
