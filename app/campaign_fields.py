"""The campaign form's fields; each with its description, and its fault beneath it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

import polars as pl
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import campaign_form as form
from app.queries.campaigns import LeadList
from voice_ai.answering import Answering
from voice_ai.compliance.codes import LAW_OF_COUNTRY
from voice_ai.compliance.rules import PROFILES, PURPOSES
from voice_ai.conversation.script import Script, builtin_scripts, check_script
from voice_ai.emotions import EmotionSource

OWN_SCRIPT = "a script of my own"


@dataclass
class Fields:
    """Draws fields over `start` and keeps what they say. `prefix` parts one load from the next."""

    start: Mapping[str, Any]
    prefix: str
    places: dict[str, DeltaGenerator] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)

    def key(self, name: str) -> str:
        return f"{self.prefix}{name}"

    def known(self, name: str) -> Any:
        value: Any = self.start
        for part in name.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        return value

    def place(self, name: str) -> None:
        """Where the fault of the field just drawn is told."""
        self.places[name] = st.empty()

    def text(self, name: str, label: str, **options: Any) -> str:
        value = options.pop("value", None) or str(self.known(name) or "")
        told = options.pop("help", None) or form.about(name)
        said = st.text_input(label, value, key=self.key(name), help=told, **options)
        self.place(name)
        return (said or "").strip()

    def number(self, name: str, label: str, **options: Any) -> Any:
        said = st.number_input(
            label,
            value=self.known(name),
            key=self.key(name),
            help=options.pop("help", None) or form.about(name),
            **options,
        )
        self.place(name)
        return said

    def choice(self, name: str, label: str, options: tuple[str, ...]) -> str:
        known = self.known(name)
        said = st.selectbox(
            label,
            options,
            index=options.index(known) if known in options else 0,
            format_func=lambda option: option.replace("_", " ").capitalize(),
            key=self.key(name),
            help=form.about(name),
        )
        self.place(name)
        return str(said)

    def tell(self, faults: Mapping[str, str]) -> None:
        """Puts each fault under its field."""
        for name, place in self.places.items():
            sentence = form.fault_at(faults, name)
            if sentence:
                place.markdown(f":red[:material/error: {_plain(sentence)}]")


def _plain(sentence: str) -> str:
    return sentence.replace("[", "(").replace("]", ")").rstrip(".") + "."


def draw(
    start: Mapping[str, Any], script_text: str, prefix: str, lists: list[LeadList], *, fixed: bool
) -> tuple[dict[str, Any], str, Fields]:
    """The data and the script that the form says now. `fixed`: name, seller and list stay."""
    fields = Fields(start, prefix)
    # What the form does not show stays as it is.
    data: dict[str, Any] = dict(start)
    with st.container(border=True):
        st.markdown("**Whom it calls, and on whose behalf**")
        data.update(_whom(fields, lists, fixed=fixed))
    with st.container(border=True):
        st.markdown("**With which words**")
        name, text, slots = _words(fields, script_text)
        heard = fields.choice("emotion", "Emotions heard from", get_args(EmotionSource))
        data.update(script=name, slots=slots, emotion=heard)
    left, right = st.columns(2, gap="small")
    with left.container(border=True, height="stretch"):
        st.markdown("**When**")
        data.update(_when(fields))
    with right.container(border=True, height="stretch"):
        st.markdown("**How fast**")
        data.update(_pace(fields))
    with st.container(border=True):
        st.markdown("**How often again**")
        data.update(_again(fields))
    return data, text, fields


def _whom(fields: Fields, lists: list[LeadList], *, fixed: bool) -> dict[str, Any]:
    left, right = st.columns(2)
    with left:
        name = fields.text("name", "Campaign name", disabled=fixed)
        chosen = _list(fields, lists, fixed=fixed)
        caller_ids = st.text_area(
            "Caller ids",
            "\n".join(fields.known("caller_ids") or ()),
            key=fields.key("caller_ids"),
            height=90,
            help=f"{form.about('caller_ids')} One a line, like +12125550100; a lead always sees"
            " the same one.",
        )
        fields.place("caller_ids")
    with right:
        seller = str(fields.known("seller.name") or "") if fixed else chosen.seller
        st.text_input(
            "Seller", seller, disabled=True, help=form.about("seller.name"), key=f"seller {seller}"
        )
        legal = fields.known("seller.legal_name") or chosen.legal_name
        legal_name = fields.text("seller.legal_name", "Legal name", value=legal)
        callback = fields.text("seller.callback_number", "Callback number")
        voice = fields.text("voice.voice_id", "Voice")
        other_voice = fields.text("voice.other_voice_id", "Other voice")
    purpose, countries = _purpose(fields)
    return {
        "purpose": purpose,
        "countries": countries,
        "name": name,
        "list": str(fields.known("list")) if fixed else chosen.name,
        "caller_ids": form.numbers(caller_ids or ""),
        "seller": {"name": seller, "legal_name": legal_name, "callback_number": callback},
        "voice": {"voice_id": voice, "other_voice_id": other_voice or None},
    }


def _purpose(fields: Fields) -> tuple[str, list[str]]:
    """What the calls are for decides which consent they need, and the countries which law holds."""
    left, right = st.columns(2)
    with left:
        purpose = fields.choice("purpose", "Purpose", PURPOSES[::-1])
    with right:
        countries = st.multiselect(
            "Countries",
            sorted(LAW_OF_COUNTRY),
            [code for code in fields.known("countries") or () if code in LAW_OF_COUNTRY],
            key=fields.key("countries"),
            help=form.about("countries"),
        )
        fields.place("countries")
    return purpose, list(countries)


def _list(fields: Fields, lists: list[LeadList], *, fixed: bool) -> LeadList:
    known = fields.known("list")
    at = next((place for place, one in enumerate(lists) if one.name == known), 0)
    chosen = st.selectbox(
        "Lead list",
        lists,
        index=at,
        format_func=lambda one: f"{one.name} – {one.seller}, {one.leads:,} leads",
        key=fields.key("list"),
        help=form.about("list"),
        disabled=fixed,
    )
    fields.place("list")
    return chosen if isinstance(chosen, LeadList) else lists[at]


def _words(fields: Fields, script_text: str) -> tuple[str, str, dict[str, str]]:
    built_in = builtin_scripts()
    known = str(fields.known("script"))
    is_built_in = known in built_in and script_text in ("", built_in[known])
    options = [*built_in, OWN_SCRIPT]
    chosen = st.selectbox(
        "Script",
        options,
        index=options.index(known) if is_built_in else len(options) - 1,
        format_func=lambda name: name.replace("_", " "),
        key=fields.key("script"),
        help="A built-in script, or one of your own (docs/scripts.md has the language).",
    )
    name, text = str(chosen), built_in.get(str(chosen), "")
    if chosen == OWN_SCRIPT:
        text = (
            st.text_area(
                "Script text (YAML)",
                script_text or built_in["appointment_reminder"],
                key=fields.key("script_text"),
                height=320,
                help="It is stored with this version of the campaign.",
            )
            or ""
        )
        name = known
    fields.place("script")
    script, _ = check_script(text, source="the script")
    if chosen == OWN_SCRIPT and script is not None and known in built_in:
        name = script.name
    return name, text, _slots(fields, script)


def _slots(fields: Fields, script: Script | None) -> dict[str, str]:
    """One field for each blank that the campaign fills."""
    slots = {}
    for name in form.own_slots(script) if script is not None else ():
        assert script is not None
        slot = script.slots[name]
        without = f"“{slot.default}” if left empty." if slot.default else "It may be left empty."
        said = fields.text(
            f"slots.{name}",
            name.replace("_", " ").capitalize(),
            help=f"A value for {{{name}}} in the script. "
            f"{'It is needed.' if slot.required else without}",
        )
        if said:
            slots[name] = said
    return slots


def _when(fields: Fields) -> dict[str, Any]:
    st.caption("In the called party's local time; it narrows the rules' window, never widens it.")
    left, right = st.columns(2)
    values: dict[str, Any] = {}
    for column, name, label in ((left, "start", "Not before"), (right, "end", "Not after")):
        value = column.time_input(
            label,
            form.clock(fields.known(f"schedule.{name}")),
            key=fields.key(f"schedule.{name}"),
            help=form.about(f"schedule.{name}"),
        )
        values[name] = f"{value:%H:%M}" if value else ""
    days = st.pills(
        "Days",
        form.DAYS,
        default=[day for day in form.DAYS if day in (fields.known("schedule.days") or ())],
        format_func=str.capitalize,
        selection_mode="multi",
        key=fields.key("schedule.days"),
        help=form.about("schedule.days"),
    )
    fields.place("schedule")
    profile = fields.choice("policy", "Rules", PROFILES)
    schedule = {**values, "days": [day for day in form.DAYS if day in days]}
    return {"schedule": schedule, "policy": profile}


def _pace(fields: Fields) -> dict[str, Any]:
    left, right = st.columns(2)
    with left:
        concurrent = fields.number("pacing.max_concurrent", "Live calls at once", step=1)
        ring = fields.number("pacing.ring_timeout_s", "Ring for (s)", step=1)
    with right:
        per_second = fields.number("pacing.calls_per_second", "New calls per second", step=0.5)
        longest = fields.number("pacing.max_call_s", "Longest call (s)", step=10)
    machines = st.checkbox(
        "Ask the carrier who answered",
        bool(fields.known("detect_machines")),
        key=fields.key("detect_machines"),
        help=form.about("detect_machines"),
    )
    ramp = st.checkbox(
        "Ramp up",
        bool(fields.known("pacing.ramp")),
        key=fields.key("pacing.ramp"),
        help=form.about("pacing.ramp"),
    )
    pacing = {
        **(fields.known("pacing") or {}),
        "ramp": ramp,
        "max_concurrent": concurrent,
        "calls_per_second": per_second,
        "ring_timeout_s": ring,
        "max_call_s": longest,
    }
    return {"pacing": pacing, "detect_machines": machines, "answering": _answering(fields)}


def _answering(fields: Fields) -> dict[str, str]:
    """What to do about each kind of machine."""
    labels = {"machine": "Answering machines", "screening": "Call screeners", "ivr": "Phone menus"}
    chosen = {}
    for column, (name, label) in zip(st.columns(3), labels.items(), strict=True):
        options = get_args(Answering.model_fields[name].annotation)
        with column:
            chosen[name] = fields.choice(f"answering.{name}", label, options)
    return chosen


def _again(fields: Fields) -> dict[str, Any]:
    left, middle, right, last = st.columns(4)
    with left:
        most = fields.number(
            "retries.max_attempts",
            "Dials per lead",
            step=1,
            help="Dials to one lead that reached the carrier, in the whole campaign.",
        )
    with middle:
        a_day = fields.number(
            "max_attempts_24h",
            "Dials in 24 hours",
            step=1,
            help="Per number and seller, over all campaigns; at most 3.",
        )
    with right:
        leads = fields.number("max_leads", "Leads to start (empty: all)", step=1)
    with last:
        rest = fields.number(
            "retries.cool_down_days",
            "Days of rest",
            step=1,
            help="After another campaign of the seller dialed the number; 0: none.",
        )
    st.caption("After which outcome, how often and how soon. 0 times: never again.")
    edited = st.data_editor(
        form.rules_frame(fields.known("retries.rules") or {}),
        hide_index=True,
        disabled=["outcome", "called"],
        key=fields.key("retries.rules"),
        column_config=_rule_columns(),
        alt="Retry policy per outcome",
    )
    fields.place("retries.rules")
    rules, faults = form.rules_of(pl.DataFrame(edited).to_dicts())
    fields.faults.update(faults)
    return {
        "retries": {"max_attempts": most, "cool_down_days": rest, "rules": rules},
        "max_attempts_24h": a_day,
        "max_leads": leads,
    }


def _rule_columns() -> dict[str, Any]:
    return {
        "outcome": None,
        "called": st.column_config.TextColumn("Outcome"),
        "most": st.column_config.NumberColumn("Times at most", min_value=0, step=1),
        "a_day": st.column_config.NumberColumn(
            "In a day", min_value=1, step=1, help="Of the called party; empty: no limit."
        ),
        "waits": st.column_config.TextColumn(
            "Waits", help="As in 10 min, 4 h, 1 d; the last one repeats."
        ),
        "part": st.column_config.NumberColumn(
            "Other time of day",
            min_value=1,
            step=1,
            help="From the n-th time on another part of the day than before; 1: always.",
        ),
    }
