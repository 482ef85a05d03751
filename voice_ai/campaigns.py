"""A campaign as its file says it: whom, with which words, when, how fast, how often.

The file is YAML; every fault names its line and field. `docs/campaigns.md` explains each field by
the text given here.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import time
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from voice_ai.answering import Answering
from voice_ai.compliance.codes import LAW_OF_COUNTRY
from voice_ai.compliance.facts import DEFAULT_COUNTRIES
from voice_ai.compliance.rules import Profile, Purpose
from voice_ai.conversation.graph import Script
from voice_ai.conversation.script import (
    builtin_scripts,
    check_script,
    load_script,
    resolve_slots,
)
from voice_ai.conversation.source import Document, read_document
from voice_ai.emotions import ABOUT as ABOUT_EMOTION
from voice_ai.emotions import TEXT, EmotionSource, emotion_fault
from voice_ai.errors import BadInput
from voice_ai.numbers import e164 as e164
from voice_ai.pacing.caller_ids import DAILY_CEILING
from voice_ai.retries import DEFAULT_RULES, RetryPolicy
from voice_ai.transfers import Transfer, transfer_fault
from voice_ai.transports import ABOUT, MEDIA_STREAMS, Transport, find_misfit

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SellerConfig(_Part):
    name: str = Field(min_length=1, description="short name; suppression and caps hang on it")
    legal_name: str = Field(min_length=1, description="registered name, said first in a call")
    callback_number: str = Field(description="E.164; answers, and takes opt-outs")

    @field_validator("callback_number")
    @classmethod
    def _dialable(cls, value: str) -> str:
        return e164(value)


class Schedule(_Part):
    """Called party's local time, narrowing the law's window; never widening it."""

    start: time = Field(time(8, 0), description="not before, local time")
    end: time = Field(time(21, 0), description="not at or after, local time")
    days: tuple[str, ...] = Field(("mon", "tue", "wed", "thu", "fri"), description="weekdays")

    @field_validator("start", "end")
    @classmethod
    def _local(cls, value: time) -> time:
        if value.tzinfo is not None:
            raise ValueError("write a local time without an offset, as in 09:00")
        return value

    @field_validator("days")
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [day for day in value if day not in _WEEKDAYS]
        if unknown or not value:
            raise ValueError(f"days are {', '.join(_WEEKDAYS)}; not {', '.join(unknown) or 'none'}")
        return value

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if self.start >= self.end:
            raise ValueError("start must be before end")
        return self

    @property
    def weekdays(self) -> frozenset[int]:
        return frozenset(_WEEKDAYS.index(day) for day in self.days)


class Pacing(_Part):
    max_concurrent: int = Field(10, ge=1, le=2000, description="live calls at once")
    calls_per_second: float = Field(1.0, gt=0, le=200, description="new calls per second")
    ring_timeout_s: int = Field(25, ge=15, le=120, description="ring this long; law asks for 15 s")
    max_call_s: int = Field(300, ge=30, le=3600, description="a call is ended politely after this")
    ramp: bool = Field(
        True,
        description="begin with 5 % of the calls at once; 25, 50 and 100 % are earned step by step",
    )
    caller_id_day: int | None = Field(
        DAILY_CEILING, ge=1, description="dials in 24 hours from one caller id; null: no limit"
    )
    caller_id_concurrent: int | None = Field(
        None, ge=1, description="live calls at once from one caller id; null: no limit"
    )
    rehearse_limits: bool = Field(
        False,
        description="in a rehearsal too: ramp up, spare the caller ids, pause when calls are"
        " abandoned; live calls always do",
    )

    def is_limited(self, *, rehearsal: bool) -> bool:
        """Whether caller ids are spared and abandoned calls minded: a rehearsal must ask for it."""
        return not rehearsal or self.rehearse_limits

    def ramps(self, *, rehearsal: bool) -> bool:
        return self.ramp and self.is_limited(rehearsal=rehearsal)


class Budget(_Part):
    total: Decimal = Field(gt=0, description="the campaign is paused when its calls have cost this")
    per_minute: Decimal = Field(gt=0, description="what a started minute costs, all in all")
    currency: str = Field("USD", pattern="^[A-Z]{3}$", description="ISO 4217")


class Voice(_Part):
    voice_id: str = Field("21m00Tcm4TlvDq8ikWAM", description="voice at the speech vendor")
    other_voice_id: str | None = Field(
        None, description="speaks when the first one fails; null: the first one is asked again"
    )


class CampaignConfig(_Part):
    """The whole file."""

    name: str = Field(min_length=1, max_length=120, description="unique name")
    seller: SellerConfig
    leads: str = Field(alias="list", min_length=1, description="name of the lead list")
    script: str = Field(min_length=1, description="name of a built-in script, or a path to one")
    caller_ids: tuple[str, ...] = Field(min_length=1, description="E.164 numbers of the seller")
    slots: dict[str, str] = Field(default_factory=dict, description="values for the script's slots")
    purpose: Purpose = Field(
        "telemarketing", description="telemarketing or informational; which consent is needed"
    )
    policy: Profile = Field(
        "strictest", description="strictest, or law: the true limits of every place"
    )
    countries: tuple[str, ...] = Field(
        DEFAULT_COUNTRIES, min_length=1, description="countries that may be called, ISO 3166-1"
    )
    schedule: Schedule = Field(default_factory=lambda: Schedule())
    pacing: Pacing = Field(default_factory=lambda: Pacing())
    retries: RetryPolicy = Field(default_factory=lambda: RetryPolicy())
    voice: Voice = Field(default_factory=lambda: Voice())
    max_attempts_24h: Annotated[int, Field(ge=1, le=3, description="per number and seller")] = 3
    max_leads: int | None = Field(None, ge=1, description="start at most this many leads")
    budget: Budget | None = Field(None, description="what the calls may cost; null: no limit")
    detect_machines: bool = Field(
        True, description="ask the carrier, too, whether a machine answered; our own ears always do"
    )
    answering: Answering = Field(
        default_factory=lambda: Answering(), description="what to do about machines that answer"
    )
    transport: Transport = Field(MEDIA_STREAMS, description=ABOUT)
    emotion: EmotionSource = Field(TEXT, description=ABOUT_EMOTION)
    transfer: Transfer | None = Field(
        None, description="the seller's own people, who take calls over; null: nobody does"
    )

    @field_validator("caller_ids")
    @classmethod
    def _dialable(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(e164(number) for number in value)

    @field_validator("countries")
    @classmethod
    def _with_rules(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [code for code in value if code not in LAW_OF_COUNTRY]
        if unknown:
            known = ", ".join(sorted(LAW_OF_COUNTRY))
            raise ValueError(f"no policy pack has rules for {', '.join(unknown)}; only for {known}")
        return value


class Campaign(_Part):
    """A checked campaign: its configuration with the text of its script."""

    config: CampaignConfig
    script_text: str

    @property
    def sha256(self) -> str:
        whole = json.dumps(self.stored_config(), sort_keys=True) + "\n" + self.script_text
        return hashlib.sha256(whole.encode()).hexdigest()

    def stored_config(self) -> dict[str, Any]:
        """What `campaign_versions.config` holds: everything but numbers, which are sealed."""
        data = self.config.model_dump(mode="json", by_alias=True)
        data.pop("caller_ids")
        data["seller"].pop("callback_number")
        if data["transfer"] is None:
            del data["transfer"]  # so that it has the hash it had before there were transfers
        else:
            del data["transfer"]["to"]
        if data["emotion"] == TEXT:
            del data["emotion"]  # likewise
        return data


def load_campaign(path: Path) -> Campaign:
    """Reads and checks a campaign file and its script. Raises BadInput with file, line, field."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput("the campaign file cannot be read; give a YAML file", file=path) from error
    return parse_campaign(text, source=str(path), folder=path.parent)


def parse_campaign(
    text: str, *, source: str, folder: Path, scripts: Mapping[str, str] | None = None
) -> Campaign:
    """`scripts` are texts that are at hand already, by name. Raises BadInput."""
    document = read_document(text, source=source)
    try:
        config = CampaignConfig.model_validate(document.data)
    except ValidationError as error:
        raise _fault(document, error) from None
    script_text = (scripts or {}).get(config.script)
    if script_text is None:
        script_text = _script_text(config.script, folder, document)
    script = load_script(script_text, source=config.script)
    if misfit := find_misfit(script, config.transport, transfers=config.transfer is not None):
        raise document.fault(("transport",), misfit)
    if (lacking := message_fault(config, script)) is not None:
        raise document.fault(("answering", "machine"), lacking)
    if (unheard := emotion_fault_of(config, script)) is not None:
        raise document.fault(("emotion",), unheard)
    try:
        resolve_slots(script, script_slots(config))
    except BadInput as error:
        raise document.fault(("slots",), error.message) from error
    if (fault := transfer_fault(config.transfer, own_numbers(config), script)) is not None:
        raise document.fault(*fault)
    return Campaign(config=config, script_text=script_text)


def check_campaign(data: Mapping[str, Any], script_text: str) -> Campaign:
    """A campaign from data, as a form or the database gives it. Raises BadInput for the first
    thing that is wrong."""
    campaign, faults = judge_campaign(data, script_text)
    for field, message in faults.items():
        raise BadInput(message, field=field)
    assert campaign is not None
    return campaign


def judge_campaign(
    data: Mapping[str, Any], script_text: str
) -> tuple[Campaign | None, dict[str, str]]:
    """The campaign, or a sentence for each field that is wrong."""
    faults: dict[str, str] = {}
    config: CampaignConfig | None = None
    try:
        config = CampaignConfig.model_validate(data)
    except ValidationError as error:
        for found in error.errors():
            faults.setdefault(_place(found), _sentence(found))
    script, script_faults = check_script(script_text, source="the script")
    if script is None:
        faults.setdefault("script", script_faults[0].message)
    if config is None or script is None:
        return None, faults
    if misfit := find_misfit(script, config.transport, transfers=config.transfer is not None):
        return None, {"transport": misfit}
    if (lacking := message_fault(config, script)) is not None:
        return None, {"answering.machine": lacking}
    if (unheard := emotion_fault_of(config, script)) is not None:
        return None, {"emotion": unheard}
    try:
        resolve_slots(script, script_slots(config))
    except BadInput as error:
        return None, {f"slots.{error.field}": error.message}
    if (fault := transfer_fault(config.transfer, own_numbers(config), script)) is not None:
        return None, {".".join(map(str, fault[0])): fault[1]}
    return Campaign(config=config, script_text=script_text), {}


def campaign_yaml(data: Mapping[str, Any]) -> str:
    """The campaign file that says this: what the defaults say too is left out."""
    shown = {key: value for key, value in data.items() if value is not None and value != {}}
    retries = dict(shown.get("retries") or {})
    rules = retries.pop("rules", {})
    own = {key: rule for key, rule in rules.items() if rule != _default_rule(key)}
    if retries or own:
        shown["retries"] = {**retries, **({"rules": own} if own else {})}
    if "schedule" in shown:
        shown["schedule"] = {
            key: value[:5] if key in ("start", "end") and len(str(value)) == 8 else value
            for key, value in shown["schedule"].items()
        }
    text: str = yaml.safe_dump(shown, sort_keys=False, allow_unicode=True, width=100)
    return text


def _default_rule(outcome: str) -> dict[str, Any] | None:
    rule = DEFAULT_RULES.get(outcome)
    return rule.model_dump(mode="json") if rule else None


def message_fault(config: CampaignConfig, script: Script) -> str | None:
    """Why this campaign cannot leave messages with this script; None when it can or need not."""
    if config.answering.machine != "leave_message":
        return None
    if config.transport != MEDIA_STREAMS:
        return f"messages are left over {MEDIA_STREAMS} only; say hang_up, or change `transport`"
    if script.voicemail:
        return None
    return "the script has no `voicemail` to leave; add it to the script, or say hang_up"


def emotion_fault_of(config: CampaignConfig, script: Script) -> str | None:
    return emotion_fault(config.emotion, config.transport, config.countries, script)


def script_slots(config: CampaignConfig) -> dict[str, str]:
    """The slots that a campaign itself fills; a lead adds its name."""
    return {
        "seller": config.seller.legal_name,
        "callback_number": config.seller.callback_number,
        **config.slots,
    }


def own_numbers(config: CampaignConfig) -> frozenset[str]:
    return frozenset((*config.caller_ids, config.seller.callback_number))


def _script_text(name: str, folder: Path, document: Document) -> str:
    built_in = builtin_scripts()
    if name in built_in:
        return built_in[name]
    path = folder / name
    if not path.is_file():
        known = ", ".join(sorted(built_in))
        raise document.fault(
            ("script",), f"no script {name!r}; name a file beside this one, or one of: {known}"
        )
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise document.fault(
            ("script",), f"the script {name!r} cannot be read; give a YAML file in UTF-8"
        ) from error


def _fault(document: Document, error: ValidationError) -> BadInput:
    first = error.errors()[0]
    path = tuple(part for part in first["loc"] if isinstance(part, str | int))
    return document.fault(path, _sentence(first))


def _sentence(found: Any) -> str:
    if found["type"] == "missing":
        return "this is missing"
    if found["type"] == "extra_forbidden":
        return "there is no such field"
    if found["type"] in ("string_too_short", "too_short"):
        return "this cannot be empty"
    return str(found["msg"]).removeprefix("Value error, ")


def _place(found: Any) -> str:
    return ".".join(str(part) for part in found["loc"])


def zone_exists(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True
