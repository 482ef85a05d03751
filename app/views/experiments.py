"""Which wording works better?"""

from typing import Any

import polars as pl
import streamlit as st

from app import (
    charts_experiments,
    components,
    experiment_plan,
    experiment_stop,
    figure_row,
    slice_picker,
)
from app.figure_row import Shown
from pipelines.analyses import experiments
from pipelines.analyses.experiments import Known
from pipelines.lake.read import Lake
from pipelines.metrics.experiments import (
    DIFFERENCE,
    GOALS_PER_ASSIGNED_LEAD,
    HANG_UPS_PER_ASSIGNED_LEAD,
    OPT_OUTS_PER_ASSIGNED_LEAD,
    ReadOut,
    days_left,
)
from pipelines.report.labels import count, interval, percent
from pipelines.report.palette import Mode
from voice_ai.errors import VoiceAIError
from voice_ai.experiments.verdict import GUARD_ALPHA, SRM_P

_KEPT = 60.0
_ARMS = {
    "arm": "Arm",
    "planned": "Share as planned",
    "leads": "n, leads",
    "goals": "Goals",
    "rate": "Goals per lead",
    "low": "95 % from",
    "high": "95 % to",
    "opt_outs": "Opt-outs",
    "hang_ups": "Early hang-ups",
    "guard": "No worse than the control",
}
_SAID = {
    "go on": ("info", "Nothing is certain yet; let it go on."),
    "winner": ("success", "It may stop: one arm is better."),
    "harm": ("error", "Stop it: an arm does harm."),
    "shares": ("error", "Do not read it: leads are not shared out as planned. Look for the cause."),
    "no difference": ("info", "It may stop: it has run as long as planned."),
}


def page() -> None:
    picked = slice_picker.picked("Which wording works better?")
    if picked is None:
        return
    mode = components.mode()
    try:
        known = experiments.experiments(picked.lake, picked.part.campaign_id)
        known = [one for one in known if one.rehearsal == picked.part.rehearsal]
        if not known:
            _none(mode)
            return
        one = _chosen(known)
        _shown(one, _read(picked.lake, picked.state, one), mode)
        _others(known, one)
    except VoiceAIError as error:
        components.unreachable(error)


def _none(mode: Mode) -> None:
    st.info(
        "No campaign here has an experiment. An experiment is a few lines of a campaign's script:"
        " arms with their shares, and what each says differently (docs/experiments.md).",
        icon=":material/science:",
    )
    experiment_plan.plan(mode, None)


def _chosen(known: list[Known]) -> Known:
    names = [f"{one.campaign} · {one.name}" for one in known]
    name = st.selectbox("Experiment", names, key="experiment", bind="query-params")
    return next((one for one, told in zip(known, names, strict=True) if told == name), known[0])


@st.cache_data(ttl=_KEPT, show_spinner="Reading the experiment …")
def _read(_lake: Lake, state: tuple[int, int], one: Known) -> ReadOut:
    return experiments.read(_lake, one)


def _shown(one: Known, found: ReadOut, mode: Mode) -> None:
    kind, words = _SAID[found.verdict.kind]
    getattr(st, kind)(f"{words} {found.verdict.why[:1].upper()}{found.verdict.why[1:]}.")
    if one.stopped_at:
        why = f": {one.stopped_reason}" if one.stopped_reason else ""
        heard = f" New leads hear {one.winner or found.control}."
        st.caption(components.plain(f"Stopped {one.stopped_at:%d %b %Y}{why}.{heard}"))
    figure_row.row(_figures(one, found))
    about = f"n = {count(found.leads)} leads · control {found.control} · always-valid interval"
    with components.card(DIFFERENCE, about):
        if found.course.is_empty():
            components.empty("A difference is shown once both arms have twenty leads.")
        else:
            components.show(charts_experiments.course_chart(found.course, mode), DIFFERENCE.title)
            components.table(
                found.course.rename({"low": "from", "high": "to"}),
                {
                    "day": "Evening of",
                    "arm": "Arm",
                    "n": "n, leads",
                    "value": "Difference",
                    "from": "From",
                    "to": "To",
                    "p": "p, always valid",
                },
                "experiment-course",
            )
    _arms(found)
    experiment_stop.form(one, found)
    days = found.course["day"].n_unique()
    experiment_plan.plan(mode, found.leads / days if days else None)


def _figures(one: Known, found: ReadOut) -> list[Shown]:
    arms = {row["arm"]: row for row in found.arms.iter_rows(named=True)}
    best = max(
        (arm for arm in arms if arm != found.control), key=lambda arm: arms[arm]["rate"] or 0.0
    )
    difference = found.verdict.differences[best]
    shown = [_rate(arms[found.control], f"{found.control} (control)"), _rate(arms[best], best)]
    value = "–" if difference.value is None else f"{difference.value * 100:+.1f} pp"
    low, high = difference.low, difference.high
    held = "twenty leads an arm first" if low is None or high is None else _between(low, high)
    shown.append(
        Shown(
            DIFFERENCE, value, [f"{best} less {found.control}", held, "may be looked at every day"]
        )
    )
    shown.append(_guard(found, arms))
    left = days_left(found, one.rules.planned, found.course["day"].n_unique())
    planned = f"{one.rules.planned:,} planned an arm" if one.rules.planned else "no number planned"
    about = [planned, f"shares as planned: p = {found.verdict.srm_p:.2g} (alarm below {SRM_P:g})"]
    if left is not None:
        about.append("planned number reached" if left == 0 else f"about {left:,.0f} days to go")
    shown.append(
        Shown(GOALS_PER_ASSIGNED_LEAD, count(found.leads), about, label="Leads with an arm")
    )
    return shown


def _rate(row: dict[str, Any], label: str) -> Shown:
    lines = [f"{count(row['goals'])} of {count(row['n'])} leads"]
    lines.append(f"95 %: {interval(row['low'], row['high'])}")
    metric = GOALS_PER_ASSIGNED_LEAD
    return Shown(metric, percent(row["rate"]), lines, label=f"{metric.title}, {label}")


def _between(low: float, high: float) -> str:
    return f"95 %: {low * 100:+.1f} to {high * 100:+.1f} pp"


def _guard(found: ReadOut, arms: dict[str, dict[str, Any]]) -> Shown:
    """The arm whose opt-outs look worst."""
    p = {arm: guards["opt_outs"] for arm, guards in found.verdict.guards.items()}
    worst = min(p, key=lambda arm: p[arm])
    row, base = arms[worst], arms[found.control]
    value = percent(row["opt_outs"] / row["leads"]) if row["leads"] else "–"
    return Shown(
        OPT_OUTS_PER_ASSIGNED_LEAD,
        value,
        [
            f"{worst}: {count(row['opt_outs'])} of {count(row['leads'])} leads",
            f"{found.control}: {count(base['opt_outs'])} of {count(base['leads'])}",
            f"no worse: p = {p[worst]:.2g} (alarm at {GUARD_ALPHA:g})",
        ],
    )


def _arms(found: ReadOut) -> None:
    guards = {arm: min(ps.values()) for arm, ps in found.verdict.guards.items()}
    rows = found.arms.with_columns(
        planned=pl.format("{} %", (pl.col("share") * 100).round(1)),
        guard=pl.col("arm").map_elements(
            lambda arm: f"p = {guards[arm]:.2g}" if arm in guards else "control",
            return_dtype=pl.String,
        ),
    )
    about = "95 % Wilson, for one look · leads are counted by the arm they were given"
    with components.card(GOALS_PER_ASSIGNED_LEAD, f"n = {count(found.leads)} leads · {about}"):
        shares = {name: st.column_config.NumberColumn(format="percent") for name in _PERCENT}
        shown = rows.select(pl.col(column).alias(name) for column, name in _ARMS.items())
        st.dataframe(shown, hide_index=True, column_config=shares)
        components.empty(HANG_UPS_PER_ASSIGNED_LEAD.sentence)


_PERCENT = ("Goals per lead", "95 % from", "95 % to")


def _others(known: list[Known], one: Known) -> None:
    rest = [other for other in known if other != one]
    if not rest:
        return
    with st.expander(f"{len(rest):,} more experiments", icon=":material/science:"):
        st.dataframe(
            pl.DataFrame(
                {
                    "Campaign": [other.campaign for other in rest],
                    "Experiment": [other.name for other in rest],
                    "State": [other.state for other in rest],
                    "Arms": [", ".join(other.shares) for other in rest],
                    "Leads": [other.leads for other in rest],
                    "Since": [other.started_at for other in rest],
                }
            ),
            hide_index=True,
        )


page()
