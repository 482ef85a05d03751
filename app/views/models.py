"""Which models hear the calls?"""

import polars as pl
import streamlit as st

from app import components, model_orders, session
from app.charts_models import versions_chart
from app.model_frames import FIGURES, state_of, versions
from app.model_readings import MLFLOW, reader
from app.model_registry import Facts, Served, served
from app.queries import models
from ml.registry import PREVIOUS
from ml.registry_records import Told
from ml.table.kept import served_shelves
from ml.tasks import HEARD, TASKS
from pipelines.report.labels import moment, words
from voice_ai.errors import VoiceAIError

_BEAT = 2.0
_FIGURES_IN_TABLE = 3
# By kind of task: what is learnt from where no file is named.
_WITHOUT_FILE = {
    "text": "left out: the task's own rows",
    "voice": "clips: none are shipped",
    "table": "left out: the seller's own dials",
}


@st.cache_data(ttl=10.0, show_spinner=False)
def _spoken() -> pl.DataFrame:
    with session.reading() as connection:
        return models.spoken(connection)


@st.cache_data(ttl=session.MOMENT, show_spinner=False)
def _standing() -> tuple[list[models.Alert], dict[str, models.Rollout]]:
    with session.reading() as connection:
        return models.alerts(connection), models.rollouts(connection)


def page() -> None:
    head, link = st.columns([3, 1], vertical_alignment="bottom")
    head.title("Which models hear the calls?")
    link.link_button(
        "Open MLflow",
        f"{MLFLOW}/#/models",
        icon=":material/open_in_new:",
        help="MLflow's own pages, while `voice-ai models ui` or `voice-ai up` runs.",
    )
    try:
        spoken = _spoken()
    except VoiceAIError as error:
        components.unreachable(error)
        return
    _overview()
    task = st.segmented_control(
        "Task",
        list(TASKS),
        default=next(iter(TASKS)),
        key="task",
        bind="query-params",
        required=True,
    )
    _of_task(task)
    left, right = st.columns([2, 3], gap="small")
    with left:
        _train(task)
    with right:
        model_orders.asked()
    _in_calls(spoken)


@st.fragment(run_every=_BEAT)
def _overview() -> None:
    """What serves is in the home's files and there at once; the registry answers later."""
    seen = reader().look()
    if seen.trouble:
        st.error(seen.trouble, icon=":material/cloud_off:")
    try:
        alerts, rollouts = _standing()
    except VoiceAIError as error:
        components.unreachable(error)
        return
    settings = session.context().settings
    standing = {name: served(settings, name) for name in HEARD}
    _figures(standing, seen.facts, alerts, rollouts)
    for alert in alerts:
        said = f"{alert.summary[:1].upper()}{alert.summary[1:].rstrip('.')}"
        (st.error if alert.severity == "page" else st.warning)(
            f"{said}. Since {moment(alert.raised_at)}.",
            icon=":material/notifications_active:",
        )
    with st.container(border=True):
        st.markdown(
            "**What serves now**",
            help="From this home's files, which calls are answered with. Figures are of the "
            "held-out rows of each version's own run.",
        )
        if seen.facts is None:
            st.caption("Asking the registry …" if seen.asking else "The registry has not answered.")
        rows = [_row(name, standing[name], seen.facts, rollouts.get(name)) for name in HEARD]
        st.dataframe(
            pl.DataFrame(rows, infer_schema_length=None),
            hide_index=True,
            alt="What serves, task by task",
        )
        for name in HEARD:
            told = (standing[name].trouble, *(seen.facts.trouble[name] if seen.facts else ()))
            for said in dict.fromkeys(one for one in told if one):
                st.warning(f"{words(name)}: {components.plain(said)}", icon=":material/error:")
        shelves = served_shelves(settings.home)
        beside = ", ".join(words(name).lower() for name in TASKS if name not in HEARD)
        st.caption(
            f"Beside the calls: {beside}, one model a seller, {len(shelves):,} in use"
            f"{': version ' + ', '.join(sorted(set(shelves.values()))) if shelves else ''}."
        )


def _figures(
    standing: dict[str, Served],
    facts: Facts | None,
    alerts: list[models.Alert],
    rollouts: dict[str, models.Rollout],
) -> None:
    known = None if facts is None else [one for told in facts.versions.values() for one in told]
    failed = None if known is None else sum(one.version.gate == "failed" for one in known)
    serving = sum(one.version is not None for one in standing.values())
    figures = (
        ("Tasks heard in calls", f"{serving} of {len(standing)}", "the others go by rules"),
        ("Versions", "…" if known is None else f"{len(known):,}", "newest twenty of each task"),
        ("Failed their gate", "…" if failed is None else f"{failed:,}", "of these versions"),
        ("Candidates in calls", f"{len(rollouts):,}", "shadow or canary"),
        ("Open alerts", f"{len(alerts):,}", "about models"),
    )
    for column, (title, value, about) in zip(
        st.columns(len(figures), gap="small"), figures, strict=True
    ):
        with column.container(border=True, height="stretch"):
            st.markdown(title)
            st.metric(title, value, label_visibility="collapsed")
            st.caption(about)


def _row(
    name: str, one: Served, facts: Facts | None, rollout: models.Rollout | None
) -> dict[str, str]:
    told = facts.find(name, one.version) if facts else None
    previous = facts.holder(name, PREVIOUS) if facts else None
    figure = TASKS[name].limits.main
    candidate = None
    if rollout is not None:
        at = "shadow" if rollout.stage == "shadow" else f"{rollout.share:g} % of calls"
        candidate = f"{rollout.model_version}, {at}"
    return {
        "Task": words(name),
        "Serves": one.version or "none",
        "Since": moment(one.since) if one.since else "–",
        "Figure": FIGURES.get(figure, figure),
        "Value": _value(told, figure, one),
        "Gate": "–" if told is None else told.version.gate or "not judged",
        "Candidate": candidate or "–",
        "Previous": previous.version.version if previous else "–",
    }


def _value(told: Told | None, figure: str, one: Served) -> str:
    if told is not None:
        return _figure(told, figure)
    value = one.metrics.get(figure)
    return "–" if value is None else f"{value:.3f}"


@st.fragment(run_every=_BEAT)
def _of_task(task: str) -> None:
    """The registry answers in its own time; what is known is shown meanwhile."""
    seen = reader().look()
    with st.container(border=True):
        title, link = st.columns([3, 1], vertical_alignment="center")
        title.markdown(f"**Versions of {task}**", help=TASKS[task].purpose)
        link.link_button(
            "In MLflow",
            f"{MLFLOW}/#/models/{TASKS[task].model_name}",
            icon=":material/open_in_new:",
        )
        if seen.facts is None:
            st.caption("Asking the registry …" if seen.asking else "The registry has not answered.")
            return
        told = seen.facts.versions.get(task, ())
        if not told:
            own = "train one below" if TASKS[task].has_data else "train one from a file of yours"
            components.empty(f"None is registered yet; {own}. Calls go on with rules.")
            return
        _versions(task, list(told), served(session.context().settings, task).version)


def _versions(task: str, told: list[Told], serves: str | None) -> None:
    figure = TASKS[task].limits.main
    name = FIGURES.get(figure, figure)
    st.caption(
        f"{name} on the held-out rows of each run, 95 % bootstrap interval · n = "
        f"{told[0].n or 0:,} rows for the newest · choose a row to open the version"
    )
    frame = versions(told, figure, serves)
    if frame.height > 1:
        components.show(
            versions_chart(frame, name, components.mode()), f"{name} by version of {task}"
        )
    chosen = st.dataframe(
        pl.DataFrame([_version(one, serves) for one in told], infer_schema_length=None),
        hide_index=True,
        key=f"versions of {task}",
        on_select="rerun",
        selection_mode="single-row",
        alt=f"Versions of {task}",
        column_config={"Gate": st.column_config.TextColumn(width="large")},
    )
    picked = chosen["selection"]["rows"]
    if picked:
        query = {"task": task, "version": told[picked[0]].version.version}
        st.switch_page("views/model_version.py", query_params=query)


def _version(one: Told, serves: str | None) -> dict[str, str | int | None]:
    gate = one.version.gate or "not judged"
    shown = [name for name in FIGURES if name in one.metrics][:_FIGURES_IN_TABLE]
    return {
        "Version": one.version.version,
        "State": state_of(one, serves),
        "Aliases": ", ".join(one.version.aliases),
        "Trained": moment(one.at),
        "n": one.n,
        **{FIGURES[name]: _figure(one, name) for name in shown},
        "Data": one.dataset,
        "Gate": f"{gate}: {one.gate_reasons}" if one.gate_reasons else gate,
    }


def _figure(one: Told, key: str) -> str:
    value = one.metrics.get(key)
    if value is None:
        return "–"
    low, high = one.intervals.get(key, (None, None))
    return f"{value:.3f}" if low is None else f"{value:.3f} ({low:.3f}–{high:.3f})"


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
            placeholder="–",
            alt="Answers by model version",
        )


def _train(task: str) -> None:
    with st.container(border=True):
        st.markdown(
            "**Train**", help="A new version is judged, and serves when it passes its gate."
        )
        with st.form("train", border=False):
            st.text_input(
                "File with rows",
                key="train data",
                placeholder=_WITHOUT_FILE[TASKS[task].kind],
                help="CSV, TSV or JSONL on the machine of the flows process.",
            )
            seed, more = st.columns(2, vertical_alignment="bottom")
            seed.number_input("Seed", value=7, min_value=0, key="train seed")
            more.checkbox(
                "Embeddings",
                key="train embeddings",
                help="Sentence embeddings too: better, slower; needs the extra of that name.",
            )
            st.form_submit_button(
                f"Train {words(task).lower()}",
                type="primary",
                icon=":material/model_training:",
                on_click=_ask_train,
                args=(task,),
            )
        st.button(
            "Train what has no model",
            icon=":material/playlist_add_check:",
            on_click=model_orders.ask,
            args=("train-models", {}),
            help="Every task that ships rows gets a model: kept, deployed, or trained.",
        )


def _ask_train(task: str) -> None:
    told = st.session_state
    given = {"name": task, "data": str(told["train data"]).strip(), "seed": told["train seed"]}
    more = {"embeddings": True} if told["train embeddings"] else {}
    model_orders.ask("train-model", {**given, **more})


page()
