"""What an import did, or would do, on any page that shows one."""

from pathlib import Path

import polars as pl
import streamlit as st

from app import charts, components
from pipelines.imports import ImportReport
from pipelines.report.labels import words


def judgement(report: ImportReport) -> None:
    st.subheader("What importing it would do" if report.dry_run else "What was imported")
    figures = (
        ("Rows in the file", report.rows, report.format),
        ("Accepted", report.accepted, f"of {report.rows:,} rows"),
        ("Again in the file", report.duplicates, f"of {report.rows:,} rows"),
        ("On the list already", report.already_in_list, f"of {report.rows:,} rows"),
        ("Refused", report.rejected, f"of {report.rows:,} rows"),
    )
    for column, (label, value, about) in zip(st.columns(5), figures, strict=True):
        with column.container(border=True, height="stretch"):
            st.metric(label, f"{value:,}")
            st.caption(about)
    rows = outcomes(report)
    mode = components.mode()
    components.show(
        charts.count_chart(rows, "what", "rows", "Rows", mode), "Rows of the file by what became"
    )
    components.table(rows, {"what": "What", "rows": "Rows"}, "import")
    for warning in report.warnings:
        st.caption(f"Note: {warning}.")
    if report.refused_sample:
        _sample(report)


def _sample(report: ImportReport) -> None:
    total = report.rows - report.accepted
    shown = len(report.refused_sample)
    st.markdown(f"**Rows that would not be imported** ({shown} of {total:,})")
    st.dataframe(
        pl.DataFrame(
            {
                "Line": [row.line for row in report.refused_sample],
                "Field": [row.field for row in report.refused_sample],
                "Reason": [words(row.reason) for row in report.refused_sample],
                "What is wrong": [row.explanation for row in report.refused_sample],
                "Value, masked": [row.value_masked for row in report.refused_sample],
            }
        ),
        hide_index=True,
        height=min(38 + 35 * shown, 400),
        alt="A sample of the rows that would not be imported",
    )


def rejects_download(file: str | None, run_id: str | None) -> None:
    if file is None:
        st.caption("No row was refused.")
        return
    path = Path(file)
    if not path.is_file():
        st.caption("The file of refused rows is not on this machine.")
        return
    st.download_button(
        "Download the refused rows",
        path.read_bytes,
        file_name=path.name,
        mime="text/csv",
        on_click="ignore",
        key=f"rejects {run_id}",
        icon=":material/download:",
        help="Line, field, reason and the value as it stood in the file, not masked.",
    )


def outcomes(report: ImportReport) -> pl.DataFrame:
    """what, rows: what became, or would become, of every row of the file."""
    counts = {
        "accepted": report.accepted,
        "duplicate_in_file": report.duplicates,
        "duplicate_in_list": report.already_in_list,
        **dict(sorted(report.rejected_by_reason.items(), key=lambda one: -one[1])),
    }
    return pl.DataFrame(
        {"what": list(counts), "rows": list(counts.values())},
        schema={"what": pl.String(), "rows": pl.Int64()},
    )
