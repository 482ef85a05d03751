"""Do the models still hear what they were taught?"""

from collections.abc import Mapping
from datetime import date, timedelta

import polars as pl
import streamlit as st

from app import components, session
from app.charts_watch import mix_chart, psi_chart
from ml.tasks import HEARD
from pipelines.report.labels import words
from pipelines.report.palette import emotion_colour
from voice_ai.db.connect import Row
from voice_ai.errors import VoiceAIError
from voice_ai.store import flow_requests, watching

_SPANS = {"Two weeks": 14, "A month": 30, "A quarter": 90}
_FRESH_S = 30.0
_DRIFT = {
    "psi_labels": "Mix of answers",
    "psi_score": "How sure it is",
    "psi_length": "How long people speak",
}
_MEASURES: Mapping[str, tuple[str, str]] = {
    **{
        name: (title, "Population stability index against the reference; below 0.10 stable.")
        for name, title in _DRIFT.items()
    },
    "label_shift": (
        "Shift of true labels",
        "Share of turns whose true label has changed, estimated through the model's confusions.",
    ),
    "unknown_words": ("Unknown words", "Words of callers that the model has no entry for."),
    "missing": ("No answer", "Caller turns of the last 24 hours that no model answered for."),
    "accuracy": ("Accuracy, labelled", "On turns that people labelled, by sampling weights."),
    "ece": ("Calibration error", "Mean gap of stated probability and share that was right."),
    "kappa": ("Agreement of people", "Cohen's kappa of two labellers; trusted from 0.70."),
}
_VERDICTS = {
    "stable": ":green-badge[stable]",
    "watch": ":orange-badge[watch]",
    "act": ":red-badge[act]",
    "too_few": ":gray-badge[too few]",
}
_SHARES = ("label_shift", "unknown_words", "missing", "accuracy")


@st.cache_data(ttl=_FRESH_S, show_spinner=False)
def _newest() -> list[Row]:
    """Raises NotAvailable."""
    with session.asking() as db:
        return watching.newest(db, rehearsal=session.context().rehearsal)


@st.cache_data(ttl=_FRESH_S, max_entries=20, show_spinner=False)
def _history(task: str, since: date) -> list[Row]:
    """Raises NotAvailable."""
    with session.asking() as db:
        return watching.history(db, task, since, rehearsal=session.context().rehearsal)


def page() -> None:
    st.title("Do the models still hear what they were taught?")
    left, middle, right = st.columns([2, 2, 3], vertical_alignment="bottom")
    task = left.selectbox("Task", list(HEARD), key="task", bind="query-params")
    span = middle.selectbox("Days", list(_SPANS), key="days", bind="query-params")
    with right:
        _measure_now()
    try:
        newest = [row for row in _newest() if row["task"] == task]
        today = session.context().clock.now().date()
        history = _history(task, today - timedelta(days=_SPANS[span]))
    except VoiceAIError as error:
        components.unreachable(error)
        return
    if not newest:
        st.info(
            f"Nothing was measured of {words(task).lower()} yet. The flows measure every evening"
            " what models said in ended calls; “Measure now” does it at once.",
            icon=":material/troubleshoot:",
        )
    else:
        _measures(newest)
    if history:
        _over_days(history)
    if newest:
        _mix(task, newest)
        _table(newest)


def _measure_now() -> None:
    st.button(
        "Measure now",
        icon=":material/play_arrow:",
        on_click=_ask,
        help="The flows process (`voice-ai flows`) does it; look again in a moment.",
    )
    if said := st.session_state.pop("watch said", None):
        st.caption(said)


def _ask() -> None:
    try:
        with session.asking() as db:
            now = session.context().clock.now()
            flow_requests.ask(db, "watch-models", {}, by=session.user(), now=now)
        st.session_state["watch said"] = "Asked; the page Flows shows how it stands."
    except VoiceAIError as error:
        st.session_state["watch said"] = error.message
    _newest.clear()
    _history.clear()


def _measures(rows: list[Row]) -> None:
    newest = rows[0]
    versions = sorted({row["model_version"] for row in rows} - {watching.ANY_VERSION})
    kind = "rehearsal" if newest["rehearsal"] else "live"
    st.caption(
        f"{newest['day']:%a %d %b %Y}, {kind} calls · version {', '.join(versions) or '–'} ·"
        f" measured {newest['made_at']:%Y-%m-%d %H:%M} UTC"
    )
    order = list(_MEASURES)
    told = sorted(rows, key=lambda row: (order.index(row["measure"]), row["model_version"]))
    for start in range(0, len(told), 5):
        for column, row in zip(st.columns(5, gap="small"), told[start : start + 5], strict=False):
            with column.container(border=True, height="stretch"):
                _card(row)


def _card(row: Row) -> None:
    title, about = _MEASURES[row["measure"]]
    st.markdown(f"{title} {_VERDICTS[row['verdict']]}", help=about)
    st.metric(title, _figure(row, row["value"]), label_visibility="collapsed")
    lines = [f"n = {row['n']:,} · version {row['model_version']}"]
    if row["low"] is not None:
        lines.append(f"95 %: {_figure(row, row['low'])} to {_figure(row, row['high'])}")
    if row["reference"] is not None and row["measure"] in _DRIFT:
        lines.append(f"against its {row['reference'].replace('held-out', 'held-out texts')}")
    st.caption("  \n".join(lines))


def _figure(row: Row, value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.1%}" if row["measure"] in _SHARES else f"{value:.2f}"


def _over_days(history: list[Row]) -> None:
    frame = pl.DataFrame(history, infer_schema_length=None)
    shown = [name for name in _DRIFT if not _of(frame, name).is_empty()]
    if not shown:
        components.empty(
            "No index over days yet: it needs 1,000 turns of a version within seven days."
        )
        return
    for column, name in zip(st.columns(len(shown), gap="small"), shown, strict=True):
        with column.container(border=True):
            title, about = _MEASURES[name]
            st.markdown(f"**{title}**", help=about)
            components.show(
                psi_chart(_of(frame, name), components.mode()), f"PSI over days: {title}"
            )


def _of(frame: pl.DataFrame, measure: str) -> pl.DataFrame:
    return frame.filter(pl.col("measure") == measure).drop_nulls("value")


def _mix(task: str, rows: list[Row]) -> None:
    found = [row for row in rows if row["measure"] in ("psi_labels", "label_shift")]
    shown = [row for row in found if row["detail"].get("labels")]
    if not shown:
        return
    for column, row in zip(st.columns(len(shown), gap="small"), shown, strict=True):
        with column.container(border=True):
            what = "Answers" if row["measure"] == "psi_labels" else "True labels, estimated"
            st.markdown(f"**{what}**, version {row['model_version']}")
            st.caption(f"pale: {row['reference']} · full: now · n = {row['n']:,} turns")
            chart = (
                mix_chart(row["detail"], components.mode(), colour=emotion_colour)
                if task.startswith("emotion")
                else mix_chart(row["detail"], components.mode())
            )
            components.show(chart, f"{what} then and now")


def _table(rows: list[Row]) -> None:
    names = {
        "measure": "Measure",
        "model_version": "Version",
        "value": "Value",
        "low": "95 % from",
        "high": "95 % to",
        "n": "n",
        "verdict": "Verdict",
        "reference": "Against",
    }
    frame = pl.DataFrame(
        [{name: row[name] for name in names} for row in rows], infer_schema_length=None
    )
    with st.expander("Table", icon=":material/table:"):
        st.dataframe(frame.rename(names), hide_index=True)
        st.download_button(
            "CSV",
            frame.write_csv().encode(),
            file_name="model-watch.csv",
            mime="text/csv",
            on_click="ignore",
            icon=":material/download:",
        )


page()
