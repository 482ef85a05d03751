"""The scorecard as a form, empty until somebody has listened, and what others and facts said."""

from collections.abc import Sequence

import polars as pl
import streamlit as st

from app import listening_readings, session
from voice_ai.db.connect import Row
from voice_ai.errors import VoiceAIError
from voice_ai.qa.card import Card, GateMark
from voice_ai.store import qa

MOST = 5
_MARKS: dict[GateMark, str] = {"pass": "Yes", "fail": "No", "n/a": "Not applicable"}


def form(card: Card, call: qa.AutoScored) -> bool:
    """Whether it was saved. Nothing is filled in: what facts say would lead the listener."""
    key = str(call.attempt_id)
    with st.form(f"score {key}"):
        st.markdown(
            "**Gates**", help="A gate that fails fails the call. Leave open what you cannot tell."
        )
        gates: dict[str, GateMark | None] = {}
        for gate in card.gates:
            gates[gate.key] = st.segmented_control(
                gate.title,
                list(_MARKS),
                format_func=_MARKS.__getitem__,
                help=gate.about,
                key=f"{gate.key} {key}",
            )
        st.markdown(
            "**Scores**", help=f"0 is worst, {MOST} is best. Leave open what did not come up."
        )
        scores: dict[str, float | None] = {}
        for item in card.items:
            points = st.segmented_control(
                f"{item.title} · {item.weight} %",
                list(range(MOST + 1)),
                help=item.about,
                key=f"{item.key} {key}",
            )
            scores[item.key] = None if points is None else points / MOST
        note = st.text_area("Note", key=f"note {key}", max_chars=qa.MOST_NOTE, height=80)
        if not st.form_submit_button("Save and next", type="primary", icon=":material/save:"):
            return False
    try:
        with session.asking() as db:
            qa.save_with_auto(
                db,
                card,
                call,
                by=session.user(),
                gates=gates,
                scores=scores,
                note=note,
                now=session.context().clock.now(),
            )
    except VoiceAIError as error:
        st.error(error.message)
        return False
    listening_readings.scores.clear()
    listening_readings.agreements.clear()
    return True


def said(card: Card, rows: Sequence[Row]) -> None:
    """What each scorer said, side by side."""
    with st.expander("What was scored", icon=":material/table:", expanded=True):
        table: dict[str, list[str]] = {
            "": [one.title for one in (*card.gates, *card.items)] + ["Total", "Passed"]
        }
        for row in rows:
            who = "facts" if row["scorer"] == "auto" else str(row["scored_by"])
            table[who] = [
                *(_mark(row["gates"].get(gate.key)) for gate in card.gates),
                *(_points(row["scores"].get(item.key)) for item in card.items),
                "–" if row["total"] is None else f"{row['total']:.0f}",
                {True: "Yes", False: "No", None: "open"}[row["passed"]],
            ]
        st.dataframe(pl.DataFrame(table), hide_index=True, height=38 + 35 * len(table[""]))
        for row in rows:
            if row["note"]:
                st.caption(f"{row['scored_by']}: {row['note']}")


def _mark(mark: GateMark | None) -> str:
    return "open" if mark is None else mark if mark == "n/a" else _MARKS[mark]


def _points(score: float | None) -> str:
    return "–" if score is None else f"{score * MOST:.1f} of {MOST}"
