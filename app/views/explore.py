"""What would you like to know?"""

from collections.abc import Callable, Mapping
from io import BytesIO

import polars as pl
import streamlit as st

from app import charts_rates, components, slice_picker
from app.slice_picker import Picked
from app.theme import Drawing
from pipelines.analyses.ask import Answer, ask
from pipelines.lake.free import MOST_ROWS, MOST_SECONDS, free_sql
from pipelines.metrics import catalogue, rates
from pipelines.metrics.ask import SPLITS, Question, splits_of, view_query
from pipelines.metrics.contract import THIN_BELOW, Metric
from pipelines.report.labels import count, interval, percent
from pipelines.report.palette import Mode
from voice_ai.errors import BadInput, VoiceAIError

_METRICS = {metric.title: metric for metric in catalogue.ALL.values() if metric.k and metric.n}
_TITLES = {split.title: split.name for split in SPLITS.values()}
_NONE = "Nothing"
_AUTOMATIC = "Automatic"
_CHARTS = (_AUTOMATIC, "Line", "Bars", "Dots", "Heat map", "Table only")
_SAMPLE = """SELECT list, sum(dials) AS dials, sum(goal) AS goals,
       round(sum(goal) / nullif(sum(human_answered), 0), 4) AS goals_per_human
FROM cube_outcomes GROUP BY list ORDER BY dials DESC"""


def page() -> None:
    picked = slice_picker.picked("What would you like to know?")
    if picked is None:
        return
    mode = components.mode()
    question, kind = _asked(picked)
    try:
        answer = ask(picked.lake, question)
    except BadInput as error:
        st.info(f"{error.message[0].upper()}{error.message[1:]}.", icon=":material/help:")
    except VoiceAIError as error:
        components.unreachable(error)
    else:
        _answered(answer, question, kind, mode)
    _free(picked)


def _asked(picked: Picked) -> tuple[Question, str]:
    """What is chosen, all of it in the address."""
    one, two, three, four = st.columns([3, 2, 2, 2])
    title = one.selectbox("Metric", list(_METRICS), key="metric", bind="query-params")
    metric = _METRICS.get(title or "", rates.ANSWERED_PER_DIAL)
    able = [SPLITS[name].title for name in splits_of(metric)]
    first = two.selectbox(
        "Split by",
        [_NONE, *able],
        index=_first_split(metric, able),
        key="split",
        bind="query-params",
    )
    second = three.selectbox(
        "and by",
        [_NONE, *(name for name in able if name != first)],
        key="and",
        bind="query-params",
        disabled=first in (None, _NONE),
    )
    kind = four.selectbox(
        "Chart",
        _CHARTS,
        key="chart",
        bind="query-params",
        help="Automatic: a line over time, bars along an order, dots by name, a heat map of two.",
    )
    names = [_TITLES[name] for name in (first, second) if name in _TITLES and first != _NONE]
    # Time goes along the chart, whichever of the two was named first.
    names.sort(key=lambda name: SPLITS[name].kind != "time")
    return Question((metric,), tuple(names), picked.part), kind or _AUTOMATIC


def _first_split(metric: Metric, able: list[str]) -> int:
    """Over time where the metric's contract asks for a line, else by list; one after “Nothing”."""
    wanted = SPLITS["day" if metric.chart == "line" else "list"].title
    return able.index(wanted) + 1 if wanted in able else 0


def _answered(answer: Answer, question: Question, kind: str, mode: Mode) -> None:
    (metric,), rows = question.metrics, answer.rows
    total = f"n = {count(int(rows['n'].sum()))}" if rows.height else "n = 0"
    pale = f" · pale or left out: n under {THIN_BELOW}" if question.splits else ""
    with components.card(metric, f"{metric.sentence} {total}{pale}"):
        if rows.is_empty() or int(rows["n"].sum()) == 0:
            components.empty("There is nothing to count in the chosen part.")
        elif not question.splits:
            row = rows.row(0, named=True)
            st.metric(
                metric.title,
                "–" if row["thin"] else percent(row["rate"]),
                label_visibility="collapsed",
            )
            told = "" if row["thin"] else f" · 95 %: {interval(row['low'], row['high'])}"
            st.caption(f"{count(int(row['k']))} of {count(int(row['n']))}{told}")
        else:
            drawn = _drawing(rows, question, kind, mode)
            if drawn is not None:
                components.show(drawn, f"{metric.title} by {' and '.join(question.splits)}")
        if answer.cut:
            st.caption(f"More rows than {count(rows.height)}: the rest is left out.")
        for change in metric.changes:
            st.caption(f"Since {change.since:%d %b %Y}, version {change.version}: {change.what}.")
        _table(rows, question)
        _sql(answer, question)
        st.caption("The address of this page leads back to just this view.")


def _drawing(rows: pl.DataFrame, question: Question, kind: str, mode: Mode) -> Drawing | None:
    (metric,), splits = question.metrics, question.splits
    first, second = splits[0], splits[1] if len(splits) > 1 else None
    time = SPLITS[first].kind == "time"
    if kind == _AUTOMATIC:
        by_kind = {"time": "Line", "ordered": "Bars", "named": "Dots"}
        kind = "Heat map" if second and not time else by_kind[SPLITS[first].kind]
    if kind == "Heat map" and second is None or kind == "Line" and not time:
        st.caption("A heat map needs two splits, a line needs time: dots are shown instead.")
        kind = "Dots"
    if second and kind in ("Bars", "Dots"):
        kind = "Heat map"
    draw: Mapping[str, Callable[[], Drawing]] = {
        "Line": lambda: charts_rates.line_chart(rows, first, metric, mode, second),
        "Bars": lambda: charts_rates.bar_chart(rows, first, metric, mode),
        "Dots": lambda: charts_rates.dot_chart(rows, first, metric, mode),
        "Heat map": lambda: charts_rates.heat_chart(
            rows, *_short_side_first(rows, splits), metric, mode
        ),
    }
    if kind == "Line" and second and rows[second].n_unique() > charts_rates.MOST_SERIES:
        st.caption(f"The {charts_rates.MOST_SERIES} with the most are drawn, the table has all.")
    return draw[kind]() if kind in draw else None


def _short_side_first(rows: pl.DataFrame, splits: tuple[str, ...]) -> tuple[str, str]:
    """Down and along: a heat map is wider than high."""
    down, along = sorted(splits, key=lambda name: rows[name].n_unique())
    return down, along


def _table(rows: pl.DataFrame, question: Question) -> None:
    """Every number that is drawn; as CSV and as Parquet."""
    names = {name: SPLITS[name].title for name in question.splits}
    told = {"k": "Count", "n": "n", "rate": "Rate", "low": "95 % from", "high": "95 % to"}
    shown = rows.with_columns(
        charts_rates.label_of(rows[name], name).alias(name)
        for name in question.splits
        if SPLITS[name].kind != "time"
    ).with_columns(pl.when(~pl.col("thin")).then(pl.col("rate", "low", "high")))
    file = "-".join((question.metrics[0].name, *question.splits))
    components.table(shown, names | told, file)
    _parquet(rows, file)


def _parquet(rows: pl.DataFrame, file: str) -> None:
    buffer = BytesIO()
    rows.write_parquet(buffer)
    st.download_button(
        "Parquet",
        buffer.getvalue(),
        file_name=f"{file}.parquet",
        mime="application/vnd.apache.parquet",
        key=f"parquet {file}",
        on_click="ignore",
        icon=":material/download:",
    )


def _sql(answer: Answer, question: Question) -> None:
    with st.expander("SQL", icon=":material/code:"):
        st.caption("Over the lake: runs as it is below, in a notebook, or with `voice-ai lake sql`")
        st.code(answer.query.text, language="sql", wrap_lines=True)
        try:
            text = view_query(question).text
        except BadInput as error:
            st.caption(f"{error.message[0].upper()}{error.message[1:]}.")
            return
        st.caption("The same over Postgres' views, from every row: slower, and the same numbers")
        st.code(text, language="sql", wrap_lines=True)


def _free(picked: Picked) -> None:
    """A question of one's own: read only, so many rows, so much time; errors in words."""
    with st.container(border=True):
        st.markdown(
            "**Your own question in SQL**",
            help="One SELECT in DuckDB's SQL over the lake. Tables: "
            + ", ".join(picked.lake.names)
            + ". Moments are UTC; local_hour, local_weekday, local_day are the called person's.",
        )
        st.caption(
            f"Read only · the first {count(MOST_ROWS)} rows · at most {MOST_SECONDS:.0f} s · of "
            "every campaign, whatever is chosen above"
        )
        with st.form("sql form", border=False):
            text = st.text_area("SQL", _SAMPLE, key="sql", bind="query-params", height=130)
            run = st.form_submit_button("Run", icon=":material/play_arrow:")
        if run or text != _SAMPLE:
            _run(picked, text or "")


def _run(picked: Picked, text: str) -> None:
    try:
        with st.spinner("Asking the lake …"):
            found = free_sql(picked.seen.lake, text)
    except VoiceAIError as error:
        st.error(error.message, icon=":material/error:")
        return
    more = f"; there are more than these {count(MOST_ROWS)}" if found.cut else ""
    st.caption(f"{count(found.rows.height)} rows{more}")
    st.dataframe(found.rows, hide_index=True, height=min(38 + 35 * max(found.rows.height, 1), 420))
    left, right = st.columns([1, 6])
    with left:
        st.download_button(
            "CSV",
            _flat(found.rows).write_csv().encode(),
            file_name="answer.csv",
            mime="text/csv",
            on_click="ignore",
            icon=":material/download:",
        )
    with right:
        _parquet(found.rows, "answer")


def _flat(rows: pl.DataFrame) -> pl.DataFrame:
    """As CSV can hold it: lists and structures as text."""
    nested = [name for name, kind in rows.schema.items() if kind.is_nested()]
    return rows.with_columns(
        pl.Series(name, [str(value) for value in rows[name].to_list()]) for name in nested
    )


page()
