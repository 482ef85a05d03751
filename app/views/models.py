"""Which models hear the calls?"""

import polars as pl
import streamlit as st

from app import components, session
from app.model_registry import RegistryReader, Seen, Served, served
from app.queries import models
from ml.registry import CHAMPION, Registry
from ml.registry_records import Told
from ml.tasks import HEARD, TASKS
from pipelines.report.labels import moment, words
from voice_ai.errors import VoiceAIError
from voice_ai.store import flow_requests

_MLFLOW = "http://127.0.0.1:5000"
_BEAT = 2.0
_FIGURES = {"macro_f1": "Macro-F1", "accuracy": "Accuracy", "ece": "ECE"}
_HELP = {
    "macro_f1": "Mean of each label's F1 on the held-out texts, every label counting the same.",
    "accuracy": "Held-out texts labelled rightly ÷ held-out texts.",
    "ece": "Expected calibration error: mean gap between stated probability and share that was "
    "right; less is better.",
}


@st.cache_resource(show_spinner=False)
def _reader() -> RegistryReader:
    return RegistryReader(Registry.of(session.context().settings))


@st.cache_data(ttl=10.0, show_spinner=False)
def _spoken() -> pl.DataFrame:
    with session.reading() as connection:
        return models.spoken(connection)


@st.cache_data(ttl=session.MOMENT, show_spinner=False)
def _trainings() -> list[models.Training]:
    with session.reading() as connection:
        return models.trainings(connection)


def page() -> None:
    head, link = st.columns([3, 1], vertical_alignment="bottom")
    head.title("Which models hear the calls?")
    link.link_button(
        "Open MLflow",
        f"{_MLFLOW}/#/models",
        icon=":material/open_in_new:",
        help="MLflow's own pages, while `voice-ai models ui` or `voice-ai up` runs.",
    )
    try:
        settings = session.context().settings
        standing = {name: served(settings, name) for name in HEARD}
        spoken = _spoken()
    except VoiceAIError as error:
        components.unreachable(error)
        return
    for column, (name, one) in zip(
        st.columns(len(standing), gap="small"), standing.items(), strict=True
    ):
        with column.container(border=True, height="stretch"):
            _serves(name, one)
    _in_calls(spoken)
    _registered()
    _train()


def _serves(name: str, one: Served) -> None:
    st.markdown(f"**{words(name)}**", help=TASKS[name].purpose)
    if one.version is None:
        none = (
            "No model serves yet; calls go on with keywords. Train one below."
            if TASKS[name].has_data
            else "None is shipped; `voice-ai models train` makes one from a file of yours."
        )
        st.caption(one.trouble or none)
        return
    st.caption(
        f"Version {one.version} serves from this home · {TASKS[name].model_name} · {one.dataset}"
    )
    for column, (key, title) in zip(st.columns(len(_FIGURES)), _FIGURES.items(), strict=True):
        value = one.metrics.get(key)
        column.metric(title, "–" if value is None else f"{value:.3f}", help=_HELP[key])


def _in_calls(spoken: pl.DataFrame) -> None:
    with st.container(border=True):
        st.markdown(
            "**What they said in calls**",
            help="Answers written beside caller turns, by the version that gave them.",
        )
        st.caption(
            f"n = {int(spoken['answers'].sum()):,} answers in the last {models.LAST_CALLS} ended "
            "attempts · latest in UTC"
        )
        if spoken.is_empty():
            components.empty("No model has answered in a call yet.")
            return
        st.dataframe(
            spoken.select(
                pl.col("task").map_elements(words, return_dtype=pl.String).alias("Task"),
                pl.col("model_name").alias("Model"),
                pl.col("model_version").alias("Version"),
                pl.col("answers").alias("Answers"),
                pl.col("calls").alias("Calls"),
                (pl.col("p50_us") / 1000).alias("Median, ms per answer"),
                (pl.col("p95_us") / 1000).alias("p95, ms per answer"),
                pl.col("latest").dt.strftime("%Y-%m-%d %H:%M").alias("Latest, UTC"),
            ),
            hide_index=True,
            column_config={
                name: st.column_config.NumberColumn(format="%.2f")
                for name in ("Median, ms per answer", "p95, ms per answer")
            },
            alt="Answers by model version",
        )


@st.fragment(run_every=_BEAT)
def _registered() -> None:
    """The registry answers in its own time; what is known is shown meanwhile."""
    seen = _reader().look()
    if seen.trouble:
        st.error(seen.trouble, icon=":material/cloud_off:")
    if seen.facts is None:
        with st.container(border=True):
            st.markdown("**Versions in the registry**")
            st.caption("Asking the registry …" if seen.asking else "The registry has not answered.")
        return
    for name in TASKS:
        _versions(name, seen)


def _versions(name: str, seen: Seen) -> None:
    told = (seen.facts or {}).get(name, [])
    with st.container(border=True):
        title, link = st.columns([3, 1], vertical_alignment="center")
        title.markdown(
            f"**Versions of {name}**", help="The newest twenty, judged on held-out texts."
        )
        if not told:
            components.empty("None is registered yet; train one below.")
            return
        champion = next((t.version.version for t in told if CHAMPION in t.version.aliases), None)
        title.caption(
            f"champion: {champion or 'none'} · newest: {told[0].version.version} · "
            "figures with n and 95 % bootstrap interval"
        )
        link.link_button(
            "In MLflow",
            f"{_MLFLOW}/#/models/{TASKS[name].model_name}",
            icon=":material/open_in_new:",
            key=f"mlflow {name}",
        )
        st.dataframe(
            pl.DataFrame([_row(one) for one in told]),
            hide_index=True,
            alt=f"Versions of {name}",
        )


def _row(one: Told) -> dict[str, str | int | None]:
    gate = {"passed": "passed", "failed": "failed"}.get(one.version.gate or "", "not judged")
    return {
        "Version": one.version.version,
        "Trained": moment(one.at),
        "n": one.n,
        **{title: _figure(one, key) for key, title in _FIGURES.items()},
        "Gate": f"{gate}: {one.gate_reasons}" if one.gate_reasons else gate,
        "Aliases": ", ".join(one.version.aliases),
    }


def _figure(one: Told, key: str) -> str:
    value = one.metrics.get(key)
    if value is None:
        return "–"
    low, high = one.intervals.get(key, (None, None))
    return f"{value:.3f}" if low is None else f"{value:.3f} ({low:.3f}–{high:.3f})"


@st.fragment(run_every=_BEAT)
def _train() -> None:
    """Asking and watching; it can be left and found again."""
    with st.container(border=True):
        st.markdown(
            "**Train**",
            help="Gives every task a served model: kept, deployed from the registry, or trained.",
        )
        try:
            known = _trainings()
            open_one = bool(known) and known[0].state in ("asked", "running")
            if st.button(
                "Train what has no model",
                icon=":material/model_training:",
                disabled=open_one,
                help="The flows process does it; this page may be left.",
            ):
                _ask()
                st.rerun(scope="fragment")
        except VoiceAIError as error:
            components.unreachable(error)
            return
        _progress(known)


def _ask() -> None:
    """Raises NotAvailable."""
    with session.asking() as db:
        now = session.context().clock.now()
        flow_requests.ask(db, "train-models", {}, by=session.user(), now=now)
    _trainings.clear()
    _reader().forget()


def _progress(known: list[models.Training]) -> None:
    if not known:
        components.empty("Nobody has asked for a training yet.")
        return
    newest = known[0]
    if newest.state == "running":
        st.progress(newest.progress or 0.0, text=newest.message or "Training …")
    elif newest.state == "asked":
        st.caption("Asked; the flows process (`voice-ai flows`) takes it up when it runs.")
    st.dataframe(
        pl.DataFrame(
            {
                "Asked (UTC)": [moment(one.asked_at) for one in known],
                "By": [one.asked_by for one in known],
                "State": [words(one.state) for one in known],
                "What came of it": [one.message for one in known],
            }
        ),
        hide_index=True,
        alt="The last requests to train",
    )


page()
