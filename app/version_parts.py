"""The parts of the page about one version: figures, slices, gate, plots, where it comes from."""

from collections.abc import Sequence

import polars as pl
import streamlit as st

from app import components, model_frames
from app.charts_models import (
    calibration_chart,
    confusion_chart,
    rejection_chart,
    slices_chart,
    windows_chart,
)
from app.model_frames import ABOUT, FIGURES, LESS_IS_BETTER, Compared
from ml.gates import Check
from ml.registry import CHAMPION
from ml.registry_records import Told
from ml.tasks import HEARD, TASKS
from pipelines.report.labels import words

_SHOWN = 5
_SIGNS = {
    True: (":green[:material/check_circle:]", "passed"),
    False: (":red[:material/cancel:]", "failed"),
    None: (":gray[:material/help:]", "open"),
}


def figures(told: Told, other: Told | None) -> None:
    """The first row; the arrow is the difference to the other version on the same rows."""
    rows = model_frames.compared(told, other)[:_SHOWN]
    if not rows:
        components.empty("Its run recorded no figure that these pages know.")
        return
    for column, row in zip(st.columns(len(rows), gap="small"), rows, strict=True):
        with column.container(border=True, height="stretch"):
            st.markdown(FIGURES[row.name], help=ABOUT[row.name])
            change = None if row.theirs is None else f"{row.ours - row.theirs:+.3f}"
            st.metric(
                FIGURES[row.name],
                f"{row.ours:.3f}",
                change,
                delta_color="inverse" if row.name in LESS_IS_BETTER else "normal",
                label_visibility="collapsed",
            )
            st.caption("  \n".join(_about(row, told, other)))


def _about(row: Compared, told: Told, other: Told | None) -> list[str]:
    lines = [f"n = {told.n:,} held-out rows" if told.n else "n was not recorded"]
    if row.low is not None and row.high is not None:
        lines.append(f"95 %: {row.low:.3f} to {row.high:.3f}")
    if row.theirs is not None and other is not None:
        lines.append(f"arrow: vs version {other.version.version}")
    return lines


def slices(told: Told, other: Told | None) -> None:
    with st.container(border=True, height="stretch"):
        st.markdown(
            "**Where is it right, and where not?**",
            help="Share of the rows of each slice that were answered rightly (of a label: its "
            "recall), with the 95 % Wilson interval. Fewer than twenty rows are pale.",
        )
        kinds = model_frames.slice_kinds(told.judged)
        if not kinds:
            components.empty("Its run recorded no slices; train it again.")
            return
        kind = st.segmented_control(
            "Slices by",
            kinds,
            format_func=words,
            default=kinds[0],
            key="slices",
            bind="query-params",
            required=True,
        )
        ours = model_frames.slices(told.judged, kind)
        same = other is not None and model_frames.same_rows(told.judged, other.judged)
        theirs = model_frames.slices(other.judged, kind) if same and other else None
        st.caption(_slices_about(ours, other, same=same))
        names = (
            f"version {told.version.version}",
            f"version {other.version.version}" if other else "",
        )
        chart = slices_chart(ours, theirs, components.mode(), names=names)
        components.show(chart, f"Share that was right by {kind}")


def _slices_about(ours: pl.DataFrame, other: Told | None, *, same: bool) -> str:
    about = f"n = {int(ours['n'].sum()):,} rows in {ours.height} slices, n of each at the right"
    if other is None or same:
        return about
    return f"{about} · version {other.version.version} was judged on other rows, so it is not drawn"


def gate(told: Told, checks: Sequence[Check] | None) -> None:
    with st.container(border=True):
        state = told.version.gate or "not judged"
        st.markdown(
            f"**Gate: {state}**",
            help="Every check of its last gate on the task's own held-out rows; an open one had "
            "nothing to be judged by and holds nobody back.",
        )
        against = told.version.gate_against
        st.caption(f"held against version {against}" if against else "held against no version")
        if checks is None:
            components.empty(
                "No checks are recorded; “Judge” makes them."
                if told.version.task in HEARD
                else "It was judged while it was trained: the card says how."
            )
            return
        failed = [one for one in checks if one.passed is False]
        for one in failed:
            st.markdown(f"{_SIGNS[False][0]} {components.plain(one.detail)}")
        st.dataframe(
            pl.DataFrame(
                {
                    "Check": [FIGURES.get(one.name, words(one.name)) for one in checks],
                    "Result": [_SIGNS[one.passed][1] for one in checks],
                    "In words": [one.detail for one in checks],
                    "Figure": [one.figure for one in checks],
                    "Limit": [one.limit for one in checks],
                },
                schema_overrides={"Figure": pl.Float64, "Limit": pl.Float64},
            ),
            hide_index=True,
            column_config={
                name: st.column_config.NumberColumn(format="%.3f") for name in ("Figure", "Limit")
            },
            height=min(38 + 35 * len(checks), 300),
            placeholder="–",
            alt="Checks of the gate",
        )


def against(told: Told, other: Told | None, checks: Sequence[Check] | None) -> None:
    """Side by side; the paired interval is the gate's, where it was held against the other."""
    with st.container(border=True):
        st.markdown(
            f"**Against {_name(other)}**",
            help="Figures of both versions' own runs where both were judged on the same rows.",
        )
        if other is None:
            components.empty("There is no other version to hold it against.")
            return
        name = other.version.version
        paired = next((one for one in checks or () if one.name == "champion"), None)
        if paired is not None and paired.interval and told.version.gate_against == name:
            low, high = paired.interval
            figure = TASKS[told.version.task].limits.main
            st.markdown(
                f"{FIGURES.get(figure, figure)} {paired.figure:+.3f}, 95 % paired interval "
                f"{low:+.3f} to {high:+.3f}: {_verdict(low, high)}."
            )
        rows = model_frames.compared(told, other)
        if all(row.theirs is None for row in rows):
            components.empty(
                f"Version {name} was judged on other rows: only the gate compares on the same."
            )
            return
        st.dataframe(
            pl.DataFrame(
                {
                    "Figure": [FIGURES[row.name] for row in rows],
                    f"Version {told.version.version}": [row.ours for row in rows],
                    f"Version {name}": [row.theirs for row in rows],
                    "Difference": [
                        None if row.theirs is None else row.ours - row.theirs for row in rows
                    ],
                },
                schema_overrides={f"Version {name}": pl.Float64, "Difference": pl.Float64},
            ),
            hide_index=True,
            column_config={
                f"Version {told.version.version}": st.column_config.NumberColumn(format="%.3f"),
                f"Version {name}": st.column_config.NumberColumn(format="%.3f"),
                "Difference": st.column_config.NumberColumn(format="%+.3f"),
            },
            placeholder="–",
            alt="Both versions side by side",
        )


def _name(other: Told | None) -> str:
    if other is None:
        return "the champion"
    is_champion = CHAMPION in other.version.aliases
    return f"{'the champion, ' if is_champion else ''}version {other.version.version}"


def _verdict(low: float, high: float) -> str:
    if low > 0:
        return "it is better"
    return "it is worse" if high < 0 else "the rows do not tell them apart"


def in_time(told: Told) -> None:
    """Of a model judged inside windows of time: its gain over the rate known before each."""
    rows = model_frames.windows(told.judged)
    if rows.is_empty():
        return
    with st.container(border=True):
        st.markdown(
            "**Does it beat the rate that was known anyway?**",
            help="In each window of time, log loss of the rate of the window before less the "
            "model's, with its 95 % interval; above the dashed line the model is better.",
        )
        st.caption(f"n = {int(rows['n'].sum()):,} held-out rows in {rows.height} windows")
        components.show(
            windows_chart(rows, components.mode()), "Gain over the base rate by window of time"
        )


def plots(told: Told) -> None:
    """Reliability, rejection where there is one, and what is taken for what."""
    judged = told.judged
    curve, pairs = model_frames.rejection(judged), model_frames.confusions(judged)
    wrong = pairs.filter(pl.col("truth") != pl.col("given")).sort("n", descending=True)
    left, right = st.columns(2, gap="small")
    with left:
        _reliability(model_frames.calibration(judged))
    with right:
        if not curve.is_empty():
            _rejection(told, curve)
        elif not wrong.is_empty():
            with st.container(border=True, height="stretch"):
                st.markdown("**Which mistakes are the commonest?**")
                _mistakes(wrong)
    with st.container(border=True):
        st.markdown(
            "**What does it take for what?**",
            help="A row per true label; the shade is the share of its rows. Of the mistakes the "
            "forty commonest are kept.",
        )
        if pairs.is_empty():
            components.empty(
                "Rows may have several labels here, so none is taken for another; the slices by "
                "label tell more."
                if judged.get("multi_label")
                else "Its run recorded no confusions; train it again."
            )
            return
        st.caption(f"n = {int(wrong['n'].sum()):,} mistakes of {told.n or 0:,} held-out rows")
        components.show(confusion_chart(pairs, components.mode()), "Confusions of labels")
        if not curve.is_empty() and not wrong.is_empty():
            with st.expander("Table", icon=":material/table:"):
                _mistakes(wrong)


def _mistakes(wrong: pl.DataFrame) -> None:
    st.dataframe(
        wrong.select(
            pl.col("truth").alias("It was"),
            pl.col("given").alias("It said"),
            pl.col("n").alias("Rows"),
            pl.col("share").alias("Share of its rows"),
        ),
        hide_index=True,
        height=min(38 + 35 * wrong.height, 350),
        column_config={"Share of its rows": st.column_config.NumberColumn(format="percent")},
        alt="Mistakes, the commonest first",
    )


def _reliability(bins: pl.DataFrame) -> None:
    with st.container(border=True, height="stretch"):
        st.markdown(
            "**Does it know how sure it may be?**",
            help="Bins of equal mass: the probability it stated and the share that was right; on "
            "the dashed line both are the same. A dot is as large as its bin.",
        )
        if bins.is_empty():
            components.empty("Its run recorded no calibration; train it again.")
            return
        st.caption(f"n = {int(bins['n'].sum()):,} answers in {bins.height} bins")
        components.show(
            calibration_chart(bins, components.mode()), "Stated probability and share right"
        )


def _rejection(told: Told, curve: pl.DataFrame) -> None:
    with st.container(border=True, height="stretch"):
        st.markdown(
            "**What does rejecting cost?**",
            help="Every threshold from rejecting nothing to rejecting everything: what belongs "
            "to no label and was rejected, against what belongs to one and was answered rightly.",
        )
        outside = (told.judged.get("rejecting") or {}).get("n_outside")
        st.caption(f"n = {outside:,} rows that belong to no label" if outside else "")
        at = (told.metrics.get("oos_recall"), told.metrics.get("in_scope_accuracy"))
        here = (at[0], at[1]) if at[0] is not None and at[1] is not None else None
        components.show(
            rejection_chart(curve, here, components.mode()), "In-scope accuracy and rejection"
        )


def provenance(told: Told) -> None:
    """Which data and settings it comes from, by hash."""
    one, judged = told.version, told.judged
    with st.container(border=True):
        st.markdown("**Where does it come from?**")
        rows = {
            "Data": told.dataset,
            "SHA-256 of the data": one.dataset_sha256,
            "SHA-256 of the held-out rows": judged.get("dataset_sha256"),
            "SHA-256 of its manifest": one.manifest_sha256,
            "Run": one.run_id,
            **{words(name): value for name, value in sorted(told.params.items())},
        }
        st.dataframe(
            pl.DataFrame(
                {
                    "What": list(rows),
                    "Value": [None if v is None else str(v) for v in rows.values()],
                }
            ),
            hide_index=True,
            height=min(38 + 35 * len(rows), 320),
            placeholder="–",
            alt="Provenance",
        )
        for leak in judged.get("leaks", ()):
            st.warning(components.plain(str(leak)), icon=":material/water_drop:")
