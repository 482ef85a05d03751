"""The wire of Media Streams: JSON text messages, read fast and written by concatenation."""

from base64 import b64encode
from binascii import Error as BadBase64
from binascii import a2b_base64
from typing import Any, NamedTuple

import orjson

from dialer.ports import StreamStart

SAMPLE_RATE = 8000
FRAME_BYTES = 160
SILENCE = b"\xff"


class BadFrame(ValueError):
    """A message that is not one of the protocol's; the text says what is wrong with it."""


class Connected(NamedTuple):
    protocol: str


class Started(NamedTuple):
    start: StreamStart


class Audio(NamedTuple):
    """What the person's side sounded like: usually 20 ms, 160 bytes; when, since the start."""

    audio: bytes
    at_ms: int | None = None


class Mark(NamedTuple):
    """Everything sent before the mark of this name was played, or thrown away by a clear."""

    name: str


class Digit(NamedTuple):
    digit: str


class Stopped(NamedTuple):
    """The call is over."""


class Ignored(NamedTuple):
    """A message of a kind that a later version of the protocol may bring."""

    event: str


Frame = Audio | Mark | Digit | Stopped | Started | Connected | Ignored


def read(message: str | bytes) -> Frame:
    """Raises BadFrame."""
    try:
        data = orjson.loads(message)
        event = data["event"]
        if event == "media":
            media = data["media"]
            if media.get("track", "inbound") != "inbound":
                return Ignored("media")
            at_ms = media.get("timestamp")
            audio = a2b_base64(media["payload"], strict_mode=True)
            return Audio(audio, None if at_ms is None else int(at_ms))
        return _read_other(event, data)
    except (orjson.JSONDecodeError, BadBase64) as error:
        raise BadFrame(f"the carrier sent a message that cannot be read: {error}") from error
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise BadFrame(f"the carrier sent a message of another shape: {error!r}") from error


def _read_other(event: str, data: dict[str, Any]) -> Frame:
    match event:
        case "mark":
            return Mark(str(data["mark"]["name"]))
        case "dtmf":
            return Digit(str(data["dtmf"]["digit"]))
        case "stop":
            return Stopped()
        case "start":
            return Started(_stream_start(data["start"]))
        case "connected":
            return Connected(str(data.get("protocol", "")))
        case _:
            return Ignored(str(event))


def _stream_start(start: dict[str, Any]) -> StreamStart:
    media_format = start.get("mediaFormat", {})
    return StreamStart(
        stream_sid=str(start["streamSid"]),
        call_sid=str(start["callSid"]),
        account_sid=str(start["accountSid"]),
        parameters={str(k): str(v) for k, v in start.get("customParameters", {}).items()},
        encoding=str(media_format.get("encoding", "audio/x-mulaw")),
        sample_rate=int(media_format.get("sampleRate", SAMPLE_RATE)),
    )


class Writer:
    """Messages to the carrier for one stream."""

    def __init__(self, stream_sid: str) -> None:
        sid = orjson.dumps(stream_sid).decode()
        self._media = f'{{"event":"media","streamSid":{sid},"media":{{"payload":"'
        self._mark = f'{{"event":"mark","streamSid":{sid},"mark":{{"name":'
        self.clear = f'{{"event":"clear","streamSid":{sid}}}'

    def media(self, audio: bytes) -> str:
        return self._media + b64encode(audio).decode("ascii") + '"}}'

    def mark(self, name: str) -> str:
        return self._mark + orjson.dumps(name).decode() + "}}"
