"""May this version answer calls?"""

import streamlit as st

from app import components, model_orders, version_parts
from app.model_readings import MLFLOW, reader
from app.model_registry import Facts, served
from app.session import context
from ml.registry import CHAMPION
from ml.registry_records import Told
from ml.standing import Notes
from ml.tasks import HEARD, TASKS
from pipelines.flow_list import ModelAction
from pipelines.report.labels import moment, words

_BEAT = 1.0


def page() -> None:
    st.title("May this version answer calls?")
    task, version = st.query_params.get("task"), st.query_params.get("version")
    if task is None or task not in TASKS or version is None:
        st.info("Choose a version: each row of the page Models leads here.", icon=":material/list:")
        _elsewhere()
        return
    _shown(task, version)


def _elsewhere() -> None:
    st.page_link("views/models.py", label="Models", icon=":material/neurology:")


def _shown(task: str, version: str) -> None:
    """The registry answers in its own time: until then the page looks again by itself."""
    seen = reader().look()
    if seen.trouble:
        st.error(seen.trouble, icon=":material/cloud_off:")
    if seen.facts is None:
        if seen.asking:
            _wait(f"Asking the registry about {words(task).lower()} version {version} …")
        return
    told = seen.facts.find(task, version)
    if told is None:
        st.error(
            f"{words(task)} has no version {version} among its newest twenty.",
            icon=":material/search_off:",
        )
        _elsewhere()
        return
    _version(told, _other(seen.facts, told))


@st.fragment(run_every=_BEAT)
def _wait(sentence: str) -> None:
    st.caption(f":material/hourglass_top: {sentence}")
    seen = reader().look()
    if seen.facts is not None or not seen.asking:
        st.rerun()


def _other(facts: Facts, told: Told) -> Told | None:
    """What it is held against: the version at its gate, else the champion."""
    task, known = told.version.task, told.version.gate_against
    asked = st.query_params.get("against") or known
    other = facts.find(task, asked) or facts.holder(task, CHAMPION)
    return None if other is None or other.version.version == told.version.version else other


def _version(told: Told, other: Told | None) -> None:
    task, version = told.version.task, told.version.version
    serves = served(context().settings, task).version
    _head(told, serves)
    version_parts.figures(told, other)
    if task in HEARD:
        model_orders.buttons(task, version, _allowed(version, serves))
    else:
        st.caption(
            "It scores rows beside the calls: the newest version that passed its gate takes part in"
            " the scores of the seller whose dials it learnt from."
        )
    notes = _notes(told)
    left, right = st.columns(2, gap="small")
    with left:
        version_parts.slices(told, other)
    with right:
        version_parts.gate(told, notes.checks)
        version_parts.against(told, other, notes.checks)
    version_parts.in_time(told)
    version_parts.plots(told)
    left, right = st.columns([3, 2], gap="small")
    with left, st.container(border=True, height="stretch"):
        st.markdown("**Model card**", help="Written by the training run.")
        st.markdown(_card(notes))
    with right:
        version_parts.provenance(told)
        model_orders.asked()


def _head(told: Told, serves: str | None) -> None:
    one = told.version
    left, right = st.columns([4, 1], vertical_alignment="center")
    held = f" · {', '.join(one.aliases)}" if one.aliases else ""
    state = f"version {serves} serves" if serves else "nothing serves calls"
    if one.version == serves:
        state = "serves calls now"
    with left:
        st.subheader(f"{words(one.task)}, version {one.version}", anchor=False)
        st.markdown(
            f"{state}{held} · trained {moment(told.at)} · {told.dataset or 'data not recorded'}"
        )
    with right:
        _elsewhere()
        st.link_button(
            "The run in MLflow",
            f"{MLFLOW}/#/experiments/{told.experiment}/runs/{one.run_id}",
            icon=":material/open_in_new:",
        )


def _allowed(version: str, serves: str | None) -> list[ModelAction]:
    if version == serves:
        return ["gate", "rollback", "stop"]
    return ["promote", "gate", "shadow", "canary", "stop"]


def _notes(told: Told) -> Notes:
    """Gate and card come a moment later; the page is drawn again when they are there."""
    seen = reader().look_at(told.version)
    if seen.trouble:
        components.empty(seen.trouble)
    if seen.facts is None and seen.asking:
        _wait_for_notes(told)
    return seen.facts or Notes(None, None)


@st.fragment(run_every=_BEAT)
def _wait_for_notes(told: Told) -> None:
    st.caption(":material/hourglass_top: Fetching its gate and its card …")
    if not reader().look_at(told.version).asking:
        st.rerun()


def _card(notes: Notes) -> str:
    """Its own title is left out: the page has one; its parts are headed smaller."""
    if notes.card is None:
        return ":gray[Its run keeps no card.]"
    lines = notes.card.splitlines()
    body = lines[1:] if lines and lines[0].startswith("# ") else lines
    return "\n".join(
        f"**{line.removeprefix('## ')}**\n" if line.startswith("## ") else line for line in body
    )


page()
