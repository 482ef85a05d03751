"""The wire of ConversationRelay: JSON text messages, read strictly and written by hand.

A message that this module does not know is a `BadMessage`, never a guess: what it would mean for
the call is not known. Fields that are not known are passed over, as later versions may add some.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

_KEYS = frozenset("0123456789*#ABCD")
_CODE = re.compile(r"\b(6\d{4})\b")


class BadMessage(ValueError):
    """A message that is not one of the protocol's; the text says what is wrong, quoting nothing."""


@dataclass(frozen=True, slots=True)
class Setup:
    """The first message: which call this socket carries."""

    session_id: str
    call_sid: str
    account_sid: str
    parameters: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the person says: as heard so far, or, when `last`, the whole of it."""

    text: str
    last: bool


@dataclass(frozen=True, slots=True)
class Interrupt:
    """The person stopped the agent; `heard` is what had been spoken by then, of all that was sent.

    `after_ms` counts from the beginning of the same speech; None when it was not told.
    """

    heard: str
    after_ms: float | None


@dataclass(frozen=True, slots=True)
class Key:
    digit: str


@dataclass(frozen=True, slots=True)
class Complaint:
    """The carrier could not do what a message of ours asked. Its description may quote us."""

    code: str | None


FromCarrier = Setup | Prompt | Interrupt | Key | Complaint


def read(message: str | bytes) -> FromCarrier:
    """Raises BadMessage."""
    try:
        data = orjson.loads(message)
    except orjson.JSONDecodeError as error:
        raise BadMessage("not JSON") from error
    if not isinstance(data, dict):
        raise BadMessage("not an object")
    match data.get("type"):
        case "setup":
            return _setup(data)
        case "prompt":
            return Prompt(_text(data, "voicePrompt"), _flag(data, "last", absent=True))
        case "interrupt":
            return Interrupt(_text(data, "utteranceUntilInterrupt"), _milliseconds(data))
        case "dtmf":
            return Key(_digit(data))
        case "error":
            found = _CODE.search(_text(data, "description"))
            return Complaint(found.group(1) if found else None)
        case str():
            raise BadMessage("an unknown type")
    raise BadMessage("type is missing")


def text(token: str, *, last: bool, interruptible: bool, preemptible: bool, language: str) -> str:
    """Words to be spoken; `last` ends a talk cycle, whose flags hold for all of it.

    `preemptible`: a talk cycle that comes later replaces this one instead of waiting for it.
    """
    return _written(
        {
            "type": "text",
            "token": token,
            "last": last,
            "lang": language,
            "interruptible": interruptible,
            "preemptible": preemptible,
        }
    )


def end(handoff: Mapping[str, str]) -> str:
    """Ends the session, and whatever is still being said; `handoff` comes back with the action."""
    return _written({"type": "end", "handoffData": orjson.dumps(handoff).decode()})


def read_handoff(text: str) -> Mapping[str, str]:
    """What `end` gave away, as it came back; empty for anything else."""
    try:
        data = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    if not isinstance(data, dict):
        return {}
    return {name: value for name, value in data.items() if isinstance(value, str)}


def _written(message: Mapping[str, object]) -> str:
    return orjson.dumps(message).decode()


def _setup(data: Mapping[str, Any]) -> Setup:
    given = data.get("customParameters", {})
    if not isinstance(given, dict) or not all(isinstance(v, str) for v in given.values()):
        raise BadMessage("customParameters is not a map of texts")
    return Setup(
        session_id=_text(data, "sessionId"),
        call_sid=_text(data, "callSid"),
        account_sid=_text(data, "accountSid"),
        parameters=given,
    )


def _text(data: Mapping[str, Any], field: str) -> str:
    value = data.get(field)
    if not isinstance(value, str):
        raise BadMessage(f"{field} is not a text")
    return value


def _flag(data: Mapping[str, Any], field: str, *, absent: bool) -> bool:
    value = data.get(field, absent)
    if not isinstance(value, bool):
        raise BadMessage(f"{field} is not true or false")
    return value


def _milliseconds(data: Mapping[str, Any]) -> float | None:
    """A number or a text: the vendor's pages show both."""
    value = data.get("durationUntilInterruptMs")
    if value is None:
        return None
    try:
        milliseconds = float(value) if isinstance(value, str | int | float) else -1.0
    except ValueError:
        milliseconds = -1.0
    if isinstance(value, bool) or not 0.0 <= milliseconds < 86_400_000.0:
        raise BadMessage("durationUntilInterruptMs is not a time")
    return milliseconds


def _digit(data: Mapping[str, Any]) -> str:
    digit = _text(data, "digit")
    if digit not in _KEYS:
        raise BadMessage("digit is not a key")
    return digit
