"""Taking numbers off the calls by hand: one that is typed, or a file that is looked at first."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import polars as pl
import streamlit as st

from app import components, session, uploads
from pipelines.do_not_call.load import FileReport, import_numbers
from voice_ai.errors import VoiceAIError
from voice_ai.store import suppressions as store
from voice_ai.store.suppressions import REASONS, Order

_ENDINGS = ("csv", "tsv", "txt", "xlsx", "parquet")
# What takes longer than a page should belongs to `voice-ai dnc import`.
_MOST_NUMBERS = 200_000
_SCOPES = {
    "all": "Nobody: no seller calls it",
    "seller": "One seller",
    "campaign": "One campaign",
}
REASON_WORDS = {
    "opt_out": "Asked not to be called again",
    "wrong_number": "Wrong number",
    "complaint": "Complained",
    "other": "Another reason",
    "do_not_call": "Marked in a lead file",
}


class _Whom(NamedTuple):
    scope: str
    name: str | None
    reason: store.Reason


def add_by_hand(sellers: list[str], campaigns: list[str], forget: Callable[[], None]) -> None:
    """`forget` clears what the page remembers of suppressions."""
    with st.container(border=True, height="stretch"):
        st.markdown("**Add a number**", help="In force at once, also for dials on their way.")
        scope, name, reason = _for_whom("hand", sellers, campaigns)
        with st.form("dnc by hand", border=False, clear_on_submit=True):
            number = st.text_input("Phone number to add", autocomplete="off")
            if st.form_submit_button("Never call it again", icon=":material/phone_disabled:"):
                _add(number, scope, name, reason, forget)


def add_a_file(sellers: list[str], campaigns: list[str], forget: Callable[[], None]) -> None:
    with st.container(border=True, height="stretch"):
        st.markdown(
            "**Add a file**",
            help="All of its numbers, or none when a line is no phone number. Nothing is written"
            " before you say so.",
        )
        data = st.file_uploader("File of numbers", type=list(_ENDINGS))
        if data is None:
            components.empty("CSV, TSV, TXT, XLSX or Parquet; the column is found by itself.")
            return
        try:
            path = uploads.save(session.context().settings.home, data.name, data)
            with session.asking() as db:
                now = session.context().clock.now()
                report = import_numbers(db, session.context().keyring, path, None, now)
        except VoiceAIError as error:
            st.warning(_sentence(error), icon=":material/error:")
            return
        if not _looks_good(report):
            return
        scope, name, reason = _for_whom("file", sellers, campaigns)
        asked = st.button(f"Never call these {report.numbers:,} numbers", icon=":material/block:")
        if asked:
            _confirm_file(path, report.numbers, _Whom(scope, name, reason), forget)


def _looks_good(report: FileReport) -> bool:
    st.caption(
        f"Column “{report.column}”: {report.rows:,} lines, {report.numbers:,} different numbers,"
        f" {report.refused:,} lines refused."
    )
    if report.refused:
        st.warning("Mend these lines and upload the file again; nothing was written.")
        st.dataframe(
            pl.DataFrame(
                {
                    "Line": [one.line for one in report.refused_lines],
                    "What is wrong": [one.explanation for one in report.refused_lines],
                    "Value, masked": [one.value_masked or "" for one in report.refused_lines],
                }
            ),
            hide_index=True,
        )
        return False
    if report.numbers > _MOST_NUMBERS:
        st.info("A file of this size is for the command `voice-ai dnc import FILE`.")
        return False
    return True


def _for_whom(
    key: str, sellers: list[str], campaigns: list[str]
) -> tuple[str, str | None, store.Reason]:
    """The scope, the name that it needs, and the reason."""
    left, right = st.columns(2)
    scope = left.selectbox(
        "Who may not call", list(_SCOPES), format_func=_SCOPES.__getitem__, key=f"{key} scope"
    )
    name = None
    if scope != "all":
        names = sellers if scope == "seller" else campaigns
        name = st.selectbox(_SCOPES[scope].removeprefix("One ").title(), names, key=f"{key} of")
    reason = right.selectbox("Why", REASONS, format_func=REASON_WORDS.__getitem__, key=f"{key} why")
    return scope, name, reason


def _order(source: store.Source, scope: str, name: str | None, reason: store.Reason) -> Order:
    with session.asking() as db:
        return store.order_for(
            db,
            scope,
            source=source,
            reason=reason,
            seller=name if scope == "seller" else None,
            campaign=name if scope == "campaign" else None,
            added_by=session.user(),
        )


def _add(
    number: str, scope: str, name: str | None, reason: store.Reason, forget: Callable[[], None]
) -> None:
    context = session.context()
    try:
        told = store.e164(number)
        order = _order("page", scope, name, reason)
        with (
            st.spinner("Waiting until no dial to the number is on its way …"),
            session.asking() as db,
        ):
            now = context.clock.now()
            ids = store.ensure_numbers(db, context.keyring, [told], now)
            done = store.suppress(db, ids, order, now)
    except VoiceAIError as error:
        st.warning(_sentence(error), icon=":material/error:")
        return
    _tell(done, forget)


@st.dialog("Never call these numbers again?", icon=":material/block:")
def _confirm_file(path: Path, numbers: int, whom: "_Whom", forget: Callable[[], None]) -> None:
    st.markdown(
        f"{numbers:,} numbers are taken off the calls at once, and cannot be put back. To go on,"
        f" type how many they are: **{numbers}**"
    )
    typed = st.text_input("Type how many they are", autocomplete="off")
    if st.button("Never call again", type="primary", disabled=typed.strip() != str(numbers)):
        context = session.context()
        try:
            order = _order("file", *whom)
            with st.spinner("Writing …"), session.asking() as db:
                now = context.clock.now()
                done = import_numbers(db, context.keyring, path, order, now)
        except VoiceAIError as error:
            st.error(error.message)
            return
        _tell(store.Suppressed(done.added, done.already, done.live_calls), forget)


def _tell(done: store.Suppressed, forget: Callable[[], None]) -> None:
    """The page says it at its top when it is drawn anew."""
    live = f" {done.live_calls} are live: what rings is ended." if done.live_calls else ""
    st.session_state["dnc told"] = f"{done.added:,} added, {done.already:,} were so already.{live}"
    forget()
    st.rerun()


def _sentence(error: VoiceAIError) -> str:
    return error.message[:1].upper() + error.message[1:] + "."
