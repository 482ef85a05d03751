"""How calls are judged, as cards of the page on conversations: abandonment, verdicts on who
answered, the scorecard."""

import polars as pl
import streamlit as st

from app import charts_standing, components
from app.call_links import calls_link
from app.slice_picker import Picked
from app.talk_readings import Talk
from pipelines.metrics import abandonment, answering, quality, steps
from pipelines.report.labels import milliseconds, percent
from pipelines.report.palette import Mode


def abandonment_cards(picked: Picked, found: Talk, mode: Mode) -> None:
    share = abandonment.abandoned_share(found.abandoned).row(0, named=True)
    left, right = st.columns([1, 2], gap="small")
    with left, components.card(abandonment.ABANDONED, f"n = {share['n']:,} human answered"):
        if share["rate"] is None:
            components.empty("No person picked up yet.")
        else:
            st.metric("Share", percent(share["rate"]), label_visibility="collapsed")
            components.show(
                charts_standing.gauge_chart(share["rate"], share["low"], share["high"], mode),
                "Abandoned against the rule's 3 %",
            )
            _ofcom(found)
    with right, components.card(abandonment.ABANDONED, "30 days up to each day, by campaign"):
        rolled = found.rolling.join(found.names, on="campaign_id", how="left")
        if rolled.filter(~pl.col("thin")).is_empty():
            components.empty("No campaign has twenty human-answered calls in 30 days yet.")
            return
        components.show(charts_standing.rolling_chart(rolled, mode), "Abandoned, 30 days")
        worst = abandonment.worst(rolled).filter(~pl.col("thin"))
        over = worst.filter("over").height
        components.empty(
            f"Last day: {over} of {worst.height} campaigns above 3 %. Lists and arms do not narrow "
            "this: the rule is about whole campaigns."
        )
        names = {
            "campaign": "Campaign",
            "day": "30 days to",
            "k": "Abandoned",
            "n": "n, human answered",
            "rate": "Share",
            "low": "95 % from",
            "high": "95 % to",
        }
        components.table(worst, names, "abandonment")
        calls_link(picked, "Calls in which no agent was heard", outcome="abandoned")


def _ofcom(found: Talk) -> None:
    sums = found.abandoned.select(pl.col("abandoned", "human", "machines").sum()).row(0)
    drops, human, machines = sums
    rate = abandonment.ofcom_rate(drops, human - drops, machines)
    st.markdown(f"By Ofcom's formula: {percent(rate)}", help=abandonment.OFCOM.sentence)
    components.empty(
        "The formula is for drops of which nobody knows who answered; ours are known to be people, "
        "so it is below our share. No figure is a safe harbour in the United Kingdom."
    )


def answering_card(found: Talk, mode: Mode) -> None:
    n = int(found.verdicts["calls"].sum())
    with components.card(answering.FALSE_MACHINE, f"n = {n:,} answered calls"):
        judge = st.segmented_control(
            "Verdict",
            ["own", "carrier"],
            default="own",
            format_func={"own": "Our own", "carrier": "The carrier's"}.__getitem__,
            label_visibility="collapsed",
            key="judge",
            bind="query-params",
        )
        chosen: answering.Judge = "carrier" if judge == "carrier" else "own"
        cells = answering.confusion(found.verdicts, chosen)
        components.show(charts_standing.confusion_chart(cells, mode), "Verdicts against the calls")
        components.empty(
            "Truth is only the first column: a person who talked. A machine proves nothing: the "
            "final word is made from the verdicts, and who was hung up on could not talk."
        )
        _verdict_table(found)


def _verdict_table(found: Talk) -> None:
    rows = answering.qualities(found.verdicts).with_columns(
        title=pl.col("what").replace_strict(
            {name: metric.title for name, metric in answering.OF_WHAT.items()},
            return_dtype=pl.String,
        ),
        against=pl.when("truth").then(pl.lit("truth")).otherwise(pl.lit("final word, not truth")),
    )
    for judge, counts in (("Our own", found.own_ms), ("The carrier's", found.carrier_ms)):
        times = steps.percentiles(counts, "calls", (0.5, 0.9))
        if times.height:
            middle, high = times["value"]
            st.markdown(
                f"{judge} verdict: median {milliseconds(middle)}, p90 {milliseconds(high)} "
                f"(n = {times['n'][0]:,})",
                help=answering.TIME_TO_VERDICT.sentence,
            )
    agreed = answering.both(found.verdicts)
    if agreed.kappa is not None:
        st.markdown(
            f"The two agree in {percent(agreed.observed)} of {agreed.n:,} calls, κ = "
            f"{agreed.kappa:.2f}",
            help="Cohen's kappa: agreement beyond chance, where both gave a verdict.",
        )
    names = {
        "judge": "Verdict",
        "title": "What",
        "against": "Against",
        "k": "Calls",
        "n": "n",
        "rate": "Share",
        "low": "95 % from",
        "high": "95 % to",
    }
    components.table(rows, names, "verdicts")


def quality_card(found: Talk, mode: Mode) -> None:
    score = quality.mean_score(found.judged).row(0, named=True)
    judged = int(found.judged["judged"].sum()) if found.judged.height else 0
    with components.card(quality.GATE_FAILURES, f"n = {judged:,} judged calls"):
        if not judged:
            components.empty("No call was judged by the scorecard in this part of the history.")
            return
        sums = quality.fit_for_a_chart(found.judged)
        step = "days" if sums.equals(found.judged) else "weeks"
        days = quality.control_chart(sums)
        components.show(charts_standing.control_chart(days, mode), f"Failed gates, {step}")
        out = days.filter("out").height
        components.empty(
            f"{out} of {days.filter(~pl.col('thin')).height} {step} with enough judged calls are "
            f"outside of the limits. Pale {step} have fewer than twenty."
        )
        if score["value"] is not None:
            bounds = (
                "" if score["low"] is None else f", 95 %: {score['low']:.1f}–{score['high']:.1f}"
            )
            st.markdown(
                f"Mean score {score['value']:.1f} of 100 (n = {score['n']:,}{bounds})",
                help=quality.SCORE.sentence,
            )
        names = {
            "day": "Day",
            "k": "Failed a gate",
            "n": "n, judged",
            "rate": "Share",
            "low": "95 % from",
            "high": "95 % to",
            "lower": "Lower limit",
            "upper": "Upper limit",
            "out": "Outside",
        }
        components.table(days, names, "quality")
        st.page_link("views/listening.py", label="Listen to calls", icon=":material/hearing:")
