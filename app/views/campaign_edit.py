"""How shall the campaign call?"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import streamlit as st

from app import campaign_fields, campaign_reading, components, script_trial, session
from app import campaign_form as form
from app.queries.campaigns import LeadList, Listed
from voice_ai.campaigns import Campaign, campaign_yaml, judge_campaign, parse_campaign
from voice_ai.errors import BadInput, VoiceAIError
from voice_ai.ids import CampaignId
from voice_ai.store import campaign_versions
from voice_ai.store import campaigns as store
from voice_ai.store.campaign_versions import StoredVersion

NEW = "A new campaign"


@dataclass(frozen=True)
class Edited:
    """What the page works on: loaded once, so that nobody's typing is lost to a rerun.

    `campaign` None: a new one. `load` counts loads, so that fields begin anew with each.
    """

    of: tuple[str, bool]
    load: int
    campaign: UUID | None
    version: int
    data: dict[str, Any]
    script: str


def page() -> None:
    head, picker = st.columns([3, 1], vertical_alignment="bottom")
    head.title("How shall the campaign call?")
    try:
        known, lists = campaign_reading.listed(), campaign_reading.lead_lists()
        if not lists:
            _no_list()
            return
        edited = _edited(_picked(picker, known), known)
    except VoiceAIError as error:
        components.unreachable(error)
        return
    _said()
    _tabs(edited, lists)


def _no_list() -> None:
    st.info("There is no lead list yet: a campaign needs one.", icon=":material/lists:")
    st.page_link("views/lead_import.py", label="Import leads", icon=":material/upload_file:")


def _picked(picker: Any, known: list[Listed]) -> str:
    names = [NEW, *(one.name for one in known)]
    if "go-to" in st.session_state:
        st.session_state["campaign"] = st.session_state.pop("go-to")
    return str(picker.selectbox("Campaign", names, key="campaign", bind="query-params"))


def _edited(picked: str, known: list[Listed]) -> Edited:
    """Raises NotAvailable, NotFound."""
    copy = st.query_params.get("copy") == "yes" and picked != NEW
    kept = st.session_state.get("edited")
    if isinstance(kept, Edited) and kept.of == (picked, copy):
        return kept
    load = kept.load + 1 if isinstance(kept, Edited) else 1
    campaign = next((one for one in known if one.name == picked), None)
    if campaign is None:
        return _keep(Edited((picked, copy), load, None, 0, form.defaults(), ""))
    with session.asking() as db:
        stored = campaign_versions.stored_version(
            db, session.context().keyring, CampaignId(campaign.id)
        )
    data = form.completed(stored.data)
    if copy:
        data["name"] = f"{picked} (copy)"
    return _keep(
        Edited(
            (picked, copy),
            load,
            None if copy else campaign.id,
            stored.version,
            data,
            stored.script_text,
        )
    )


def _keep(edited: Edited) -> Edited:
    st.session_state["edited"] = edited
    st.session_state["checked"] = False
    return edited


def _said() -> None:
    """What the last save came to; told once."""
    said = st.session_state.pop("said", None)
    if said is None:
        return
    sentence, name = said
    st.success(sentence, icon=":material/check_circle:")
    st.page_link(
        "views/campaign.py",
        label="Go to the campaign",
        icon=":material/monitoring:",
        query_params={"campaign": name},
    )


def _tabs(edited: Edited, lists: list[LeadList]) -> None:
    labels = ["Form", "Try the script", "As text", "Versions"]
    fields_tab, trial_tab, text_tab, versions_tab = st.tabs(labels)
    with fields_tab:
        data, script, fields = campaign_fields.draw(
            form.completed(edited.data),
            edited.script,
            f"{edited.load}.",
            lists,
            fixed=edited.campaign is not None,
        )
        campaign, faults = judge_campaign(data, script)
        faults = {**faults, **fields.faults}
        _save(edited, None if fields.faults else campaign, faults, fields)
    with trial_tab:
        script_trial.draw_and_try(script, _slots(data))
    with text_tab:
        _as_text(edited, data, script)
    with versions_tab:
        _versions(edited)


def _slots(data: dict[str, Any]) -> dict[str, str | None]:
    seller = data["seller"]
    return {
        "seller": seller["legal_name"] or "Example Company",
        "callback_number": seller["callback_number"] or "+18005550100",
        **data["slots"],
    }


def _save(
    edited: Edited,
    campaign: Campaign | None,
    faults: dict[str, str],
    fields: campaign_fields.Fields,
) -> None:
    new = edited.campaign is None
    label = "Create the campaign" if new else f"Save as version {edited.version + 1}"
    if st.button(label, type="primary", icon=":material/save:"):
        st.session_state["checked"] = True
        if campaign is not None:
            faults = _store(edited, campaign)
    if st.session_state.get("checked") and faults:
        fields.tell(faults)
        others = form.faults_elsewhere(faults, fields.places)
        count = len(faults)
        st.error(
            f"Not saved: {count} field{'s' * (count > 1)} to mend."
            + "".join(f" {sentence}" for sentence in others.values())
        )


def _store(edited: Edited, campaign: Campaign) -> dict[str, str]:
    """Saves, or says at which field it was refused."""
    context, name = session.context(), campaign.config.name
    by, now = session.user(), context.clock.now()
    try:
        with session.asking() as db:
            if edited.campaign is None:
                made = store.create_campaign(
                    db, context.keyring, campaign, by=by, now=now, rehearsal=context.rehearsal
                )
                said = f"{name} is a draft, version 1, with {made.leads:,} leads."
            else:
                revised = store.revise_campaign(
                    db,
                    context.keyring,
                    CampaignId(edited.campaign),
                    campaign,
                    by=by,
                    now=now,
                    seen_version=edited.version,
                )
                said = f"{name} is now version {revised.version}."
                if not revised.changed:
                    said = f"Nothing differs; version {revised.version} stays in force."
    except BadInput as error:
        return {error.field or "campaign": error.message}
    except VoiceAIError as error:
        return {"campaign": error.message}
    _saved(name, said)
    return {}


def _saved(name: str, said: str) -> None:
    """The page begins anew with what is in force now."""
    st.session_state["said"] = (said, name)
    st.session_state["go-to"] = name
    kept = st.session_state["edited"]
    st.session_state["edited"] = Edited(("", False), kept.load, None, 0, {}, "")
    if "copy" in st.query_params:
        del st.query_params["copy"]
    campaign_reading.listed.clear()
    session.campaigns.clear()
    st.rerun()


def _as_text(edited: Edited, data: dict[str, Any], script: str) -> None:
    st.caption("The same as a campaign file; change it here, and take the changes into the form.")
    there = campaign_yaml({key: value for key, value in data.items() if value not in ("", [])})
    text = st.text_area(
        "Campaign file (YAML)", there, height=420, key=f"{edited.load}.yaml {hash(there)}"
    )
    if not st.button("Take into the form", icon=":material/input:"):
        return
    try:
        campaign = parse_campaign(
            text or "",
            source="campaign file",
            folder=Path("/nonexistent"),
            scripts={str(data["script"]): script},
        )
    except BadInput as error:
        st.error(error.message)
        return
    taken = campaign.config.model_dump(mode="json", by_alias=True)
    _keep(
        Edited(
            edited.of,
            edited.load + 1,
            edited.campaign,
            edited.version,
            taken,
            campaign.script_text,
        )
    )
    st.rerun()


def _versions(edited: Edited) -> None:
    if edited.campaign is None:
        st.caption("Versions begin when the campaign is created.")
        return
    try:
        kept = campaign_reading.all_versions(edited.campaign)
    except VoiceAIError as error:
        components.unreachable(error)
        return
    for place, one in enumerate(kept):
        before = kept[place + 1] if place + 1 < len(kept) else None
        _version(one, before, in_force=place == 0)


def _version(one: StoredVersion, before: StoredVersion | None, *, in_force: bool) -> None:
    at = one.created_at.astimezone(campaign_reading.HOUSE_ZONE)
    force = " · in force" if in_force else ""
    title = f"Version {one.version} · {one.created_by} · {at:%d %b %Y %H:%M} New York{force}"
    with st.expander(title, expanded=in_force and before is not None):
        if before is None:
            st.code(one.yaml, language="yaml")
        else:
            changed = campaign_versions.difference(before, one)
            st.code(changed or "Only a sealed number differs.", language="diff")


page()
