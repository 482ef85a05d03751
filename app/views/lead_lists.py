"""Whom can we call?"""

from collections.abc import Sequence
from uuid import UUID

import polars as pl
import streamlit as st

from app import charts, components, request_progress, session
from app.import_report import outcomes, rejects_download
from app.queries import leads as queries
from pipelines.imports import ImportReport
from pipelines.report.labels import moment, words
from voice_ai.db.connect import Row
from voice_ai.errors import VoiceAIError

_PAGE = 100
_MOST_ZONES = 12
_ANY = "any"


def page() -> None:
    st.title("Whom can we call?")
    if (request := st.query_params.get("request")) is not None:
        request_progress.follow(request, "Taking the import back", _undone)
        if st.button("Back to the lists", icon=":material/lists:"):
            del st.query_params["request"]
            _lists.clear()
            st.rerun()
        return
    try:
        known = _lists()
    except VoiceAIError as error:
        components.unreachable(error)
        return
    if not known:
        st.info("There is no list yet: import a lead file first.", icon=":material/lists:")
        st.page_link("views/lead_import.py", label="Import", icon=":material/upload_file:")
        return
    names = _names(known)
    chosen = st.selectbox("List", list(names), key="list", bind="query-params")
    lead_list = names.get(chosen or "", known[0])
    try:
        zones, runs = _zones(lead_list["id"]), _imports(lead_list["id"])
    except VoiceAIError as error:
        components.unreachable(error)
        return
    _figures(lead_list, zones)
    _callable(zones)
    _about(lead_list)
    _all_lists(known)
    _runs(lead_list, runs)


@st.cache_data(ttl=session.MOMENT, show_spinner=False)
def _lists() -> list[Row]:
    with session.reading() as connection:
        return queries.lists(connection)


@st.cache_data(ttl=20, show_spinner="Counting leads …")
def _zones(list_id: UUID) -> pl.DataFrame:
    with session.reading() as connection:
        return queries.zones(connection, list_id)


@st.cache_data(ttl=session.MOMENT, show_spinner=False)
def _imports(list_id: UUID) -> list[Row]:
    with session.reading() as connection:
        return queries.imports(connection, list_id)


@st.cache_data(ttl=20, show_spinner=False)
def _rejects(run_id: UUID, reason: str | None, number: int) -> list[Row]:
    with session.reading() as connection:
        return queries.rejects(connection, run_id, reason, number, _PAGE)


def _names(known: Sequence[Row]) -> dict[str, Row]:
    """Two sellers may give their lists the same name."""
    all_names = [one["name"] for one in known]
    return {
        one["name"]
        if all_names.count(one["name"]) == 1
        else f"{one['name']} ({one['seller']})": one
        for one in known
    }


def _figures(lead_list: Row, zones: pl.DataFrame) -> None:
    leads, free = int(zones["leads"].sum()), int(zones["callable"].sum())
    placeless = int(zones.filter(pl.col("zone") == queries.NO_ZONE)["leads"].sum())
    figures = (
        ("Leads", leads, f"imports: {lead_list['imports']:,}"),
        ("Can be called", free, f"of {leads:,} leads, in their hours"),
        ("Suppressed", int(zones["suppressed"].sum()), f"of {leads:,} leads: never called"),
        ("Without a time zone", placeless, f"of {leads:,} leads: no hours known"),
        ("Campaigns", len(lead_list["campaigns"]), "call this list"),
    )
    for column, (label, value, about) in zip(st.columns(5), figures, strict=True):
        with column.container(border=True, height="stretch"):
            st.metric(label, f"{value:,}")
            st.caption(about)


def _callable(zones: pl.DataFrame) -> None:
    shown = zones.filter(pl.col("callable") > 0).head(_MOST_ZONES)
    with st.container(border=True):
        st.markdown(
            "**Leads that can be called, by time zone**",
            help="Not suppressed, with a known zone. A lead that may be in several zones is called"
            " only when it is a legal hour in all of them.",
        )
        st.caption(f"n = {int(zones['callable'].sum()):,} leads · {shown.height} largest groups")
        if shown.is_empty():
            components.empty("No lead of this list can be called.")
            return
        drawn = charts.count_chart(shown, "zone", "callable", "Leads", components.mode(), label=str)
        components.show(drawn, "Leads that can be called by time zone")
    names = {"zone": "Zone", "leads": "Leads", "suppressed": "Suppressed", "callable": "Callable"}
    components.table(zones, names, "zones")


def _about(lead_list: Row) -> None:
    kind, by = lead_list["consent_kind"], lead_list["consent_attested_by"]
    consent = f"{kind}, attested by {by}" if kind else "recorded per number"
    campaigns = ", ".join(lead_list["campaigns"]) or "none yet"
    st.caption(f"Seller {lead_list['seller']} · consent: {consent} · campaigns: {campaigns}")
    st.page_link(
        "views/campaign_edit.py",
        label="Create a campaign with this list",
        icon=":material/campaign:",
        query_params={"list": lead_list["name"]},
    )


def _all_lists(known: Sequence[Row]) -> None:
    with st.expander(f"All lists ({len(known):,})", icon=":material/lists:"):
        st.dataframe(
            pl.DataFrame(
                {
                    "List": [one["name"] for one in known],
                    "Seller": [one["seller"] for one in known],
                    "Leads": [one["leads"] for one in known],
                    "Suppressed": [one["suppressed"] for one in known],
                    "Consent": [one["consent_kind"] or "per number" for one in known],
                    "Campaigns": [", ".join(one["campaigns"]) for one in known],
                    "Made": [moment(one["created_at"]) for one in known],
                }
            ),
            hide_index=True,
            alt="All lists",
        )


def _runs(lead_list: Row, runs: Sequence[Row]) -> None:
    st.subheader("Imports of this list")
    if not runs:
        components.empty("Nothing was imported into this list.")
        return
    st.dataframe(
        pl.DataFrame(
            {
                "When": [moment(run["finished_at"]) for run in runs],
                "File": [run["file"] for run in runs],
                "Rows": [run["rows"] for run in runs],
                "Accepted": [run["accepted"] for run in runs],
                "Not imported": [run["rejected"] for run in runs],
                "Taken back": [moment(run["undone_at"]) for run in runs],
            }
        ),
        hide_index=True,
        column_config=dict.fromkeys(
            ("Rows", "Accepted", "Not imported"), st.column_config.NumberColumn(format="localized")
        ),
        alt="Imports of this list",
    )
    labels = {
        f"{run['file']}, {moment(run['finished_at'])} ({str(run['run_id'])[:8]})": run
        for run in runs
    }
    chosen = st.selectbox("Import", list(labels), key="import", bind="query-params")
    _run(lead_list, labels.get(chosen or "", runs[0]))


def _run(lead_list: Row, run: Row) -> None:
    if run["undone_at"] is not None:
        st.info(
            f"This import was taken back on {moment(run['undone_at'])}; its leads are gone, what"
            " it refused is kept.",
            icon=":material/undo:",
        )
    if run["report"]:
        report = ImportReport.model_validate(run["report"])
        rows = outcomes(report)
        components.show(
            charts.count_chart(rows, "what", "rows", "Rows", components.mode()),
            "Rows of the file by outcome",
        )
        components.table(rows, {"what": "What", "rows": "Rows"}, "import")
        _refused(run, report)
    if run["undone_at"] is None:
        _undo(lead_list, run)


def _refused(run: Row, report: ImportReport) -> None:
    if not run["rejected"]:
        components.empty("Every row was imported.")
        return
    counts = {
        "duplicate_in_file": report.duplicates,
        "duplicate_in_list": report.already_in_list,
        **report.rejected_by_reason,
    }
    left, right = st.columns(2, vertical_alignment="bottom")
    reason = left.selectbox(
        "Reason",
        [_ANY, *(code for code, n in counts.items() if n)],
        format_func=lambda code: (
            "Any reason" if code == _ANY else f"{words(code)} ({counts[code]:,})"
        ),
    )
    total = run["rejected"] if reason == _ANY else counts[reason]
    pages = -(-total // _PAGE)
    number = int(right.number_input(f"Page (of {pages:,})", 1, max(pages, 1)))
    try:
        rows = _rejects(run["run_id"], None if reason == _ANY else reason, number)
    except VoiceAIError as error:
        components.unreachable(error)
        return
    st.dataframe(
        pl.DataFrame(
            {
                "Line": [row["line"] for row in rows],
                "Field": [row["field"] for row in rows],
                "Reason": [words(row["reason"]) for row in rows],
                "What is wrong": [row["explanation"] for row in rows],
                "Value, masked": [row["value_masked"] for row in rows],
            }
        ),
        hide_index=True,
        height=min(38 + 35 * len(rows), 400),
        alt="Refused rows",
    )
    rejects_download(report.rejects_file, report.run_id)


def _undo(lead_list: Row, run: Row) -> None:
    try:
        with session.reading() as connection:
            used = queries.in_use(connection, run["run_id"])
    except VoiceAIError as error:
        components.unreachable(error)
        return
    clicked = st.button(
        "Undo this import",
        icon=":material/undo:",
        disabled=used,
        help="Leads of it were called or decided about, so it stays; suppress them instead."
        if used
        else "Takes its leads off the list; possible while none of them was called.",
    )
    if used:
        st.caption("It can no longer be undone: leads of it were called or decided about.")
    if clicked:
        _confirm(lead_list["name"], run)


@st.dialog("Undo this import?", icon=":material/undo:")
def _confirm(name: str, run: Row) -> None:
    st.markdown(
        f"The {run['accepted']:,} leads from **{run['file']}** leave the list, and every campaign"
        f" that has not called them. To go on, type the list's name: **{name}**"
    )
    typed = st.text_input("Type the list's name", autocomplete="off")
    if st.button("Delete its leads", type="primary", disabled=typed != name):
        request = request_progress.ask("undo-import", {"run_id": str(run["run_id"])})
        if request is not None:
            st.query_params["request"] = str(request)
            st.rerun()


def _undone(row: Row) -> None:
    result = row["result"] or {}
    _lists.clear()
    _imports.clear()
    _zones.clear()
    st.success(
        f"{result.get('leads', 0):,} leads were taken off the list, and"
        f" {result.get('campaign_leads', 0):,} standings in campaigns with them.",
        icon=":material/check_circle:",
    )


page()
