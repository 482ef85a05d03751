"""How many leads would an experiment need? A small calculator with its picture."""

import polars as pl
import streamlit as st

from app import charts_experiments, components
from pipelines.report.palette import Mode
from voice_ai.errors import BadInput
from voice_ai.experiments.power import needed, needed_always_valid

_STEPS = 24


def plan(mode: Mode, pace: float | None) -> None:
    """`pace`: leads that get an arm a day, in the chosen campaign; None where nobody knows."""
    with st.container(border=True):
        st.markdown(
            "**Plan one**",
            help="Two shares, normal approximation with pooled variance (Fleiss, Levin and Paik"
            " 2003); the number to plan with lets you look every day.",
        )
        one, two, three, four = st.columns(4)
        baseline = one.number_input(
            "Goals per lead now, %", 0.1, 99.0, 12.0, 0.5, key="plan baseline"
        )
        effect = two.number_input(
            "Difference worth finding, pp", 0.1, 50.0, 3.0, 0.5, key="plan effect"
        )
        power = three.number_input("Chance to find it, %", 50, 99, 80, 5, key="plan power")
        arms = four.number_input("Arms", 2, 6, 2, 1, key="plan arms")
        try:
            _told(baseline / 100, effect / 100, power / 100, int(arms), pace, mode)
        except BadInput as error:
            st.warning(error.message, icon=":material/rule:")


def _told(
    base: float, effect: float, power: float, arms: int, pace: float | None, mode: Mode
) -> None:
    planned = needed_always_valid(base, effect, power=power, arms=arms)
    once = needed(base, effect, power=power, arms=arms)
    days = f", about {planned * arms / pace:,.0f} days at the present pace" if pace else ""
    st.markdown(
        f"**{planned:,} leads per arm**, {planned * arms:,} in all{days}. A test that may look only"
        f" once, at the end, would need {once:,}: the difference is the price of looking every day."
    )
    largest = min(0.99 - base, max(4 * effect, 0.02))
    grid = sorted({round(largest * step / _STEPS, 6) for step in range(3, _STEPS + 1)} | {effect})
    sizes = pl.DataFrame(
        {
            "effect": grid,
            "leads": [needed_always_valid(base, one, power=power, arms=arms) for one in grid],
        }
    )
    components.show(
        charts_experiments.power_chart(sizes, effect, mode), "Leads per arm by difference"
    )
