"""Which leads are in this file?"""

import json
from pathlib import Path

import streamlit as st

from app import components, request_progress, session, uploads
from app.import_preview import Preview, Trial, forget_trials, preview, tried
from app.import_report import judgement, rejects_download
from app.queries import leads as queries
from pipelines.imports import DEFAULT_SELLER, ImportReport
from pipelines.imports.mapping import FIELDS, Guess
from voice_ai.db.connect import Row
from voice_ai.errors import BadInput, VoiceAIError

_ENDINGS = ("csv", "tsv", "txt", "xlsx", "parquet")
_NO_COLUMN = ""
_CONSENT = {
    "": "None: consent is recorded per phone number",
    "written": "Written: every person signed or ticked it",
    "express": "Express: every person said so",
}


def page() -> None:
    st.title("Which leads are in this file?")
    if (request := st.query_params.get("request")) is not None:
        request_progress.follow(request, "Importing", _done)
        if st.button("Import another file", icon=":material/upload_file:"):
            st.query_params.clear()
            st.rerun()
        return
    path = _uploaded()
    if path is None:
        return
    told = _told()
    try:
        seen = preview(path, told)
    except VoiceAIError as error:
        st.error(_sentence(error), icon=":material/error:")
        return
    st.markdown(f"**{path.name}** – {seen.description}, {len(seen.headers)} columns")
    for warning in seen.warnings:
        st.caption(f"Note: {warning}.")
    _mapping(seen, told)
    if seen.problem is None:
        _destination(path, told)


def _uploaded() -> Path | None:
    """The file that was uploaded now, or the one that the page's address names."""
    data = st.file_uploader(
        "Lead file",
        type=list(_ENDINGS),
        help="CSV, TSV, XLSX or Parquet with one row per person. It stays on this machine, only"
        " its owner can read it, and it is removed after a week.",
    )
    home = session.context().settings.home
    if data is not None and st.session_state.get("saved") != data.file_id:
        try:
            path = uploads.save(home, data.name, data)
        except VoiceAIError as error:
            st.error(_sentence(error), icon=":material/error:")
            return None
        st.session_state["saved"] = data.file_id
        if st.query_params.get("file") != path.parent.name:
            st.query_params.clear()
            st.query_params["file"] = path.parent.name
    named = st.query_params.get("file")
    if named is None:
        st.info(
            "Upload a lead list to see what is in it. Nothing is imported before you say so.",
            icon=":material/upload_file:",
        )
        return None
    found = uploads.find(home, named)
    if found is None:
        st.warning("This upload is no longer kept; upload the file again.")
    return found


def _told() -> dict[str, str]:
    """What was corrected by hand, field to column; it lives in the page's address."""
    try:
        told = json.loads(st.query_params.get("map", "{}"))
    except ValueError:
        return {}
    return {str(field): str(column) for field, column in told.items() if field in FIELDS}


def _mapping(seen: Preview, told: dict[str, str]) -> None:
    st.subheader("What the columns are taken for")
    if seen.problem:
        st.error(seen.problem, icon=":material/error:")
    guesses = {guess.field: guess for guess in seen.guesses}
    shown = [field for field in FIELDS if field in guesses or field in told or field == "phone"]
    for field in shown:
        _field(field, guesses.get(field), seen, told)
    rest = [field for field in FIELDS if field not in shown]
    with st.expander(f"{len(rest)} more fields that no column was taken for"):
        for field in rest:
            _field(field, None, seen, told)
    if seen.guesses and seen.unmapped:
        st.caption(f"Kept with the lead, encrypted, without a field: {', '.join(seen.unmapped)}.")


def _field(field: str, guess: Guess | None, seen: Preview, told: dict[str, str]) -> None:
    key = f"column of {field}"
    st.session_state[key] = guess.column if guess else _NO_COLUMN
    picker, about = st.columns([2, 3], vertical_alignment="bottom")
    picker.selectbox(
        f"Column for {field.replace('_', ' ')}",
        [*([] if field == "phone" and guess else [_NO_COLUMN]), *seen.headers],
        key=key,
        format_func=lambda column: column or "– no column –",
        on_change=_correct,
        args=(field, told),
    )
    if guess is not None:
        sure = "chosen by you" if told.get(field) else f"{guess.confidence:.0%} sure"
        about.markdown(f"{sure} · looks like `{'`, `'.join(guess.samples) or '(empty)'}`")


def _correct(field: str, told: dict[str, str]) -> None:
    told = {**told, field: st.session_state[f"column of {field}"]}
    st.query_params["map"] = json.dumps(told)


def _destination(path: Path, told: dict[str, str]) -> None:
    st.subheader("Where the leads go")
    rehearsal = session.context().rehearsal
    try:
        with session.reading() as connection:
            known = queries.lists(connection)
            sellers = queries.sellers(connection, rehearsal=rehearsal)
    except VoiceAIError as error:
        components.unreachable(error)
        return
    left, right = st.columns(2)
    seller = left.selectbox(
        "Seller",
        list(dict.fromkeys([*sellers, DEFAULT_SELLER])),
        accept_new_options=True,
        help="The business that will call. Do-not-call requests, caps and consent belong to it;"
        " type a new name to add one.",
    )
    own = [one for one in known if one["seller"] == seller]
    name = right.selectbox(
        "List",
        list(dict.fromkeys([path.stem, *(one["name"] for one in own)])),
        accept_new_options=True,
        help="A list that exists gets the leads it does not have yet; type a new name to make one.",
    )
    found = next((one for one in own if one["name"] == name), None)
    consent = _consent(found, rehearsal=rehearsal)
    if not seller or not name:
        st.info("Name the seller and the list.")
        return
    trial = Trial(path, tuple(sorted(told.items())), name, seller)
    report = _tried(trial)
    if report is None:
        return
    judgement(report)
    if st.button(
        f"Import {report.accepted:,} leads into {name}",
        type="primary",
        icon=":material/upload:",
        disabled=report.rows == 0,
    ):
        _ask(trial, consent)


def _consent(found: Row | None, *, rehearsal: bool) -> str | None:
    """The consent to attest for a new list; None: nothing, or a rehearsal's own."""
    if found is not None:
        kind = found["consent_kind"] or "none, it is recorded per number"
        st.caption(f"This list exists with {found['leads']:,} leads. Attested consent: {kind}.")
        return None
    if rehearsal:
        st.caption(
            "A new list. This is a rehearsal, so rehearsal consent is attested for it: only the"
            " simulator is ever called."
        )
        return None
    kind = st.selectbox(
        "Consent for the whole list",
        list(_CONSENT),
        format_func=_CONSENT.__getitem__,
        help="You attest it by your name for every lead of the list. Without it a lead is called"
        " only when consent is recorded for its number.",
    )
    return kind or None


def _tried(trial: Trial) -> ImportReport | None:
    bar = st.empty()

    def tell(rows: int, part: float | None) -> None:
        bar.progress(part or 0.0, text=f"Judging: {rows:,} rows")

    try:
        return tried(trial, tell)
    except VoiceAIError as error:
        st.error(_sentence(error), icon=":material/error:")
        return None
    finally:
        bar.empty()


def _ask(trial: Trial, consent: str | None) -> None:
    request = request_progress.ask(
        "import-leads",
        {
            "file": str(trial.path.absolute()),
            "list_name": trial.list_name,
            "seller": trial.seller,
            "mapping": dict(trial.mapping),
            "consent": consent,
            "attested_by": session.user(),
        },
    )
    if request is not None:
        st.query_params.clear()
        st.query_params["request"] = str(request)
        st.rerun()


def _done(row: Row) -> None:
    forget_trials()
    report = ImportReport.model_validate(row["result"])
    if report.repeated:
        st.info(
            "This file was imported into this list before, mapped the same way: nothing changed."
            " These are the figures of that import.",
            icon=":material/done_all:",
        )
    else:
        st.success(
            f"{report.accepted:,} leads of {report.file} are on the list {report.list}.",
            icon=":material/check_circle:",
        )
    judgement(report)
    rejects_download(report.rejects_file, report.run_id)
    st.page_link(
        "views/campaign_edit.py",
        label="Create a campaign with this list",
        icon=":material/campaign:",
        query_params={"list": report.list},
    )
    st.page_link("views/lead_lists.py", label="See all lists", icon=":material/lists:")


def _sentence(error: VoiceAIError) -> str:
    """The command line's words for a page."""
    told = error.message.replace("--map: ", "")
    return told[:1].upper() + told[1:] + "." if isinstance(error, BadInput) else told


page()
