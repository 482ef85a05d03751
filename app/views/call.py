"""What happened in this call?"""

from datetime import UTC, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
import polars as pl
import streamlit as st

from app import call_readings, call_timeline, components, session
from app.queries.call import Call, Row
from app.recording_controls import deletion, play
from app.transcript import bubbles
from ml.tasks.emotion.valence import valence
from pipelines.report.labels import milliseconds, words
from pipelines.report.palette import Mode
from voice_ai.errors import VoiceAIError

_BEAT = 1.0


def page() -> None:
    st.title("What happened in this call?")
    attempt_id = _asked()
    if attempt_id is None:
        return
    try:
        call = call_readings.one_call(attempt_id)
    except VoiceAIError as error:
        components.unreachable(error)
        return
    if call is None:
        st.error(f"There is no call {attempt_id} in this home.", icon=":material/search_off:")
        _elsewhere()
    elif call.live:
        _moving(attempt_id)
    else:
        _shown(call)


def _asked() -> UUID | None:
    given = st.query_params.get("attempt")
    if given is None:
        st.info("Choose a call: every row of these pages leads here.", icon=":material/call:")
        _elsewhere()
        return None
    try:
        return UUID(given)
    except ValueError:
        st.error("That is not the id of a call.", icon=":material/search_off:")
        _elsewhere()
        return None


def _elsewhere() -> None:
    st.page_link("views/calls.py", label="Finished calls", icon=":material/call_log:")
    st.page_link("views/live.py", label="Live calls", icon=":material/graphic_eq:")


@st.fragment(run_every=_BEAT)
def _moving(attempt_id: UUID) -> None:
    try:
        call = call_readings.one_call(attempt_id)
    except VoiceAIError as error:
        components.unreachable(error)
        return
    if call is None or not call.live:
        st.rerun()
    st.caption(":material/graphic_eq: This call is live; the page follows it.")
    _shown(call)


def _shown(call: Call) -> None:
    mode = components.mode()
    _head(call)
    _player(call)
    _timeline(call, mode)
    left, right = st.columns([3, 2], gap="small")
    with left, st.container(border=True, height="stretch"):
        st.markdown("**Transcript**", help="Names and numbers are hidden.")
        st.caption(f"n = {len(call.turns)} turns")
        if call.turns:
            st.html(bubbles(call.turns, mode))
            _turn_table(call)
        else:
            components.empty("Nothing was said.")
    with right:
        _waits(call, mode)
        _permission(call)
        _own_ears(call)
        _carrier(call)
    _events(call)


def _head(call: Call) -> None:
    head = call.head
    st.subheader(f"{words(head['disposition'] or head['state'])} – {_why(head)}", anchor=False)
    about, link = st.columns([5, 1], vertical_alignment="center")
    rehearsal = " · rehearsal: nobody was called" if head["rehearsal"] else ""
    about.markdown(
        f"**{head['campaign']}** · attempt {head['attempt_no']}"
        f" · person …{str(head['person_key'])[-4:]}{rehearsal}"
    )
    link.page_link(
        "views/lead.py",
        label=f"Lead …{head['lead_id'] % 1000:03d}",
        icon=":material/person:",
        query_params={"lead": str(head["lead_id"])},
    )
    caller = [turn for turn in call.turns if turn["speaker"] == "caller"]
    at, zone = _local(head["zones"], head["answered_at"] or head["intended_at"])
    row = (
        ("Seconds", _length(call), "from the answer to the end"),
        ("Local time", f"{at:%H:%M}", f"{at:%a %d %b %Y} · {zone}"),
        ("Turns", str(len(call.turns)), f"{len(caller)} of the caller"),
        ("Slowest response", *_slowest(call)),
    )
    for column, (label, value, under) in zip(st.columns(4, gap="small"), row, strict=True):
        with column.container(border=True, height="stretch"):
            st.metric(label, value)
            st.caption(under)


def _why(head: Row) -> str:
    if head["state"] != "ended":
        return "not ended yet"
    return words(head["end_reason"]).lower() if head["end_reason"] else "no reason told"


def _length(call: Call) -> str:
    if call.seconds is not None:
        return f"{call.seconds:,.0f} s"
    answered = call.head["answered_at"]
    if call.live and answered is not None:
        return f"{max(0.0, (session.context().clock.now() - answered).total_seconds()):,.0f} s"
    return "–"


def _slowest(call: Call) -> tuple[str, str]:
    measured = [turn["response_ms"] for turn in call.turns if turn["response_ms"] is not None]
    return milliseconds(max(measured, default=None)), f"n = {len(measured)} measured"


def _local(zones: list[str] | None, at: datetime) -> tuple[datetime, str]:
    """The called party's time; UTC, and said so, when no zone is known."""
    if not zones:
        return at.astimezone(UTC), "UTC, no zone known"
    several = f", one of {len(zones)} zones" if len(zones) > 1 else ""
    return at.astimezone(ZoneInfo(zones[0])), f"{zones[0]}{several}"


def _player(call: Call) -> None:
    if not call.recordings:
        components.empty(
            "The recording appears when the call is over." if call.live else _why_silent(call)
        )
        return
    for recording in call.recordings:
        if play(recording):
            st.caption(
                f"{recording['duration_s']:,.1f} s from the end of its notice · left: caller,"
                " right: agent"
            )
    deletion(call.head["attempt_id"])


def _why_silent(call: Call) -> str:
    if any(event["kind"] == "recording_declined" for event in call.events):
        return "The person did not want to be recorded; nothing was kept."
    if call.purged_at is not None:
        return f"The recording was deleted on {call.purged_at:%Y-%m-%d} (UTC)."
    return "There is no recording of this call."


def _timeline(call: Call, mode: Mode) -> None:
    spoken = call_timeline.segments(call.turns, call.began)
    happened = call_timeline.marks(call.events, call.began)
    with st.container(border=True):
        st.markdown(
            "**The call in time**",
            help="Callers wear the colour of the emotion that was heard; diamonds are events.",
        )
        st.caption(f"n = {spoken.height} turns, {happened.height} events besides")
        if spoken.is_empty() and happened.is_empty():
            components.empty("Nothing happened yet.")
            return
        chart = call_timeline.timeline_chart(spoken, happened, mode)
        components.show(chart, "Who spoke when, and what happened")
        names = {"lane": "Who", "from_s": "From (s)", "to_s": "To (s)", "what": "Heard as"}
        components.table(spoken, {**names, "text": "Said"}, f"timeline {call.head['attempt_id']}")


def _turn_table(call: Call) -> None:
    with st.expander("Table: models and latencies of each turn", icon=":material/table:"):
        rows = [
            {
                "Turn": turn["turn_index"],
                "Who": turn["speaker"],
                "Script node": turn["node"],
                "Intent": turn["intent"],
                "Intent p": turn["intent_score"],
                "Intent model": _model(turn, "intent"),
                "Emotion": turn["emotion"],
                "Emotion p": turn["emotion_score"],
                "Emotion model": _model(turn, "emotion"),
                "Valence": valence(turn["emotion_scores"] or {}),
                "Response ms": turn["response_ms"],
                **{name + " ms": turn[column] for column, name in call_timeline.STAGES.items()},
            }
            for turn in call.turns
        ]
        st.dataframe(
            pl.DataFrame(rows, infer_schema_length=None),
            hide_index=True,
            column_config={
                "Valence": st.column_config.NumberColumn(
                    help="How pleasant the words sound, from -1 to 1: the mean of the emotions'"
                    " anchors, weighed by their probabilities.",
                    format="%.2f",
                )
            },
        )


def _model(turn: Row, task: str) -> str | None:
    name = turn[f"{task}_model"]
    return f"{name} v{turn[f'{task}_version']}" if name else None


def _waits(call: Call, mode: Mode) -> None:
    rows = call_timeline.waits(call.turns)
    with st.container(border=True):
        st.markdown(
            "**What each turn waited for**", help="A stage that was not measured is absent."
        )
        st.caption(f"n = {rows['turn'].n_unique()} turns with a measurement")
        if rows.is_empty():
            components.empty("Nothing was measured.")
        else:
            components.show(
                call_timeline.waits_chart(rows, mode), "Milliseconds per stage and turn"
            )
            names = {"turn": "Turn", "stage": "Stage", "ms": "ms"}
            components.table(rows, names, f"waits {call.head['attempt_id']}")


def _permission(call: Call) -> None:
    with st.container(border=True):
        st.markdown("**Why it was allowed**", help="The ledger's rows about this dial.")
        if not call.decisions:
            components.empty("The ledger has no row about this dial.")
        for decision in call.decisions:
            verdict = "allowed" if decision["allow"] else "refused"
            reasons = ", ".join(words(code) for code in decision["reasons"]) or "no objection"
            st.markdown(
                f"{words(decision['stage'])}: **{verdict}** – {reasons}  \n"
                f":gray[{decision['decided_at']:%Y-%m-%d %H:%M:%S} UTC"
                f" · policy `{decision['policy_hash'][:12]}`]"
            )


def _carrier(call: Call) -> None:
    with st.container(border=True):
        st.markdown("**What the carrier said**")
        if not call.carrier:
            components.empty("The carrier knows no call of this dial.")
        for known in call.carrier:
            facts = {
                "Call": f"`{known['carrier_call_sid']}`",
                "Status": words(known["status"]),
                "Answered by": known["answered_by"] or "not told",
                "Verdict after": milliseconds(known["detection_ms"]),
                "Duration": _or_dash(known["duration_s"], " s"),
                "Queue": milliseconds(known["queue_time_ms"]),
                "SIP": _or_dash(known["sip_code"]),
                "Error": _or_dash(known["error_code"]),
            }
            st.markdown("  \n".join(f"{name}: {fact}" for name, fact in facts.items()))


def _own_ears(call: Call) -> None:
    head = call.head
    with st.container(border=True):
        st.markdown(
            "**Who answered, by our own ears**", help="From sound and words; see campaigns.md"
        )
        if head["own_answer_class"] is None:
            components.empty("It was too short to tell.")
            return
        st.markdown(
            f"{words(head['own_answer_class'])} · {head['own_answer_confidence']:.0%} sure"
            f" · after {milliseconds(head['own_answer_at_ms'])}"
        )


def _or_dash(value: float | None, unit: str = "") -> str:
    return "–" if value is None else f"{value:g}{unit}"


def _events(call: Call) -> None:
    with st.container(border=True):
        st.markdown("**Events**", help="Append-only; docs/events.md tells each kind.")
        st.caption(f"n = {len(call.events)} · times in UTC")
        if not call.events:
            components.empty("No event was written.")
            return
        rows = pl.DataFrame(
            {
                "No.": [event["seq"] for event in call.events],
                "At (UTC)": [event["occurred_at"] for event in call.events],
                "Seconds": [
                    (event["occurred_at"] - call.began).total_seconds() for event in call.events
                ],
                "Event": [words(event["kind"]) for event in call.events],
                "Fields": [orjson.dumps(event["payload"]).decode() for event in call.events],
            }
        )
        st.dataframe(
            rows,
            hide_index=True,
            height=min(38 + 35 * rows.height, 420),
            column_config={
                "At (UTC)": st.column_config.DatetimeColumn(
                    format="YYYY-MM-DD HH:mm:ss.SSS", timezone="UTC"
                ),
                "Seconds": st.column_config.NumberColumn(format="%.2f"),
            },
        )


page()
