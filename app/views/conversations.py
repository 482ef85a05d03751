"""What happens inside calls?"""

import polars as pl
import streamlit as st

from app import charts_conversations, components, figure_row, slice_picker
from app import talk_readings as readings
from app.call_links import calls_link
from app.slice_picker import Picked
from app.standing_cards import abandonment_cards, answering_card, quality_card
from app.talk_figures import RATIOS, figures
from app.talk_readings import Talk
from pipelines.analyses import conversations as talk
from pipelines.metrics import conversations, script_nodes, steps
from pipelines.metrics.definitions import TURN_LATENCY
from pipelines.metrics.flow_layout import flow
from pipelines.report.labels import words
from pipelines.report.palette import Mode

_NODES = {
    "node": "Node",
    "reached": "n, calls",
    "ended": "Ended here",
    "hung_up": "Hung up here",
    "rate": "Hung up",
    "low": "95 % from",
    "high": "95 % to",
    "goals": "Goal in the end",
    "cut": "Interrupted",
    "agent_turns": "Agent turns",
    "dwell_s": "Seconds, mean",
}


def _page(picked: Picked) -> None:
    _shown(picked, readings.talked(picked))


def _shown(picked: Picked, found: Talk) -> None:
    if found.abandoned.is_empty() and found.verdicts.is_empty():
        st.info(
            "Nobody picked up in this part of the history. Widen the filters, or make calls first.",
            icon=":material/forum:",
        )
        return
    mode = components.mode()
    figure_row.row(figures(found))
    _script(picked, found, mode)
    left, right = st.columns(2, gap="small")
    with left:
        _waits(found, mode)
    with right:
        _hours(found, mode)
    left, right = st.columns(2, gap="small")
    with left:
        _lengths(found, mode)
    with right:
        _speech(found, mode)
    abandonment_cards(picked, found, mode)
    left, right = st.columns(2, gap="small")
    with left:
        answering_card(found, mode)
    with right:
        quality_card(found, mode)


def _script(picked: Picked, found: Talk, mode: Mode) -> None:
    scripts = found.scripts["script"].to_list()
    if not scripts:
        with components.card(script_nodes.DROP_OFF, "no turn with a script node"):
            components.empty("The script's nodes appear here after the first conversations.")
        return
    script = scripts[0]
    if len(scripts) > 1:
        script = st.segmented_control(
            "Script", scripts, default=scripts[0], key="script", bind="query-params"
        )
        script = script or scripts[0]
    nodes, ways = readings.flow(picked, script)
    reached = int(nodes["reached"].max() or 0)  # type: ignore[arg-type]
    about = f"script {words(script)} · n = {reached:,} human-answered calls with a turn"
    with components.card(script_nodes.DROP_OFF, about):
        drawn = flow(nodes, ways)
        components.show(
            charts_conversations.flow_chart(drawn, mode), "How calls went through the script"
        )
        if drawn.left_out.height:
            back = int(drawn.left_out["calls"].sum())
            components.empty(f"{back:,} ways back to an earlier node are not drawn.")
        components.table(nodes, _NODES, "script-nodes")
        calls_link(picked, "Calls in which the person hung up early", outcome="human_hangup")


def _waits(found: Talk, mode: Mode) -> None:
    latency = talk.waits(found.waits)
    with components.card(
        TURN_LATENCY, f"n = {latency.n:,} answers · {latency.unmeasured:,} unmeasured"
    ):
        if not latency.n:
            components.empty("No answer was measured yet.")
            return
        curve = talk.wait_curve(found.waits)
        components.show(
            charts_conversations.wait_chart(curve, latency, mode), "Time to answer the person"
        )
        late = curve.filter(pl.col("at") > 3000)["share"].len()
        if late:
            components.empty("Answers after three seconds are in the table.")
        components.table(
            curve, {"at": "At most, ms", "share": "Share", "n": "n, answers"}, "answer-times"
        )


def _hours(found: Talk, mode: Mode) -> None:
    n = int(found.waits_by_hour.filter(pl.col("p") == 0.5)["n"].sum())
    with components.card(TURN_LATENCY, f"by the called person's hour · n = {n:,} answers"):
        if not n:
            components.empty("No answer was measured yet.")
            return
        components.show(
            charts_conversations.wait_hours_chart(found.waits_by_hour, mode),
            "Time to answer by hour",
        )
        names = {
            "local_hour": "Hour",
            "p": "Percentile",
            "value": "ms",
            "low": "95 % from",
            "high": "95 % to",
            "n": "n, answers",
        }
        rows = found.waits_by_hour.with_columns(
            pl.format("p{}", (100 * pl.col("p")).cast(pl.Int64)).alias("p")
        )
        components.table(rows.rename({"low": "from", "high": "to"}), _plain(names), "answer-hours")


def _plain(names: dict[str, str]) -> dict[str, str]:
    """Columns that are no shares: the table would write them in per cent."""
    return {{"low": "from", "high": "to"}.get(key, key): name for key, name in names.items()}


def _lengths(found: Talk, mode: Mode) -> None:
    rows = steps.percentiles(found.lengths, "calls", conversations.PERCENTILES)
    n = int(rows["n"][0]) if rows.height else 0
    longest = steps.percentiles(found.longest, "calls", conversations.PERCENTILES)
    with components.card(conversations.HANDLE_TIME, f"n = {n:,} conversations"):
        if not n:
            components.empty("No conversation was measured yet.")
            return
        marks = rows["value"].to_list()
        components.show(
            charts_conversations.steps_chart(
                found.lengths, 1, "seconds from answer to end; lines: median, p90", mode, marks
            ),
            "Length of conversations",
        )
        if longest.height:
            middle, high = longest["value"]
            st.markdown(
                f"Longest monologue: median {middle:,.0f} s, p90 {high:,.0f} s",
                help=conversations.LONGEST_TURN.sentence,
            )
        names = {"step": "Seconds", "calls": "Conversations"}
        by_step = found.lengths.group_by("step").agg(pl.col("calls").sum()).sort("step")
        components.table(by_step, names, "handle-time")


def _speech(found: Talk, mode: Mode) -> None:
    measured = int(found.shares.drop_nulls("step")["calls"].sum())
    with components.card(conversations.AGENT_SPEECH, f"n = {measured:,} conversations"):
        if not measured:
            components.empty("Who spoke how long was not measured yet.")
            return
        ratio = st.segmented_control(
            "Of",
            list(RATIOS),
            default="agent_speech",
            format_func=lambda name: RATIOS[name].title,
            label_visibility="collapsed",
            key="ratio",
            bind="query-params",
        )
        metric = RATIOS[ratio or "agent_speech"]
        rows = conversations.quotients(
            found.ratios.filter(pl.col("ratio") == (ratio or "agent_speech")), "outcome"
        )
        st.markdown(f"{metric.title}, by what came of the call", help=metric.sentence)
        components.show(
            charts_conversations.outcome_ratio_chart(rows, metric.title.lower(), mode),
            metric.title,
        )
        if metric is conversations.AGENT_SPEECH:
            title = "agent's share of speech in a conversation, %"
            components.show(
                charts_conversations.steps_chart(found.shares, 5, title, mode), "Agent's share"
            )
        names = {
            "outcome": "Outcome",
            "value": "Quotient",
            "low": "95 % from",
            "high": "95 % to",
            "n": "n, conversations",
        }
        components.table(rows, names, f"speech-{ratio}")


slice_picker.ask("What happens inside calls?", _page)
