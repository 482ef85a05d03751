"""What happened to this lead?"""

from collections.abc import Sequence

import polars as pl
import streamlit as st

from app import components, lead_next, session
from app.components import plain
from app.lead_timeline import Moment, local_clock, timeline
from app.queries import leads as queries
from pipelines.report.labels import words
from voice_ai.db.connect import Row
from voice_ai.errors import VoiceAIError
from voice_ai.store import leads as store
from voice_ai.store.leads import History, Suppressed

_MOST_SHOWN = 40
_REASONS = {
    "opt_out": "Asked not to be called again",
    "wrong_number": "Wrong number",
    "complaint": "Complained",
    "other": "Another reason",
}


def page() -> None:
    st.title("What happened to this lead?")
    left, right = st.columns(2, vertical_alignment="bottom")
    lead = left.text_input(
        "Lead id", key="lead", bind="query-params", help="As tables and charts name it."
    )
    with right.form("by number", border=False):
        number, button = st.columns([3, 1], vertical_alignment="bottom")
        number.text_input(
            "Or its phone number",
            key="number",
            autocomplete="off",
            help="Looked up by its fingerprint: it is neither logged nor put in the address.",
        )
        button.form_submit_button("Find", icon=":material/search:", on_click=_find)
    if problem := st.session_state.pop("lead problem", None):
        st.error(problem)
    if not lead:
        st.info("Type the id of a lead or its phone number.", icon=":material/person_search:")
        return
    if not lead.strip().isdigit() or len(lead.strip()) > 18:
        st.error("The id of a lead is a whole number, as in 4711.")
        return
    _lead(int(lead))


def _find() -> None:
    """From the number to the id; the number is forgotten at once."""
    typed = st.session_state["number"]
    st.session_state["number"] = ""
    try:
        fingerprint = session.context().keyring.fingerprint(store.e164(typed))
        with session.reading() as connection:
            found = queries.leads_of_fingerprint(connection, fingerprint)
    except VoiceAIError as error:
        st.session_state["lead problem"] = error.message[:1].upper() + error.message[1:] + "."
        return
    if found:
        st.session_state["lead"] = str(found[0])
    else:
        st.session_state["lead problem"] = (
            "No lead has this phone number; check its digits, or import its list first."
        )


@st.cache_data(ttl=session.MOMENT, show_spinner=False)
def _history(lead_id: int) -> History:
    with session.reading() as connection:
        return queries.history(connection, lead_id)


def _lead(lead_id: int) -> None:
    try:
        history = _history(lead_id)
    except VoiceAIError as error:
        st.error(error.message[:1].upper() + error.message[1:] + ".")
        return
    if done := st.session_state.pop("suppressed", None):
        _suppressed(done)
    _about(history.lead)
    _figures(history)
    _standings(history)
    lead_next.next_words(history)
    lead_next.call_back(history, _history.clear)
    _timeline(history)
    _never_again(history)


def _about(lead: Row) -> None:
    zones = " or ".join(lead["zones"]) or "time zone unknown"
    kind = f"{lead['consent_kind']} on its list" if lead["consent_kind"] else "per number"
    st.markdown(
        f"**Lead {lead['lead_id']}** · person …{lead['person']} · list {plain(lead['list'])} of"
        f" {plain(lead['seller'])} · {zones} · {words(lead['line_type'] or 'line unknown')}"
        f" · consent {kind}"
    )
    if lead["erased_at"] is not None:
        st.warning("This person asked to be erased: the number and the name are gone.")


def _figures(history: History) -> None:
    refused = sum(not row["allow"] for row in history.decisions)
    answered = sum(row["answered_at"] is not None for row in history.attempts)
    stopped = _stopped(history) is not None
    figures = (
        ("Lists", f"{len(history.siblings):,}", "with this number"),
        ("Campaigns", f"{len(history.standings):,}", "call one of them"),
        ("Dials", f"{len(history.attempts):,}", f"{answered:,} were picked up"),
        ("Refusals", f"{refused:,}", f"of {len(history.decisions):,} decisions"),
        ("Suppressed", "Yes" if stopped else "No", f"for {history.lead['seller']}"),
    )
    for column, (label, value, about) in zip(st.columns(5), figures, strict=True):
        with column.container(border=True, height="stretch"):
            st.metric(label, value)
            st.caption(about)


def _stopped(history: History) -> Row | None:
    """The suppression that keeps the lead's own seller from calling."""
    seller = history.lead["seller"]
    return next(
        (
            row
            for row in history.suppressions
            if row["scope"] == "all" or (row["scope"] == "seller" and row["seller"] == seller)
        ),
        None,
    )


def _standings(history: History) -> None:
    if not history.standings:
        components.empty("No campaign calls this lead.")
        return
    clock, whose = local_clock(history.lead["zones"])
    st.markdown("**Where it stands in campaigns**")
    later = [row["next_allowed_at"] for row in history.standings]
    st.dataframe(
        pl.DataFrame(
            {
                "Campaign": [row["campaign"] for row in history.standings],
                "Campaign is": [words(row["campaign_state"]) for row in history.standings],
                "Lead": [row["lead_id"] for row in history.standings],
                "Lead is": [words(row["state"]) for row in history.standings],
                "Dials": [row["attempts"] for row in history.standings],
                "Last outcome": [
                    words(row["disposition"]) if row["disposition"] else "–"
                    for row in history.standings
                ],
                f"Not before ({whose})": [clock(at) if at else "–" for at in later],
            }
        ),
        hide_index=True,
        column_config={"Lead": st.column_config.NumberColumn(format="%d")},
        alt="Where the lead stands in campaigns",
    )


def _timeline(history: History) -> None:
    clock, whose = local_clock(history.lead["zones"])
    moments = timeline(history, clock)
    st.markdown("**Everything that happened**")
    st.caption(f"The newest first · {whose} · n = {len(moments):,}")
    with st.container(border=True, height=420 if len(moments) > 10 else "content"):
        for moment in moments[:_MOST_SHOWN]:
            more = f" [Open the call](/call?attempt={moment.attempt})" if moment.attempt else ""
            st.markdown(
                f":material/{moment.icon}: **{moment.what}** :gray[{clock(moment.at)}] –"
                f" {plain(moment.detail)}.{more}"
            )
        if len(moments) > _MOST_SHOWN:
            components.empty("Older moments are in the table.")
    _table(moments, [clock(moment.at) for moment in moments], whose)


def _table(moments: Sequence[Moment], times: Sequence[str], whose: str) -> None:
    rows = pl.DataFrame(
        {
            "at": list(times),
            "what": [moment.what for moment in moments],
            "detail": [moment.detail for moment in moments],
            "attempt": [moment.attempt for moment in moments],
        }
    )
    names = {"at": f"When, {whose}", "what": "What", "detail": "Details", "attempt": "Attempt"}
    components.table(rows, names, "lead")


def _never_again(history: History) -> None:
    if (row := _stopped(history)) is not None:
        st.info(
            f"Nobody calls this person for {history.lead['seller']}: suppressed on"
            f" {row['created_at']:%Y-%m-%d %H:%M} UTC.",
            icon=":material/phone_disabled:",
        )
    elif st.button("Never call this person again", icon=":material/phone_disabled:"):
        _confirm(history.lead["lead_id"], history.lead["seller"])


@st.dialog("Never call this person again?", icon=":material/phone_disabled:")
def _confirm(lead_id: int, seller: str) -> None:
    st.markdown(
        f"No campaign of **{plain(seller)}** will call this number again. This holds at once and"
        f" cannot be taken back. To go on, type the lead's id: **{lead_id}**"
    )
    reason = st.selectbox("Why", store.REASONS, format_func=_REASONS.__getitem__)
    typed = st.text_input("Type the lead's id", autocomplete="off")
    if st.button("Never call again", type="primary", disabled=typed.strip() != str(lead_id)):
        try:
            with (
                st.spinner("Waiting until no dial to the number is on its way …"),
                session.asking() as db,
            ):
                now = session.context().clock.now()
                by = session.user()
                done = store.suppress_lead(
                    db, lead_id, reason=reason, source="page", now=now, by=by
                )
        except VoiceAIError as error:
            st.error(error.message)
            return
        st.session_state["suppressed"] = done
        _history.clear()
        st.rerun()


def _suppressed(done: Suppressed) -> None:
    live = (
        " A call to it is live: the dialer ends it if it still rings, a conversation goes on."
        if done.live_calls
        else " No dial to it is on its way."
    )
    st.success(f"{done.seller} never calls this person again.{live}", icon=":material/check:")


page()
