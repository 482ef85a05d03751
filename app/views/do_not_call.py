"""Who must not be called?"""

from datetime import datetime, timedelta

import pandas as pd
import polars as pl
import streamlit as st

from app import charts, components, session
from app.do_not_call_forms import REASON_WORDS, add_a_file, add_by_hand
from app.kill_switches import kill_switches
from app.queries import do_not_call as queries
from app.states import with_dots
from pipelines.report.labels import words
from voice_ai.db.connect import Row
from voice_ai.errors import VoiceAIError
from voice_ai.outside_lists import age_in_words
from voice_ai.store import suppressions as store
from voice_ai.store.outside_lists import ListStanding
from voice_ai.store.suppressions import Standing

_DAY = timedelta(days=1)
_CHANNELS = {
    "call": "Said in a call",
    "import": "Lead file",
    "sms": "Text message",
    "inbound": "Called us",
    "page": "By hand, page",
    "file": "File of numbers",
    "command": "By hand, command",
}


def page() -> None:
    st.title("Who must not be called?")
    try:
        counts, sources, newest, lists, switches, sellers, campaigns = _read()
    except VoiceAIError as error:
        components.unreachable(error)
        return
    _figures(counts, lists, switches)
    if told := st.session_state.pop("dnc told", None):
        st.success(told, icon=":material/check:")
    _by_source(sources)
    _search()
    left, right = st.columns(2)
    with left:
        add_by_hand(sellers, campaigns, _read.clear)
    with right:
        add_a_file(sellers, campaigns, _read.clear)
    _lists(lists)
    kill_switches(switches, campaigns, _read.clear)
    _newest(newest)


@st.cache_data(ttl=session.MOMENT, show_spinner=False)
def _read() -> tuple[
    Row, pl.DataFrame, list[Row], list[ListStanding], list[Row], list[str], list[str]
]:
    now = session.context().clock.now()
    with session.reading() as connection:
        return (
            queries.counts(connection, now - _DAY),
            queries.by_source(connection, now - _DAY),
            queries.newest(connection),
            queries.outside_lists(connection, now),
            queries.switches(connection),
            queries.sellers(connection),
            queries.campaigns(connection),
        )


def _figures(counts: Row, lists: list[ListStanding], switches: list[Row]) -> None:
    usable = sum(one.state in {"ok", "warn"} for one in lists)
    loaded = sum(one.state != "missing" for one in lists)
    on = sum(row["cleared_at"] is None for row in switches)
    figures = (
        ("Suppressed", counts["numbers"], "different numbers"),
        ("New in 24 hours", counts["recent"], f"of {counts['numbers']:,} numbers"),
        ("For everybody", counts["for_all"], f"of {counts['numbers']:,}: no seller calls"),
        ("Outside lists in date", usable, f"of {loaded:,} that are loaded"),
        ("Kill switches on", on, "stop calls now"),
    )
    for column, (label, value, about) in zip(st.columns(5), figures, strict=True):
        with column.container(border=True, height="stretch"):
            st.metric(label, f"{value:,}")
            st.caption(about)


def _by_source(sources: pl.DataFrame) -> None:
    with st.container(border=True):
        st.markdown(
            "**Suppressed numbers by the way they came in**",
            help="A number counts once under each way; what said so first is what was written.",
        )
        st.caption(f"n = {int(sources['numbers'].sum()):,}")
        if sources.is_empty():
            components.empty("Nobody is suppressed yet: add a number below.")
            return
        named = sources.with_columns(pl.col("source").replace(_CHANNELS))
        mode = components.mode()
        drawn = charts.count_chart(named, "source", "numbers", "Numbers", mode, label=str)
        components.show(drawn, "Suppressed numbers by the way they came in")
    names = {"source": "Came by", "numbers": "Numbers", "recent": "In 24 hours"}
    components.table(named, names, "suppressed")


def _search() -> None:
    with st.container(border=True):
        st.markdown("**Is this number suppressed?**")
        with st.form("dnc search", border=False):
            number, button = st.columns([4, 1], vertical_alignment="bottom")
            number.text_input(
                "Phone number",
                key="dnc number",
                autocomplete="off",
                help="Looked up by its fingerprint: it is neither logged nor put in the address.",
            )
            button.form_submit_button("Look it up", icon=":material/search:", on_click=_look_up)
        if problem := st.session_state.pop("dnc problem", None):
            st.warning(problem, icon=":material/error:")
        standing = st.session_state.get("dnc standing")
        if standing is not None:
            _show(standing, st.session_state["dnc ending"])


def _look_up() -> None:
    """From the number to what is known of it; the number is forgotten at once."""
    typed = st.session_state["dnc number"]
    st.session_state["dnc number"] = ""
    st.session_state["dnc standing"] = None
    try:
        with session.asking() as db:
            standing = store.standing(db, session.context().keyring, typed)
    except VoiceAIError as error:
        st.session_state["dnc problem"] = error.message[:1].upper() + error.message[1:] + "."
        return
    st.session_state["dnc standing"] = standing
    st.session_state["dnc ending"] = store.e164(typed)[-2:]


def _show(standing: Standing, ending: str) -> None:
    if not standing.suppressions:
        st.info(f"No suppression stops calls to the number that ends in {ending}.")
    for row in standing.suppressions:
        whom = {
            "all": "Nobody calls",
            "seller": f"{row['seller']} does not call",
            "campaign": f"The campaign {row['campaign']} does not call",
        }[row["scope"]]
        by = f", added by {row['added_by']}" if row["added_by"] else ", the person's own word"
        st.markdown(
            f":material/block: **{whom} the number that ends in {ending}** :gray[since"
            f" {row['created_at']:%Y-%m-%d %H:%M} UTC] – {_reason(row).lower()},"
            f" {_channel(row).lower()}{by}."
        )
    for row in standing.outside_lists:
        st.markdown(f":material/list: On {row['source']} of {row['taken_at']:%Y-%m-%d}.")
    for row in standing.consents:
        end = f", taken back {row['revoked_at']:%Y-%m-%d}" if row["revoked_at"] else ""
        st.markdown(
            f":material/handshake: Consent for {row['seller']}, {words(row['kind'])}, of"
            f" {row['obtained_at']:%Y-%m-%d}{end}."
        )
    for row in standing.contacts:
        way = "wrote" if row["kind"] == "sms" else "called"
        st.markdown(
            f":material/call_received: It {way} us {row['received_at']:%Y-%m-%d %H:%M} UTC."
        )


def _channel(row: Row) -> str:
    return _CHANNELS.get(row["source"], str(row["source"]))


def _reason(row: Row) -> str:
    return REASON_WORDS.get(row["reason"], str(row["reason"]))


def _lists(lists: list[ListStanding]) -> None:
    now = session.context().clock.now()
    with st.container(border=True):
        st.markdown(
            "**Outside lists**",
            help="Calls that need a list are not allowed once it is too old.",
        )
        st.caption("Load one: `voice-ai dnc snapshot load FILE --source … --taken-on DATE`")
        frame = pd.DataFrame([_list_row(one, now) for one in lists])
        st.dataframe(with_dots(frame), hide_index=True, height=38 + 35 * len(frame))


def _list_row(one: ListStanding, now: datetime) -> dict[str, str]:
    return {
        "State": one.state,
        "List": one.outside.title,
        "Age": age_in_words(one.outside, one.taken_at, now),
        "Numbers": f"{one.rows:,}" if one.rows is not None else "",
        "Made on": f"{one.taken_at:%Y-%m-%d}" if one.taken_at else "",
        "Source": one.outside.source,
    }


def _newest(rows: list[Row]) -> None:
    if not rows:
        return
    with st.container(border=True):
        st.markdown("**Newest**")
        st.caption(f"The newest {len(rows):,}, without numbers; times are UTC")
        st.dataframe(
            pl.DataFrame(
                {
                    "Since": [f"{row['created_at']:%Y-%m-%d %H:%M}" for row in rows],
                    "Person": [f"…{row['person']}" for row in rows],
                    "Who may not call": [
                        row["seller"] or row["campaign"] or "nobody may" for row in rows
                    ],
                    "Came by": [_channel(row) for row in rows],
                    "Reason": [_reason(row) for row in rows],
                    "Added by": [row["added_by"] or "the person" for row in rows],
                }
            ),
            hide_index=True,
            height=min(38 + 35 * len(rows), 320),
        )


page()
