"""When do people pick up?"""

from dataclasses import replace
from datetime import timedelta

import polars as pl
import streamlit as st

from app import charts_timing as charts
from app import components, timing_readings
from app.figure_row import Shown, changed, row
from app.slice_picker import Picked, picked
from app.timing_readings import Timed
from pipelines.metrics.best_time import GREY_BELOW, HUMANS_PER_DIAL_BY_HOUR, best_slots
from pipelines.metrics.contract import THIN_BELOW, Metric
from pipelines.metrics.forecast import DAYS_TO_FINISH, FEWEST_DAYS
from pipelines.metrics.intervals import Rate, rate
from pipelines.metrics.lead_paths import (
    COHORT_DIALS,
    DIALED_PER_ELIGIBLE_LEAD,
    DIALS_PER_LEAD,
    GOALS_PER_DIALED_LEAD_BY_COHORT,
    HUMANS_PER_DIAL_BY_ATTEMPT,
    LISTS_PASS,
    by_attempt,
    cohorts,
    dials_per_lead,
    passes,
)
from pipelines.metrics.periods import last_and_before
from pipelines.metrics.rates import HUMANS_PER_DIAL
from pipelines.metrics.survival import CONTACT_BY_DIAL, CONTACT_BY_HOUR, half_reached
from pipelines.report.labels import count, hour_words, interval, percent
from pipelines.report.palette import Mode
from voice_ai.errors import VoiceAIError

_RATE = {"rate": "Share", "low": "95 % from", "high": "95 % to"}
_LOADED = "From and To choose leads by the day they were loaded"


def page() -> None:
    seen = picked("When do people pick up?")
    if seen is None:
        return
    try:
        found = timing_readings.timed(seen)
    except VoiceAIError as error:
        components.unreachable(error)
        return
    if found.hours.is_empty() and found.paths.is_empty():
        st.info(
            "No call of this choice has ended yet. Calls come into the lake a minute or so after "
            "they end; choose other days or lists, or start a campaign.",
            icon=":material/schedule:",
        )
        return
    mode = components.mode()
    row(_figures(found))
    _heat(found, mode)
    _choosing(seen)
    _reached(found, mode)
    _attempts(found, mode)
    _standing(found, mode)
    left, right = st.columns([3, 2], gap="small")
    with left:
        _cohorts(found, mode)
    with right:
        _per_lead(found, mode)
    _passes(found)


def _figures(found: Timed) -> list[Shown]:
    return [_best(found), _humans(found), _third_dial(found), _dialed(found), _finish(found)]


def _best(found: Timed) -> Shown:
    best = best_slots(found.hours, 1)
    if best.is_empty():
        told = [f"no hour has {GREY_BELOW} dials yet"]
        return Shown(_titled(HUMANS_PER_DIAL_BY_HOUR, "Best hour of the week"), "–", told)
    cell = best.row(0, named=True)
    hour = hour_words(cell["local_hour"])
    return Shown(
        _titled(HUMANS_PER_DIAL_BY_HOUR, "Best hour of the week"),
        percent(cell["rate"]),
        [
            f"{charts.WEEKDAYS[cell['local_weekday'] - 1]}, {hour}:00",
            f"n = {count(cell['dials'])} dials",
            f"95 %: {interval(cell['low'], cell['high'])}",
        ],
    )


def _titled(metric: Metric, title: str) -> Metric:
    return replace(metric, title=title)


def _humans(found: Timed) -> Shown:
    whole = _sum(found.trend)
    last, before = (_sum(part) for part in last_and_before(found.trend))
    line = found.trend.filter(pl.col("dials") >= THIN_BELOW)
    return Shown(
        HUMANS_PER_DIAL,
        percent(whole.value),
        [f"{count(whole.k)} of {count(whole.n)} dials", f"95 %: {interval(whole.low, whole.high)}"],
        changed((_solid(last), _solid(before)), "pp", 100),
        (line["human_answered"] / line["dials"]).to_list(),
    )


def _sum(days: pl.DataFrame) -> Rate:
    return rate(int(days["human_answered"].sum()), int(days["dials"].sum()))


def _solid(one: Rate) -> float | None:
    return None if one.thin else one.value


def _third_dial(found: Timed) -> Shown:
    by_third = found.by_dial.filter(time=3)
    metric = _titled(CONTACT_BY_DIAL, "Leads reached by the third dial")
    if by_third.is_empty() or by_third["thin"][0]:
        return Shown(metric, "–", [f"fewer than {THIN_BELOW} leads had a third dial"])
    cell = by_third.row(0, named=True)
    return Shown(
        metric,
        percent(cell["reached"]),
        [
            f"n = {count(found.by_dial['at_risk'][0])} leads dialed",
            f"95 %: {interval(cell['reached_low'], cell['reached_high'])}",
        ],
        line=found.by_dial["reached"].to_list(),
    )


def _dialed(found: Timed) -> Shown:
    metric = _titled(DIALED_PER_ELIGIBLE_LEAD, "Dialed per eligible lead")
    if found.standing.is_empty():
        return Shown(metric, "–", ["no lead was loaded yet"])
    now = found.standing.row(-1, named=True)
    week = found.standing.filter(pl.col("day") <= now["day"] - timedelta(days=7))
    before = None if week.is_empty() else week["rate"][-1]
    return Shown(
        metric,
        percent(now["rate"]),
        [
            f"{count(now['dialed'])} of {count(now['n'])} leads",
            f"{count(now['shut_out'])} more shut out by the rules",
        ],
        changed((now["rate"], before), "pp", 100),
        found.standing["rate"].drop_nulls().to_list(),
    )


def _finish(found: Timed) -> Shown:
    seen = found.forecast
    value = "done" if seen.remaining == 0 else "–"
    if seen.finish is not None:
        value = f"{seen.finish:%d %b}"
    return Shown(DAYS_TO_FINISH, value, [f"{count(seen.remaining)} leads left", seen.sentence])


def _heat(found: Timed, mode: Mode) -> None:
    rows = found.hours
    about = (
        f"n = {count(int(rows['dials'].sum()))} dials · small cells are pulled to their hour and to"
        f" the whole · grey: fewer than {GREY_BELOW} dials"
    )
    with components.card(HUMANS_PER_DIAL_BY_HOUR, about):
        if rows.is_empty():
            components.empty("Nobody whose time zone is known was dialed yet.")
            return
        components.show(charts.heat_chart(rows, mode), f"Heat map of the week; {about}")
        components.table(
            rows.with_columns(
                weekday=pl.col("local_weekday").map_elements(
                    lambda day: charts.WEEKDAYS[day - 1], return_dtype=pl.String
                )
            ),
            {
                "weekday": "Weekday", "local_hour": "Hour", "human_answered": "Human answered",
                "dials": "n, dials", "rate": "Human answered per dial, pulled",
                "low": "95 % from", "high": "95 % to",
            },
            "humans_per_dial_by_weekday_and_hour",
        )  # fmt: skip


def _choosing(seen: Picked) -> None:
    """What choosing the hour was worth, where the dialer chose any."""
    if seen.part.campaign_id is None:
        return
    try:
        told = timing_readings.benefit_of_hours(seen.part.campaign_id)
    except VoiceAIError:
        return  # the figures above do not need the database
    if told is not None:
        st.caption(
            f"Choosing the hour lead by lead, against the hold-out that is called at any hour: "
            f"{told}."
        )


def _reached(found: Timed, mode: Mode) -> None:
    lists = found.paths["list"].drop_nulls().n_unique()
    left, right = st.columns(2, gap="small")
    split = 1 < lists <= charts.MOST_LISTS and st.toggle(
        "A line for each list", value=True, key="by_list", bind="query-params"
    )
    parts = (
        (left, CONTACT_BY_DIAL, found.by_dial, found.by_dial_and_list, "number of the dial"),
        (right, CONTACT_BY_HOUR, found.by_hour, found.by_hour_and_list, "hours since loading"),
    )
    for column, metric, whole, listed, axis in parts:
        curve = (listed if split else whole).filter(pl.col("at_risk") >= THIN_BELOW)
        half = half_reached(whole)
        told = "fewer than half were reached" if half is None else f"half by {half:,.0f} ({axis})"
        with column, components.card(metric, _about_curve(whole, told)):
            if curve.is_empty():
                components.empty("Too few leads were dialed to say.")
                continue
            components.show(charts.reached_chart(curve, axis, mode), metric.title)
            names = {"list": "List"} if split else {}
            components.table(
                curve.rename({"reached_low": "from", "reached_high": "to"}),
                {**names, "time": axis.capitalize(), "events": "Reached then",
                 "at_risk": "n, not reached before", "reached": "Reached by then",
                 "from": "95 % from ", "to": "95 % to "},
                metric.name,
            )  # fmt: skip


def _about_curve(whole: pl.DataFrame, told: str) -> str:
    n = 0 if whole.is_empty() else int(whole["at_risk"][0])
    return f"n = {count(n)} leads dialed · {told} · up to where {THIN_BELOW} are left"


def _attempts(found: Timed, mode: Mode) -> None:
    rates = by_attempt(found.paths)
    about = f"n = {count(int(found.paths['dials'].sum()))} dials · {_LOADED}"
    with components.card(HUMANS_PER_DIAL_BY_ATTEMPT, about):
        left, right = st.columns(2, gap="small")
        for column, what, title in (
            (left, "human", "Human answered per dial"),
            (right, "goal", "Goals per human answered"),
        ):
            with column:
                components.show(charts.attempt_chart(rates, what, title, mode), title)
        components.table(
            rates,
            {"what": "Of", "attempt": "Number of the dial", "k": "Count", "n": "n", **_RATE},
            HUMANS_PER_DIAL_BY_ATTEMPT.name,
        )


def _standing(found: Timed, mode: Mode) -> None:
    rows, seen = found.standing, found.forecast
    about = f"grey: eligible leads, blue: dialed · {seen.sentence}"
    if seen.finish is not None:
        about += f" · pace of {seen.n} days, at least {FEWEST_DAYS}"
    with components.card(DIALED_PER_ELIGIBLE_LEAD, about):
        if rows.is_empty():
            components.empty("No lead was loaded yet.")
            return
        components.show(charts.standing_chart(rows, seen.fan, mode), f"Leads over time; {about}")
        components.table(
            rows,
            {"day": "Day", "loaded": "Loaded", "shut_out": "Shut out", "n": "n, eligible",
             "dialed": "Dialed", "rate": "Dialed per eligible lead"},
            DIALED_PER_ELIGIBLE_LEAD.name,
        )  # fmt: skip


def _cohorts(found: Timed, mode: Mode) -> None:
    rows = cohorts(found.paths)
    about = f"by dials 1 to {COHORT_DIALS} of a lead · {_LOADED}"
    with components.card(GOALS_PER_DIALED_LEAD_BY_COHORT, about):
        if rows.is_empty():
            components.empty("No lead was dialed yet.")
            return
        components.show(charts.triangle_chart(rows, mode), f"Cohorts; {about}")
        components.table(
            rows,
            {"week": "Week of loading", "attempt": "By dial", "first_goal": "Goals",
             "n": "n, leads dialed", **_RATE},
            GOALS_PER_DIALED_LEAD_BY_COHORT.name,
        )  # fmt: skip


def _per_lead(found: Timed, mode: Mode) -> None:
    rows = dials_per_lead(found.paths)
    with components.card(
        DIALS_PER_LEAD, f"n = {count(int(rows['leads'].sum()))} leads · {_LOADED}"
    ):
        components.show(charts.lead_histogram(rows, mode), DIALS_PER_LEAD.title)
        components.table(
            rows, {"dials": "Dials", "leads": "Leads", "n": "n", **_RATE}, DIALS_PER_LEAD.name
        )


def _passes(found: Timed) -> None:
    rows = passes(found.paths).filter(pl.col("dials") > 0)
    shares = ("human_answered_rate", "conversed_rate", "goal_rate", "opted_out_rate")
    thin = pl.col("dials") < THIN_BELOW
    shown = rows.with_columns(pl.when(~thin).then(pl.col(shares)))
    with components.card(LISTS_PASS, f"n = dials · empty: fewer than {THIN_BELOW} dials"):
        st.dataframe(
            shown.select(
                List="list", Pass="attempt", Dials="dials", Humans="human_answered",
                Goals="goal", human="human_answered_rate", conversed="conversed_rate",
                goal="goal_rate", out="opted_out_rate",
            ),
            hide_index=True,
            height=min(38 + 35 * max(rows.height, 1), 420),
            column_config={
                "human": st.column_config.NumberColumn("Human per dial", format="percent"),
                "conversed": st.column_config.NumberColumn("Conversed per dial", format="percent"),
                "goal": st.column_config.NumberColumn("Goals per dial", format="percent"),
                "out": st.column_config.NumberColumn("Opt-outs per dial", format="percent"),
            },
        )  # fmt: skip


page()
