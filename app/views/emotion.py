"""How do people feel along a call?"""

from typing import Any

import polars as pl
import streamlit as st

from app import charts_emotion, components, figure_row, session, slice_picker
from app import talk_readings as readings
from app.call_links import calls_link
from app.figure_row import Shown, changed
from app.model_registry import served
from app.slice_picker import Picked
from app.talk_readings import Felt
from app.theme import Drawing
from pipelines.metrics import trajectory
from pipelines.metrics.calls import OUTCOMES
from pipelines.metrics.periods import last_and_before
from pipelines.report.labels import count, interval, outcome_words, percent, words
from pipelines.report.palette import Mode

_BY = {"last": "The emotion heard last", "most": "The one heard most often"}


def _page(picked: Picked) -> None:
    _shown(picked, readings.felt(picked))


def _shown(picked: Picked, found: Felt) -> None:
    st.caption(f":material/psychology: {_guess()}")
    heard = found.counts.filter(pl.col("emotion").is_not_null())
    if heard.is_empty():
        st.info(
            "No emotion was heard in this part of the history. A model of the task emotion must be "
            "served while calls are made.",
            icon=":material/sentiment_neutral:",
        )
        st.page_link("views/models.py", label="Models", icon=":material/model_training:")
        return
    mode = components.mode()
    figure_row.row(_figures(found))
    _along(found, mode)
    left, right = st.columns(2, gap="small")
    with left:
        _shares(found, mode)
    with right:
        _outcomes(picked, found, mode)
    left, right = st.columns(2, gap="small")
    with left:
        _transitions(picked, found, mode)
    with right:
        _unheard(found, mode)


def _guess() -> str:
    """What kind of knowledge this is, and how good the model that serves was on unseen rows."""
    told = served(session.context().settings, "emotion")
    guess = "Every emotion here is a model's guess from the words of one turn, not a fact."
    if told.version is None:
        return f"{guess} No model of the task is served here now, so its quality is not known."
    f1, accuracy = told.metrics.get("macro_f1"), told.metrics.get("accuracy")
    figures = [
        f"{name} {value:.2f}"
        for name, value in (("macro-F1", f1), ("accuracy", accuracy))
        if value is not None
    ]
    good = f": {', '.join(figures)} on held-out rows" if figures else ""
    return f"{guess} Version {told.version} is served now{good}; other registers are harder for it."


def _figures(found: Felt) -> list[Shown]:
    mean = trajectory.valence(found.counts).row(0, named=True)
    parts = last_and_before(found.valence)
    moved = [_weighted(part) for part in parts]
    silent = trajectory.unheard(found.counts).row(0, named=True)
    silent_parts = [
        part.select(pl.col("k").sum(), pl.col("n").sum()).row(0)
        for part in last_and_before(found.unheard)
    ]
    shares = [k / n if n >= 20 else None for k, n in silent_parts]
    return [
        Shown(
            trajectory.VALENCE_ALONG,
            f"{mean['value']:+.2f}",
            [
                f"mean of {count(mean['n'])} caller turns",
                "95 %: –"
                if mean["low"] is None
                else f"95 %: {mean['low']:+.2f} to {mean['high']:+.2f}",
            ],
            change=None if None in moved else f"{(moved[0] or 0) - (moved[1] or 0):+.2f}",
            line=found.valence.filter(~pl.col("thin")).sort("day")["value"].to_list(),
        ),
        _goal(found, "joy"),
        _goal(found, "anger"),
        Shown(
            trajectory.ABSTENTION,
            percent(silent["rate"]),
            [
                f"{count(silent['k'])} of {count(silent['n'])} caller turns",
                f"95 %: {interval(silent['low'], silent['high'])}",
            ],
            change=changed(shares, "pp", 100),
            line=found.unheard.filter(~pl.col("thin")).sort("day")["rate"].to_list(),
        ),
    ]


def _weighted(days: pl.DataFrame) -> float | None:
    n = int(days["n"].sum()) if days.height else 0
    return float((days["value"] * days["n"]).sum()) / n if n >= 20 else None


def _goal(found: Felt, emotion: str) -> Shown:
    rows = found.goals.filter(pl.col("chosen_by") == "last", pl.col("emotion") == emotion)
    metric = trajectory.GOALS_BY_EMOTION
    if rows.is_empty():
        return Shown(
            metric,
            "–",
            [f"no conversation ended with {words(emotion).lower()}"],
            label=f"Goal after {words(emotion).lower()}",
        )
    row = rows.row(0, named=True)
    return Shown(
        metric,
        percent(None if row["thin"] else row["rate"]),
        [
            f"{words(emotion)} last: {count(row['goals'])} of {count(row['n'])}",
            "too few to say" if row["thin"] else f"95 %: {interval(row['low'], row['high'])}",
        ],
        label=f"Goal after {words(emotion).lower()}",
    )


def _along(found: Felt, mode: Mode) -> None:
    along = trajectory.valence_along(found.counts)
    n = int(along["n"].sum())
    with components.card(trajectory.VALENCE_ALONG, f"n = {n:,} caller turns with an emotion"):
        if along.filter(~pl.col("thin")).is_empty():
            components.empty("No tenth of the calls has twenty turns yet.")
            return
        components.show(
            charts_emotion.valence_chart(along, mode), "Mean valence along calls, by outcome"
        )
        names = {
            "outcome": "Outcome",
            "decile": "Tenth",
            "value": "Mean valence",
            "from": "95 % from",
            "to": "95 % to",
            "n": "n, turns",
        }
        components.table(along.rename({"low": "from", "high": "to"}), names, "valence")


def _shares(found: Felt, mode: Mode) -> None:
    shares = trajectory.shares_along(found.counts)
    known = [code for code in OUTCOMES if code in set(shares["outcome"])]
    with components.card(trajectory.EMOTION_SHARE, f"n = {shares['turns'].sum():,} caller turns"):
        outcome = st.segmented_control(
            "Outcome",
            known,
            default=known[0],
            format_func=outcome_words,
            label_visibility="collapsed",
            key="outcome",
            bind="query-params",
        )
        components.show(
            charts_emotion.shares_chart(shares, outcome or known[0], mode), "Emotions along calls"
        )
        names = {
            "outcome": "Outcome",
            "decile": "Tenth",
            "emotion": "Emotion",
            "turns": "Turns",
            "n": "n, turns",
            "rate": "Share",
            "low": "95 % from",
            "high": "95 % to",
        }
        components.table(shares, names, "emotions-along")


def _outcomes(picked: Picked, found: Felt, mode: Mode) -> None:
    n = int(found.goals.filter(pl.col("chosen_by") == "last")["calls"].sum())
    with components.card(trajectory.GOALS_BY_EMOTION, f"n = {n:,} conversations"):
        by = st.segmented_control(
            "By",
            list(_BY),
            default="last",
            format_func=_BY.__getitem__,
            label_visibility="collapsed",
            key="by",
            bind="query-params",
        )
        rows = found.goals.filter(pl.col("chosen_by") == (by or "last"))
        if rows.is_empty():
            components.empty("No conversation has an emotion yet.")
            return
        drawing = charts_emotion.outcome_chart(rows, "goals per conversation", mode)
        chosen = _choosing(drawing, "goals", "Goals per conversation by emotion")
        components.empty("This shows what goes together, not what causes what.")
        out = found.opt_outs.select("chosen_by", "emotion", "opted_out", opt_out_rate="rate")
        both = rows.join(out.drop("opted_out"), on=["chosen_by", "emotion"])
        names = {
            "emotion": "Emotion",
            "n": "n, conversations",
            "goals": "Goals",
            "rate": "Share",
            "low": "95 % from",
            "high": "95 % to",
            "opted_out": "Opted out",
        }
        components.table(both, names, "goals-by-emotion")
        for emotion in {str(point["emotion"]) for point in chosen}:
            calls_link(
                picked, f"Calls with {words(emotion).lower()} and the goal", emotion=emotion,
                outcome="goal",
            )  # fmt: skip


def _transitions(picked: Picked, found: Felt, mode: Mode) -> None:
    cells = found.transitions
    n = int(cells["pairs"].sum()) if cells.height else 0
    with components.card(trajectory.TRANSITIONS, f"n = {n:,} pairs of turns"):
        if not n:
            components.empty("No two turns in a row have an emotion yet.")
            return
        drawing = charts_emotion.transition_chart(cells, mode)
        chosen = _choosing(drawing, "transitions", "Which emotion follows which")
        components.empty(
            "Colours are drawn towards what follows any emotion where there are few pairs; rows "
            "with fewer than twenty are pale. Choose a cell for its calls."
        )
        names = {
            "from_emotion": "First",
            "to_emotion": "Next",
            "pairs": "Pairs",
            "n": "n, pairs of the row",
            "rate": "Share",
            "low": "95 % from",
            "high": "95 % to",
        }
        components.table(cells, names, "transitions")
        for emotion in {str(point["to_emotion"]) for point in chosen}:
            calls_link(picked, f"Calls with {words(emotion).lower()}", emotion=emotion)


def _choosing(drawing: Drawing, key: str, description: str) -> list[dict[str, Any]]:
    """Draws a chart whose cells can be chosen; those that are."""
    event: Any = st.altair_chart(
        drawing, theme=None, alt=description, key=f"chosen {key}", on_select="rerun"
    )
    return list(event.selection.get(charts_emotion.CHOSEN, []))


def _unheard(found: Felt, mode: Mode) -> None:
    silent = trajectory.unheard(found.counts).row(0, named=True)
    with components.card(trajectory.ABSTENTION, f"n = {silent['n']:,} caller turns"):
        components.show(
            charts_emotion.unheard_chart(found.unheard, found.versions, mode),
            "Caller turns without an emotion, by day",
        )
        components.empty("Lines with a label: from then on another version of the model was heard.")
        names = {
            "model": "Model",
            "version": "Version",
            "first": "First day",
            "last": "Last day",
            "turns": "Turns",
        }
        components.table(found.versions, names, "emotion-models")


slice_picker.ask("How do people feel along a call?", _page)
