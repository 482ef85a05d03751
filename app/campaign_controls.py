"""What can be asked of a campaign from its page: commands, and its report."""

import re
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from app import campaign_reading, session
from app.queries.campaigns import Asked, ReportRequest, Standing
from pipelines.metrics.frames import Campaign
from voice_ai.campaign_states import commands_from
from voice_ai.errors import VoiceAIError
from voice_ai.ids import CampaignId
from voice_ai.store import campaigns as store
from voice_ai.store import flow_requests
from voice_ai.store.campaigns import CommandKind


@dataclass(frozen=True)
class Control:
    """A command's button. `typed`: the campaign's name must be typed first; `reasoned`: and why."""

    label: str
    icon: str
    about: str
    typed: bool = False
    reasoned: bool = False


CONTROLS: dict[CommandKind, Control] = {
    "start": Control("Start", "play_arrow", "Start calling."),
    "resume": Control("Resume", "play_arrow", "Go on calling."),
    "pause": Control("Pause", "pause", "Start no more calls; live ones go on."),
    "drain": Control("Drain", "hourglass_bottom", "Let live calls finish, start none, then stop."),
    "stop": Control("Stop", "stop", "No call starts any more; live calls go on.", typed=True),
    "emergency_stop": Control(
        "Emergency stop",
        "front_hand",
        "End the live calls too. It stays so until a named person clears it.",
        typed=True,
    ),
    "clear": Control(
        "Clear the emergency stop",
        "lock_open",
        "The cause is known and mended: the campaign is stopped from then on, and may be started.",
        typed=True,
        reasoned=True,
    ),
}
_GOOD = frozenset({"start", "resume"})
# Kept in the session between what a button does and the next drawing.
_REFUSED = "why the last command was refused"
_ASKED = "a command was asked for"
_CAUSE, _TYPED = "cause of the stop", "name of the campaign, typed"


def controls(campaign: Campaign, state: str) -> None:
    """The buttons that this state allows. Drawn outside the moving part of the page."""
    allowed = commands_from(state)
    if state == "emergency_stopped":
        _stopped_in_an_emergency(campaign)
    if refused := st.session_state.pop(_REFUSED, None):
        st.error(refused)
    if not allowed:
        return
    with st.container(border=True, horizontal=True, vertical_alignment="bottom"):
        reason = st.text_input(
            "Reason for the next command",
            key="reason",
            help="Optional; it is kept with the command.",
            placeholder="why",
            width=300,
        )
        for kind, control in CONTROLS.items():
            if kind in allowed:
                _button(kind, control, campaign, reason.strip() or None)
        if "start" in allowed:
            st.page_link(
                "views/preflight.py",
                label="Pre-flight",
                icon=":material/flight_takeoff:",
                query_params={"campaign": campaign.name},
            )


def _button(kind: CommandKind, control: Control, campaign: Campaign, reason: str | None) -> None:
    pressed = st.button(
        control.label,
        key=f"ask-{kind}",
        icon=f":material/{control.icon}:",
        help=control.about,
        type="primary" if kind in _GOOD else "secondary",
        on_click=None if control.typed else _ask_first,
        args=(kind, campaign),
    )
    if pressed and control.typed:
        st.dialog(f"{control.label}: {campaign.name}")(_confirm)(kind, campaign, reason)


def _ask_first(kind: CommandKind, campaign: Campaign) -> None:
    """Before anything is drawn: a page that moves by itself may break off its drawing, and with
    it what a button does after it was drawn."""
    reason = str(st.session_state.get("reason") or "").strip()
    if refused := _refusal(kind, campaign, reason or None):
        st.session_state[_REFUSED] = refused


def _confirm(kind: CommandKind, campaign: Campaign, reason: str | None) -> None:
    control = CONTROLS[kind]
    if st.session_state.pop(_ASKED, False):
        st.rerun()
    st.markdown(control.about)
    with st.form(f"confirm-{kind}", border=False):
        if control.reasoned:
            st.text_input(
                "What was the cause, and how was it mended?", value=reason or "", key=_CAUSE
            )
        st.text_input(f"Type the campaign's name to confirm: {campaign.name}", key=_TYPED)
        st.form_submit_button(
            control.label, type="primary", on_click=_ask_if_sure, args=(kind, campaign, reason)
        )
    if refused := st.session_state.pop(_REFUSED, None):
        st.error(refused)


def _ask_if_sure(kind: CommandKind, campaign: Campaign, reason: str | None) -> None:
    """Before anything is drawn, as in `_ask_first`."""
    control = CONTROLS[kind]
    if control.reasoned:
        reason = str(st.session_state.get(_CAUSE) or "").strip()
    if control.reasoned and not reason:
        refused: str | None = "Say why: it is kept with your name."
    elif str(st.session_state.get(_TYPED) or "").strip() != campaign.name:
        refused = f"This is not the name; type {campaign.name} exactly as it stands here."
    else:
        refused = _refusal(kind, campaign, reason)
    if refused is None:
        st.session_state[_ASKED] = True
    else:
        st.session_state[_REFUSED] = refused


def _refusal(kind: CommandKind, campaign: Campaign, reason: str | None) -> str | None:
    """None when it is asked."""
    try:
        with session.asking() as db:
            store.ask(
                db,
                kind,
                CampaignId(campaign.id),
                by=session.user(),
                now=session.context().clock.now(),
                reason=reason,
            )
    except VoiceAIError as error:
        return error.message
    campaign_reading.standing.clear()
    return None


def _stopped_in_an_emergency(campaign: Campaign) -> None:
    st.error(
        f"{campaign.name} was stopped in an emergency: nobody is called, and it cannot be started."
        " Find out why; once that is mended, clear the stop with your name and the reason.",
        icon=":material/front_hand:",
    )


def last_asked(standing: Standing) -> None:
    """What was asked last and what came of it."""
    if not standing.asked:
        return
    for asked in (*(one for one in standing.asked if one.obeyed_at is None), standing.asked[0]):
        _told(asked, standing.dialers)
        break


def _told(asked: Asked, dialers: int) -> None:
    label = CONTROLS[_kind(asked)].label if asked.kind in CONTROLS else asked.kind
    at = f"{asked.asked_at.astimezone(campaign_reading.HOUSE_ZONE):%a %H:%M:%S} New York"
    why = f", because: {asked.reason}" if asked.reason else ""
    said = f"{label} asked by {asked.asked_by} on {at}{why}"
    if asked.obeyed_at is not None:
        refused = (asked.outcome or "").startswith("refused")
        (st.warning if refused else st.caption)(f"{said} – obeyed: {asked.outcome}")
    elif dialers:
        st.info(f"{said} – not obeyed yet.", icon=":material/hourglass_top:")
    else:
        st.warning(
            f"{said} – no dialer is alive to obey it; start `voice-ai dialer`.",
            icon=":material/hourglass_disabled:",
        )


def _kind(asked: Asked) -> CommandKind:
    return next(kind for kind in CONTROLS if kind == asked.kind)


def report(campaign: Campaign, request: ReportRequest | None) -> None:
    """Asks for the report, shows how far it is, and hands it over; survives a reload."""
    open_ = request is not None and request.state in ("asked", "running")
    if st.button("Build the report", icon=":material/summarize:", disabled=open_):
        _ask_report(campaign)
    if request is None:
        return
    if open_:
        doing = request.message or "waiting for the flows process (`voice-ai flows`)"
        st.progress(request.progress or 0.0, text=f"Report: {doing}")
    elif request.state != "done":
        st.error(f"The report {request.state}: {request.message or 'no reason was given'}.")
    elif (path := _file_of(request)) is not None:
        st.download_button(
            "Download the report",
            data=path.read_bytes(),
            file_name=path.name,
            mime="text/html",
            icon=":material/download:",
            on_click="ignore",
        )
    else:
        st.caption("The report's file is no longer there; build it again.")


def _ask_report(campaign: Campaign) -> None:
    out = campaign_reading.reports_folder() / f"{file_stem(campaign.name)}.html"
    try:
        with session.asking() as db:
            flow_requests.ask(
                db,
                "build-report",
                {"campaign": campaign.name, "out": str(out)},
                by=session.user(),
                now=session.context().clock.now(),
            )
    except VoiceAIError as error:
        st.error(error.message)
        return
    campaign_reading.standing.clear()
    st.rerun(scope="fragment")


def file_stem(name: str) -> str:
    """A campaign's name as the name of a file."""
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-").lower() or "campaign"


def _file_of(request: ReportRequest) -> Path | None:
    """Only what lies in the home's own folder is handed out."""
    path = Path(str(request.parameters.get("out", ""))).resolve()
    inside = path.is_relative_to(campaign_reading.reports_folder())
    return path if inside and path.is_file() else None
