"""What a POST asks for: a form read into a typed order, or the carrier's refusal."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from dialer.simulator import refusals
from dialer.simulator.refusals import RestError

Form = dict[str, list[str]]
EVENTS = ("initiated", "ringing", "answered", "completed")
_E164 = re.compile(r"\+[1-9]\d{6,14}")
_LONGEST_TIMEOUT = 600


def parse_form(body: bytes) -> Form:
    form: Form = {}
    for name, value in parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True):
        form.setdefault(name, []).append(value)
    return form


@dataclass(frozen=True)
class Callback:
    """Where a kind of event is reported to."""

    url: str
    method: str
    events: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Detection:
    """Answering machine detection: `mode` is Enable or DetectMessageEnd; times in seconds."""

    mode: str
    asynchronous: bool
    callback: Callback | None
    timeout: float


@dataclass(frozen=True)
class Instructions:
    """Where the TwiML comes from: a document, or an address to fetch it from."""

    twiml: str | None
    url: str | None
    method: str
    fallback_url: str | None
    fallback_method: str


@dataclass(frozen=True)
class CallOrder:
    to: str
    sender: str
    instructions: Instructions
    status: Callback | None
    timeout: float
    time_limit: float | None
    detection: Detection | None
    record: bool
    channels: str
    track: str
    recording: Callback | None


def one(form: Form, name: str) -> str | None:
    """The last value given, None when there is none or it is empty."""
    values = form.get(name)
    return (values[-1] or None) if values else None


def _url(form: Form, name: str) -> str | None:
    url = one(form, name)
    if url is not None and (urlsplit(url).scheme not in {"http", "https"} or " " in url):
        raise RestError(refusals.BAD_URL if name == "Url" else refusals.bad_parameter(name))
    return url


def _method(form: Form, name: str) -> str:
    method = (one(form, name) or "POST").upper()
    if method not in {"GET", "POST"}:
        raise RestError(refusals.bad_parameter(name))
    return method


def _choice(form: Form, name: str, choices: Sequence[str]) -> str | None:
    value = one(form, name)
    if value is not None and value not in choices:
        raise RestError(refusals.bad_parameter(name))
    return value


def _whole(form: Form, name: str, low: int, high: int) -> int | None:
    value = one(form, name)
    if value is None:
        return None
    if not value.isascii() or not value.isdigit() or not low <= int(value) <= high:
        raise RestError(refusals.bad_parameter(name))
    return int(value)


def _truth(form: Form, name: str) -> bool:
    return _choice(form, name, ("true", "false", "True", "False")) in {"true", "True"}


def _callback(form: Form, name: str, events: Sequence[str], usual: str) -> Callback | None:
    url = _url(form, name)
    if url is None:
        return None
    # One key per event is right; words in one value are what older clients send.
    given = [word for value in form.get(f"{name}Event", []) for word in value.split()]
    if any(word not in events for word in given):
        raise RestError(refusals.bad_parameter(f"{name}Event"))
    return Callback(url, _method(form, f"{name}Method"), frozenset(given or [usual]))


def _detection(form: Form) -> Detection | None:
    mode = _choice(form, "MachineDetection", ("Enable", "DetectMessageEnd"))
    if mode is None or one(form, "SendDigits"):
        return None
    url = _url(form, "AsyncAmdStatusCallback")
    return Detection(
        mode=mode,
        asynchronous=_truth(form, "AsyncAmd"),
        callback=Callback(url, _method(form, "AsyncAmdStatusCallbackMethod")) if url else None,
        timeout=_whole(form, "MachineDetectionTimeout", 3, 59) or 30,
    )


def parse_instructions(form: Form) -> Instructions | None:
    url, twiml = _url(form, "Url"), one(form, "Twiml")
    if url is None and twiml is None:
        return None
    return Instructions(
        twiml=None if url else twiml,
        url=url,
        method=_method(form, "Method"),
        fallback_url=_url(form, "FallbackUrl"),
        fallback_method=_method(form, "FallbackMethod"),
    )


def parse_numbers(form: Form) -> tuple[str, str]:
    """`To` and `From`. Raises the refusal that fits."""
    to, sender = one(form, "To"), one(form, "From")
    if to is None:
        raise RestError(refusals.NO_TO)
    if sender is None:
        raise RestError(refusals.NO_FROM)
    if to in refusals.MAGIC_TO:
        raise RestError(refusals.MAGIC_TO[to])
    if not _E164.fullmatch(to):
        raise RestError(refusals.BAD_TO)
    if to == sender:
        raise RestError(refusals.SAME_NUMBERS)
    if not _E164.fullmatch(sender):
        raise RestError(refusals.BAD_FROM)
    return to, sender


def parse_call(form: Form) -> CallOrder:
    """The order of a `POST Calls.json`. Raises RestError as the carrier would."""
    to, sender = parse_numbers(form)
    instructions = parse_instructions(form)
    if instructions is None:
        raise RestError(refusals.NO_URL)
    return CallOrder(
        to=to,
        sender=sender,
        instructions=instructions,
        status=_callback(form, "StatusCallback", EVENTS, "completed"),
        timeout=_whole(form, "Timeout", 1, _LONGEST_TIMEOUT) or 60,
        time_limit=_whole(form, "TimeLimit", 1, 86400),
        detection=_detection(form),
        record=_truth(form, "Record"),
        channels=_choice(form, "RecordingChannels", ("mono", "dual")) or "mono",
        track=_choice(form, "RecordingTrack", ("inbound", "outbound", "both")) or "both",
        recording=_callback(
            form, "RecordingStatusCallback", ("in-progress", "completed", "absent"), "completed"
        ),
    )


def parse_update(form: Form) -> tuple[str | None, Instructions | None]:
    """The status wished for, and new instructions. Raises RestError for anything else."""
    status = _choice(form, "Status", ("canceled", "completed"))
    instructions = parse_instructions(form)
    if status is None and instructions is None:
        raise RestError(refusals.bad_parameter("Status, Url or Twiml is needed"))
    return status, instructions


def parse_recording(form: Form) -> tuple[Callback | None, int, str]:
    """Callback, channels and track of a recording started over the API."""
    callback = _callback(
        form, "RecordingStatusCallback", ("in-progress", "completed", "absent"), "completed"
    )
    channels = _choice(form, "RecordingChannels", ("mono", "dual", "1", "2")) or "mono"
    track = _choice(form, "RecordingTrack", ("inbound", "outbound", "both")) or "both"
    return callback, 2 if channels in {"dual", "2"} else 1, track
