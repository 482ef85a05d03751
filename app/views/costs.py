"""What does a result cost?"""

from dataclasses import replace

import polars as pl
import streamlit as st

from app import charts_costs as charts
from app import components, price_form, timing_readings
from app.charts_costs import LEG_WORDS
from app.figure_row import Shown, row
from app.slice_picker import picked
from pipelines.analyses.costs import Costs, by_day, next_call, per_result
from pipelines.metrics.bootstrap import Estimate
from pipelines.metrics.contract import THIN_BELOW, Metric
from pipelines.metrics.costs import (
    COST_BY_LEG,
    COST_PER_CONTACTED_LEAD,
    COST_PER_CONVERSATION,
    COST_PER_GOAL,
    MARGINAL_COST,
    currencies,
    stopping,
)
from pipelines.report.labels import count, percent
from pipelines.report.palette import Mode
from voice_ai.errors import VoiceAIError


def page() -> None:
    seen = picked("What does a result cost?")
    if seen is None:
        return
    try:
        found = timing_readings.spent(seen)
    except VoiceAIError as error:
        components.unreachable(error)
        return
    mode = components.mode()
    if found.usage.is_empty():
        st.info(
            "No call of this choice has ended yet. Costs appear a minute or so after calls end.",
            icon=":material/payments:",
        )
    else:
        row(_figures(found))
        _warnings(found)
        _legs(found, mode)
        _next_call(found, mode)
    price_form.show()


def _amount(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if value >= 1000 else f"{value:,.2f}" if value >= 1 else f"{value:.3f}"


def _figures(found: Costs) -> list[Shown]:
    results = (
        (COST_PER_CONTACTED_LEAD, "first_human", "leads reached"),
        (COST_PER_CONVERSATION, "conversed", "conversations"),
        (COST_PER_GOAL, "goal", "goals"),
    )
    return [
        _total(found),
        *(_per(found, metric, per_result(found, name), of) for metric, name, of in results),
        _unpriced(found),
    ]


def _total(found: Costs) -> Shown:
    sums = found.lines.drop_nulls("amount").group_by("currency").agg(pl.col("amount").sum())
    amounts = sums.sort("currency").rows()
    daily = found.lines.group_by("day").agg(pl.col("amount").sum()).sort("day")
    return Shown(
        COST_BY_LEG,
        _amount(amounts[0][1]) if len(amounts) == 1 else "–",
        [
            found.currency or " and ".join(f"{sum_:,.2f} {name}" for name, sum_ in amounts),
            f"n = {count(int(found.usage['dials'].sum()))} dials",
        ],
        line=daily["amount"].to_list() if found.currency else (),
    )


def _per(found: Costs, metric: Metric, seen: Estimate, of: str) -> Shown:
    if seen.value is None:
        why = f"fewer than {THIN_BELOW}" if seen.thin else "no price, or several currencies"
        return Shown(metric, "–", [f"n = {count(seen.n)} {of}", why])
    band = f"{found.currency}, 95 %: {_amount(seen.low)} to {_amount(seen.high)}"
    return Shown(metric, _amount(seen.value), [f"n = {count(seen.n)} {of}", band])


def _unpriced(found: Costs) -> Shown:
    metric = replace(
        COST_BY_LEG,
        name="share_without_a_price",
        title="Calls' use without a price",
        numerator="Of the leg that lacks most: what was used while no price was in force",
        denominator="what was used of that leg",
        excludes="",
    )
    legs = [one for one in found.unpriced if one.share is not None]
    if not legs:
        return Shown(metric, "–", ["nothing was used"])
    worst = max(legs, key=lambda one: one.share or 0.0)
    told = LEG_WORDS[worst.item].lower() if worst.share else "every leg has its price"
    lost = sum(one.unmeasured for one in legs)
    return Shown(
        metric, percent(worst.share), [told, f"{count(lost)} calls whose use was not measured"]
    )


def _warnings(found: Costs) -> None:
    kept = found.comparable
    told = []
    if len(currencies(found.lines)) > 1:
        told.append("Prices are in several currencies, which are never added: no cost per result.")
    if kept.without:
        legs = ", ".join(LEG_WORDS[item].lower() for item in kept.without)
        told.append(f"Without a price and so not in any cost: {legs}.")
    if kept.days_left_out:
        told.append(
            f"{kept.days_left_out:,} days on which a leg had no price are left out of costs per "
            "result."
        )
    if told:
        st.warning(" ".join(told), icon=":material/money_off:")


def _legs(found: Costs, mode: Mode) -> None:
    rows = by_day(found)
    known = currencies(found.lines)
    n = count(int(found.usage["dials"].sum()))
    about = f"n = {n} dials · models on our own machines cost nothing here"
    with components.card(COST_BY_LEG, about):
        if not known:
            components.empty("Nothing has a price yet; set the prices below.")
            return
        for currency in known:
            components.show(
                charts.legs_chart(rows, currency, mode), f"Spent by leg, {currency}; {about}"
            )
        components.table(
            rows.with_columns(
                leg=pl.col("item").replace_strict(LEG_WORDS, return_dtype=pl.String)
            ),
            {"day": "Day", "leg": "Leg", "quantity": "Units", "amount": "Amount",
             "currency": "Currency"},
            "cost_by_leg",
        )  # fmt: skip


def _next_call(found: Costs, mode: Mode) -> None:
    goals = next_call(found, "first_goal")
    n = count(int(goals["n"].sum()))
    about = f"n = {n} dials · each further dial of a lead · pale: fewer than {THIN_BELOW}"
    with components.card(MARGINAL_COST, about):
        if found.currency is None:
            components.empty("It needs prices in one currency; set them below.")
            return
        worth = st.number_input(
            f"What a goal is worth, {found.currency}",
            min_value=0.0, value=None, format="%.2f", key="worth", bind="query-params", width=260,
            help="Then the page says after which dial a further goal costs more than that.",
        )  # fmt: skip
        left, right = st.columns(2, gap="small")
        parts = (
            (left, "goal", "A further goal", goals, worth),
            (right, "human", "A further lead reached", next_call(found, "first_human"), None),
        )
        for column, what, title, further, line in parts:
            with column:
                st.caption(title)
                components.show(
                    charts.next_call_chart(further, what, found.currency, line, mode), title
                )
        st.markdown(_advice(goals, worth, found.currency))
        components.table(
            goals,
            {"attempt": "Number of the dial", "n": "n, dials", "k": "Further goals",
             "cost_per_dial": "Cost per dial", "cost": "Cost per further goal",
             "cost_low": "95 % from", "cost_high": "95 % to"},
            MARGINAL_COST.name,
        )  # fmt: skip


def _advice(goals: pl.DataFrame, worth: float | None, currency: str) -> str:
    if worth:
        found = stopping(goals, worth)
        return found.sentence if found else "There are too few dials to say where to stop."
    solid = goals.filter(~pl.col("thin") & pl.col("cost").is_not_null()).sort("attempt")
    if solid.height < 2:
        return "There are too few dials to compare the first one with later ones."
    first, last = solid.row(0, named=True), solid.row(-1, named=True)
    return (
        f"By dial {last['attempt']} a further goal costs {_amount(last['cost'])} {currency},"
        f" {last['cost'] / first['cost']:.1f} times what it costs by the first. Say what one is "
        "worth to see where to stop."
    )


page()
