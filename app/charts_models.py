"""Charts of model versions. Pure: frames in, drawings out; a thin row is pale everywhere."""

from collections.abc import Sequence

import altair as alt
import polars as pl

from app.theme import Drawing, ink, themed
from pipelines.report.labels import words
from pipelines.report.palette import OUTCOME_COLOURS, PLAIN, Colour, Mode

_STEP = 24
_CELL = 24
_NUMBERED = 14
# A page fits a chart with its axis into the height that is given.
_AXIS = 60
# The version that another is held against: as quiet as what was never reached.
AGAINST = OUTCOME_COLOURS["unanswered"]
STATES = {
    "serves": OUTCOME_COLOURS["goal"],
    "passed": PLAIN,
    "failed": OUTCOME_COLOURS["opted_out"],
    "not judged": AGAINST,
}


def versions_chart(rows: pl.DataFrame, title: str, mode: Mode) -> Drawing:
    """A dot per version with its 95 % interval, in the order in which they were trained.

    Columns version, value, low, high, n, state (of `STATES`).
    """
    x = alt.X(
        "version:N", sort=rows["version"].to_list(), title="version", axis=alt.Axis(labelAngle=0)
    )
    floor = min([*rows["low"].drop_nulls(), *rows["value"], 0.9])
    scale = alt.Scale(domain=[max(0.0, floor - 0.05), 1.0], nice=False, clamp=True)
    states = [name for name in STATES if name in set(rows["state"])]
    colours = alt.Scale(domain=states, range=[STATES[name].on(mode) for name in states])
    base = alt.Chart(rows).encode(
        x=x,
        color=alt.Color("state:N", scale=colours, sort=states),
        tooltip=[
            alt.Tooltip("version:N", title="Version"),
            alt.Tooltip("state:N", title="State"),
            alt.Tooltip("value:Q", title=title, format=".3f"),
            alt.Tooltip("low:Q", title="95 % from", format=".3f"),
            alt.Tooltip("high:Q", title="95 % to", format=".3f"),
            alt.Tooltip("n:Q", title="n, held-out rows", format=","),
        ],
    )
    rules = base.mark_rule(strokeWidth=2, opacity=0.7).encode(
        y=alt.Y("low:Q", title=title, scale=scale), y2="high:Q"
    )
    dots = base.mark_point(filled=True, size=90, opacity=1).encode(y=alt.Y("value:Q", scale=scale))
    return themed((rules + dots).properties(height=230), mode)


def slices_chart(
    ours: pl.DataFrame,
    theirs: pl.DataFrame | None,
    mode: Mode,
    *,
    names: tuple[str, str] = ("this version", "the other"),
) -> Drawing:
    """The share that was right in each slice with its 95 % interval; below it another version's.

    Columns name, n, rate, low, high, thin.
    """
    shown = [names[0]] if theirs is None else list(names)
    rows = _under_each_other(ours, theirs, shown)
    tint: list[Colour] = [PLAIN, AGAINST]
    colours = alt.Scale(domain=shown, range=[one.on(mode) for one in tint[: len(shown)]])
    order = [words(name) for name in ours["name"]]
    base = alt.Chart(rows).encode(
        y=alt.Y("label:N", sort=order, title=None, axis=alt.Axis(labelLimit=220)),
        yOffset=alt.YOffset("which:N", sort=shown),
        color=alt.Color(
            "which:N",
            scale=colours,
            sort=shown,
            legend=None if theirs is None else alt.Undefined,
        ),
        opacity=alt.condition("datum.thin", alt.value(0.4), alt.value(1.0)),
        tooltip=[
            alt.Tooltip("label:N", title="Slice"),
            alt.Tooltip("which:N", title="Version"),
            alt.Tooltip("rate:Q", title="Right", format=".1%"),
            alt.Tooltip("low:Q", title="95 % from", format=".1%"),
            alt.Tooltip("high:Q", title="95 % to", format=".1%"),
            alt.Tooltip("n:Q", title="n, rows", format=","),
        ],
    )
    least = min([*rows["low"].drop_nulls(), *rows["rate"].drop_nulls(), 0.9])
    scale = alt.Scale(domain=[max(0.0, least - 0.05), 1.0], nice=False)
    title, axis = "share that was right", alt.Axis(format="%", tickCount=6)
    rules = base.mark_rule(strokeWidth=2).encode(
        x=alt.X("low:Q", title=title, axis=axis, scale=scale), x2="high:Q"
    )
    dots = base.mark_point(filled=True, size=60).encode(
        x=alt.X("rate:Q", title=title, axis=axis, scale=scale)
    )
    texts = (
        alt.Chart(rows.filter(pl.col("which") == names[0]))
        .mark_text(align="left", dx=6)
        .encode(
            y=alt.Y("label:N", sort=order),
            x=alt.value("width"),
            text=alt.Text("n:Q", format=","),
            opacity=alt.condition("datum.thin", alt.value(0.4), alt.value(0.8)),
        )
    )
    step = _STEP if theirs is None else _STEP + 12
    return themed((rules + dots + texts).properties(height=_AXIS + step * ours.height), mode)


def _under_each_other(
    ours: pl.DataFrame, theirs: pl.DataFrame | None, names: Sequence[str]
) -> pl.DataFrame:
    """The slices of both in one frame, those of ours only; `which` says whose a row is."""
    both = [ours] if theirs is None else [ours, theirs]
    rows = pl.concat(
        part.with_columns(
            which=pl.lit(name),
            label=pl.col("name").map_elements(words, return_dtype=pl.String),
        )
        for name, part in zip(names, both, strict=True)
    )
    return rows.filter(pl.col("name").is_in(ours["name"].to_list()))


def calibration_chart(bins: pl.DataFrame, mode: Mode) -> Drawing:
    """What was said against what came true, a dot per bin as large as its rows. Columns n, said,
    right."""
    scale = alt.Scale(domain=[0, 1])
    axis = alt.Axis(format="%", tickCount=5)
    ideal = pl.DataFrame({"said": [0.0, 1.0], "right": [0.0, 1.0]})
    line = (
        alt.Chart(ideal)
        .mark_line(color=ink(mode), strokeDash=[4, 4], opacity=0.5)
        .encode(x="said:Q", y="right:Q")
    )
    base = alt.Chart(bins).encode(
        x=alt.X("said:Q", title="stated probability", scale=scale, axis=axis),
        y=alt.Y("right:Q", title="share that was right", scale=scale, axis=axis),
    )
    path = base.mark_line(color=PLAIN.on(mode), opacity=0.5)
    dots = base.mark_circle(color=PLAIN.on(mode), opacity=0.85).encode(
        size=alt.Size("n:Q", legend=None, scale=alt.Scale(range=[40, 260], domainMin=0)),
        opacity=alt.condition("datum.n < 20", alt.value(0.4), alt.value(0.85)),
        tooltip=[
            alt.Tooltip("said:Q", title="Stated", format=".1%"),
            alt.Tooltip("right:Q", title="Right", format=".1%"),
            alt.Tooltip("n:Q", title="n, answers", format=","),
        ],
    )
    return themed((line + path + dots).properties(height=300), mode)


def confusion_chart(pairs: pl.DataFrame, mode: Mode) -> Drawing:
    """Rows are the truth, columns what was given, shade the share of the truth's rows.

    Columns truth, given, n, share. What was right is framed; the numbers are rows.
    """
    labels = sorted({*pairs["truth"], *pairs["given"]}, key=words)
    rows = pairs.with_columns(
        truth_word=pl.col("truth").map_elements(words, return_dtype=pl.String),
        given_word=pl.col("given").map_elements(words, return_dtype=pl.String),
        right=pl.col("truth") == pl.col("given"),
    )
    order = [words(label) for label in labels]
    low, high = ("#f3f6fa", PLAIN.light) if mode == "light" else ("#1a2029", PLAIN.dark)
    base = alt.Chart(rows).encode(
        x=alt.X(
            "given_word:N",
            sort=order,
            title="what the model said",
            axis=alt.Axis(labelAngle=-45 if len(labels) <= _NUMBERED else -90, labelLimit=130),
            scale=alt.Scale(domain=order),
        ),
        y=alt.Y(
            "truth_word:N",
            sort=order,
            title="what it was",
            axis=alt.Axis(labelLimit=150),
            scale=alt.Scale(domain=order),
        ),
        tooltip=[
            alt.Tooltip("truth_word:N", title="It was"),
            alt.Tooltip("given_word:N", title="Said"),
            alt.Tooltip("n:Q", title="Rows", format=","),
            alt.Tooltip("share:Q", title="Share of its rows", format=".1%"),
        ],
    )
    cells = base.mark_rect(cornerRadius=2, strokeWidth=1).encode(
        color=alt.Color(
            "share:Q",
            scale=alt.Scale(domain=[0, 1], range=[low, high], type="sqrt"),
            legend=None,
        ),
        stroke=alt.condition("datum.right", alt.value(ink(mode)), alt.value("transparent")),
        strokeOpacity=alt.value(0.35),
    )
    chart: Drawing = cells
    if len(labels) <= _NUMBERED:
        light, dark = ("#ffffff", "#31333f") if mode == "light" else ("#0e1117", "#fafafa")
        chart = cells + base.mark_text(fontSize=11).encode(
            text=alt.Text("n:Q", format=","),
            color=alt.condition("datum.share > 0.45", alt.value(light), alt.value(dark)),
        )
    return themed(chart.properties(height=2 * _AXIS + _CELL * len(labels)), mode)


def rejection_chart(curve: pl.DataFrame, at: tuple[float, float] | None, mode: Mode) -> Drawing:
    """In-scope accuracy against out-of-scope recall over every threshold; `at` is the one in use,
    as (recall, accuracy)."""
    axis = alt.Axis(format="%", tickCount=5)
    scale = alt.Scale(domain=[0, 1])
    line = (
        alt.Chart(curve)
        .mark_line(color=PLAIN.on(mode), point=alt.OverlayMarkDef(color=PLAIN.on(mode), size=18))
        .encode(
            x=alt.X("oos_recall:Q", title="out-of-scope recall", scale=scale, axis=axis),
            y=alt.Y("in_scope_accuracy:Q", title="in-scope accuracy", scale=scale, axis=axis),
            order=alt.Order("oos_recall:Q"),
            tooltip=[
                alt.Tooltip("oos_recall:Q", title="Out-of-scope recall", format=".1%"),
                alt.Tooltip("in_scope_accuracy:Q", title="In-scope accuracy", format=".1%"),
            ],
        )
    )
    if at is None:
        return themed(line.properties(height=300), mode)
    here = pl.DataFrame({"oos_recall": [at[0]], "in_scope_accuracy": [at[1]], "text": ["in use"]})
    mark = alt.Chart(here).encode(x="oos_recall:Q", y="in_scope_accuracy:Q")
    dot = mark.mark_point(filled=True, size=140, color=OUTCOME_COLOURS["goal"].on(mode), opacity=1)
    text = mark.mark_text(align="right", dx=-10, dy=14).encode(text="text:N")
    return themed((line + dot + text).properties(height=300), mode)


def windows_chart(rows: pl.DataFrame, mode: Mode) -> Drawing:
    """Gain over the base rate in each window of time with its 95 % interval; above 0 is better.

    Columns window, n, gain, low, high, auc.
    """
    base = alt.Chart(rows).encode(
        x=alt.X("window:O", title="window of time", axis=alt.Axis(labelAngle=0)),
        tooltip=[
            alt.Tooltip("window:O", title="Window"),
            alt.Tooltip("gain:Q", title="Gain, nats a row", format="+.4f"),
            alt.Tooltip("low:Q", title="95 % from", format="+.4f"),
            alt.Tooltip("high:Q", title="95 % to", format="+.4f"),
            alt.Tooltip("auc:Q", title="AUC", format=".3f"),
            alt.Tooltip("n:Q", title="n, rows", format=","),
        ],
    )
    rules = base.mark_rule(color=PLAIN.on(mode), strokeWidth=2).encode(
        y=alt.Y("low:Q", title="gain over base rate, nats a row"), y2="high:Q"
    )
    dots = base.mark_point(filled=True, size=80, color=PLAIN.on(mode), opacity=1).encode(y="gain:Q")
    nothing = alt.Chart(pl.DataFrame({"at": [0.0]})).mark_rule(
        color=ink(mode), strokeDash=[4, 4], opacity=0.6
    )
    return themed((nothing.encode(y="at:Q") + rules + dots).properties(height=260), mode)
