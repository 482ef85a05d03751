"""How do the calls sound?"""

from collections.abc import Sequence
from datetime import date
from statistics import median
from uuid import UUID

import polars as pl
import streamlit as st

from app import call_readings, components, listening_readings, scorecard, session
from app.recording_controls import play
from app.transcript import bubbles
from pipelines.report.labels import words
from voice_ai.db.connect import Row
from voice_ai.errors import VoiceAIError
from voice_ai.qa.agreement import TRUSTED, Agreement
from voice_ai.qa.card import default_card
from voice_ai.qa.sampling import Pick, Stratum
from voice_ai.store import qa

_WHY: dict[Stratum, str] = {
    "opt_out": "asked for no more calls",
    "lowest": "failed a gate or scored lowest by facts",
    "longest": "among the longest",
    "negative": "a negative emotion was heard",
    "value": "an important lead",
    "random": "by chance",
}
_SAVED = "scores saved"


def page() -> None:
    head, picker = st.columns([3, 1], vertical_alignment="bottom")
    head.title("How do the calls sound?")
    try:
        newest = listening_readings.last_day()
        if newest is None:
            st.info("Nobody has talked yet: there is nothing to listen to.", icon=":material/info:")
            return
        day = picker.date_input("Day (UTC)", newest, max_value=newest, key="day")
        assert isinstance(day, date)
        listening = listening_readings.of_day(day)
        scores = listening_readings.scores(tuple(pick.attempt_id for pick in listening.picks))
        agreed = listening_readings.agreements()
    except VoiceAIError as error:
        components.unreachable(error)
        return
    if day >= session.context().clock.now().date():
        st.caption(":material/schedule: This day is not over: its sample still changes.")
    _figures(listening, scores, agreed)
    if not listening.picks:
        components.empty("No conversation ended on that day.")
        return
    _listen(listening, scores)
    _judged(listening)


def _figures(listening: qa.Listening, scores: Sequence[Row], agreed: dict[str, Agreement]) -> None:
    calls = list(listening.calls.values())
    failed = sum(call.judgement.passed is False for call in calls)
    totals = [call.judgement.total for call in calls if call.judgement.total is not None]
    heard = {row["attempt_id"] for row in scores if row["scorer"] == "human"}
    row = (
        ("Conversations", f"{len(calls):,}", "all judged by facts"),
        ("Failed a gate", f"{failed:,}", f"of {len(calls):,}, by facts"),
        (
            "By facts",
            f"{median(totals):.0f}" if totals else "–",
            f"median of 100, n = {len(totals):,}",
        ),
        ("Listened to", f"{len(heard)}", f"of {len(listening.picks)} in the sample"),
        _agreement(agreed),
    )
    for column, (label, value, under) in zip(st.columns(5, gap="small"), row, strict=True):
        with column.container(border=True, height="stretch"):
            st.metric(label, value)
            st.caption(under)


def _agreement(agreed: dict[str, Agreement]) -> tuple[str, str, str]:
    facts, people = agreed["facts"], agreed["people"]

    def told(one: Agreement) -> str:
        return "–" if one.kappa is None else f"{one.kappa:.2f}"

    return (
        "Agreement",
        told(facts),
        f"κ of listeners and facts, n = {facts.n} gates; of two listeners {told(people)},"
        f" n = {people.n}. Trust facts from {TRUSTED}.",
    )


def _listen(listening: qa.Listening, scores: Sequence[Row]) -> None:
    me = session.user()
    mine = {row["attempt_id"] for row in scores if _is_mine(row, me)}
    picks = {pick.attempt_id: pick for pick in listening.picks}
    # A new choice after every save: the first that this listener has not scored.
    ids, saved = list(picks), st.session_state.get(_SAVED, 0)
    chosen: UUID = st.selectbox(
        "Whom to listen to",
        ids,
        index=ids.index(_next(listening.picks, mine)),
        key=f"listened to {listening.day} {saved}",
        format_func=lambda one: _label(
            picks[one], listening, place=ids.index(one), done=one in mine
        ),
    )
    call = listening.calls[chosen]
    left, right = st.columns([3, 2], gap="small")
    with left, st.container(border=True):
        _heard(call, picks[chosen])
    with right:
        if chosen in mine:
            scorecard.said(default_card(), [row for row in scores if row["attempt_id"] == chosen])
        if _scored(call, scores, again=chosen in mine):
            st.session_state[_SAVED] = saved + 1
            st.rerun()


def _scored(call: qa.AutoScored, scores: Sequence[Row], *, again: bool) -> bool:
    """Whether the card was filled in and saved just now."""
    if again:
        with st.expander("Score it again", icon=":material/edit:"):
            return scorecard.form(default_card(), call)
    if any(row["attempt_id"] == call.attempt_id and row["scorer"] == "human" for row in scores):
        st.caption(":material/visibility_off: Somebody scored it already; you see it after you.")
    return scorecard.form(default_card(), call)


def _is_mine(row: Row, me: str) -> bool:
    return bool(row["scorer"] == "human" and row["scored_by"] == me)


def _next(picks: Sequence[Pick], mine: set[UUID]) -> UUID:
    """The first that this listener has not scored."""
    return next(
        (pick.attempt_id for pick in picks if pick.attempt_id not in mine), picks[0].attempt_id
    )


def _label(pick: Pick, listening: qa.Listening, *, place: int, done: bool) -> str:
    row = listening.calls[pick.attempt_id].row
    length = "–" if row["seconds"] is None else f"{row['seconds']:.0f} s"
    double = " · to be scored twice" if pick.double else ""
    mark = "✓ " if done else ""
    return (
        f"{mark}{place + 1}. {row['campaign']} · lead …{row['lead_id'] % 1000:03d} · {length}"
        f" · {_WHY[pick.stratum]}{double}"
    )


def _heard(call: qa.AutoScored, pick: Pick) -> None:
    mode = components.mode()
    try:
        whole = call_readings.one_call(pick.attempt_id)
    except VoiceAIError as error:
        components.unreachable(error)
        return
    if whole is None:
        components.empty("This call is not there any more.")
        return
    outcome = words(call.row["disposition"] or "ended")
    st.markdown(f"**{outcome}** – {words(call.row['end_reason'] or 'no reason told').lower()}")
    if not whole.recordings:
        components.empty("There is no recording of it; the transcript is what there is.")
    for recording in whole.recordings:
        play(recording)
    with st.container(height=560):
        st.html(bubbles(whole.turns, mode))
    st.page_link(
        "views/call.py",
        label="Everything about this call",
        icon=":material/call:",
        query_params={"attempt": str(pick.attempt_id)},
    )


def _judged(listening: qa.Listening) -> None:
    with st.expander(
        f"All {len(listening.calls):,} conversations, judged by facts", icon=":material/table:"
    ):
        card = default_card()
        rows = [
            {
                "Campaign": call.row["campaign"],
                "Lead": f"…{call.row['lead_id'] % 1000:03d}",
                "Outcome": words(call.row["disposition"]),
                "By facts": call.judgement.total,
                "Judged, %": call.judgement.judged,
                **{gate.title: call.gates.get(gate.key) for gate in card.gates},
                "Call": f"/call?attempt={call.attempt_id}",
            }
            for call in listening.calls.values()
        ]
        st.dataframe(
            pl.DataFrame(rows, infer_schema_length=None),
            hide_index=True,
            height=min(38 + 35 * len(rows), 420),
            column_config={
                "Call": st.column_config.LinkColumn(display_text="Open"),
                "By facts": st.column_config.NumberColumn(format="%.0f"),
            },
        )


page()
