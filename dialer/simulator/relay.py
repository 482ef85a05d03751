"""One ConversationRelay session: the carrier's own ears and voice between a callee and text.

The callee hears and speaks audio as on any other call; this side recognises what they say and
speaks what the application sends, with the turn-taking that the real service brings along.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
import structlog

from dialer.simulator.call import Call, new_sid
from dialer.simulator.callee import SILENT_FRAME
from dialer.simulator.line import Line
from dialer.simulator.socket_client import SocketClient, connect_socket
from dialer.simulator.speech import Final, Hearing, Speech, Utterance
from dialer.simulator.twiml import ConnectRelay
from dialer.simulator.webhooks import sign
from voice_ai.mulaw import SAMPLE_RATE

log = structlog.get_logger(__name__)

CONNECT_FAILED = 64102
SOCKET_ENDED = 64105
INVALID_MESSAGE = 64107
# Pause that ends the callee's turn, and the wait for the first sound of an answer.
_SPEECH_TIMEOUT_S = 0.5
_SYNTHESIS_S = 0.25
_SENTENCE_ENDS = (".", "!", "?")
_BACKCHANNEL = frozenset(
    ("mhm", "mm", "mmm", "hm", "uh", "huh", "aha", "ah", "oh", "um", "er", "okay", "ok", "right",
     "yeah", "yep")
)  # fmt: skip
_FIELDS: Mapping[str, Mapping[str, tuple[type, ...]]] = {
    "text": {"token": (str,), "last": (bool,), "lang": (str,), "interruptible": (bool, str),
             "preemptible": (bool,)},
    "play": {"source": (str,), "loop": (int,), "interruptible": (bool, str),
             "preemptible": (bool,)},
    "sendDigits": {"digits": (str,)},
    "language": {"ttsLanguage": (str,), "transcriptionLanguage": (str,)},
    "end": {"handoffData": (str,)},
}  # fmt: skip
_REQUIRED = {"text": ("token",), "play": ("source",), "sendDigits": ("digits",)}


class InvalidMessage(Exception):
    """The text says what is wrong, as the error message tells the application."""


@dataclass
class _Sentence:
    """Something that waits to be heard: its audio lies in the playout from byte `begins` on."""

    utterance: Utterance
    begins: int

    @property
    def ends(self) -> int:
        return self.begins + len(self.utterance.audio)

    def words_by(self, played: int) -> list[str]:
        seconds = (played - self.begins) / SAMPLE_RATE
        return [word.text for word in self.utterance.words if word.end <= seconds]


@dataclass
class _Cycle:
    """What is spoken until a token with `last`."""

    interruptible: bool
    preemptible: bool
    over: bool = False
    sentences: list[_Sentence] = field(default_factory=list)


class RelayStream:
    """Speaks the protocol on an open socket; `open` makes one."""

    def __init__(self, call: Call, line: Line, verb: ConnectRelay, speech: Speech) -> None:
        self.sid = new_sid("VX")
        self.handoff: str | None = None
        self._call = call
        self._line = line
        self._verb = verb
        self._speech = speech
        self._ear = speech.listen(silence_commit_s=_SPEECH_TIMEOUT_S, mishearing=True)
        self._socket: SocketClient | None = None
        self._cycles: list[_Cycle] = []
        self._unspoken = ""
        self._opened_s = line.seconds

    @classmethod
    async def open(
        cls, call: Call, line: Line, verb: ConnectRelay, speech: Speech
    ) -> "RelayStream":
        """Connect, say `setup`, and join the line. Raises SocketFailed."""
        stream = cls(call, line, verb, speech)
        headers = {
            "X-Twilio-Signature": sign(call.token, verb.url, {}),
            "User-Agent": "Twilio.TmeWs/1.0",
        }
        stream._socket = await connect_socket(verb.url, headers, stream._received)
        stream._start()
        return stream

    @property
    def seconds(self) -> int:
        return round(self._line.seconds - self._opened_s)

    async def ended(self) -> bool:
        """Until the session is over; True when the application said `end`."""
        assert self._socket is not None
        await self._socket.closed
        return self.handoff is not None

    def stop(self) -> None:
        """Leave the line, and close."""
        self._leave()
        if self._socket is not None:
            self._socket.close()

    def drop(self) -> None:
        """Break the connection without a word, as a network does."""
        self._leave()
        if self._socket is not None:
            self._socket.abort()

    def _leave(self) -> None:
        line = self._line
        line.on_frame = line.on_digit = None
        line.playout.clear()

    def _start(self) -> None:
        call, order = self._call, self._call.order
        self._send(
            {
                "type": "setup",
                "sessionId": self.sid,
                "accountSid": call.account_sid,
                "parentCallSid": "",
                "callSid": call.sid,
                "from": order.sender,
                "to": order.to,
                "forwardedFrom": "",
                "callType": "PSTN",
                "callerName": "",
                "direction": "outbound-api",
                "callStatus": "IN-PROGRESS",
                "customParameters": dict(self._verb.parameters),
            }
        )
        if self._verb.welcome_greeting:
            self._speak(self._verb.welcome_greeting, interruptible=True, preemptible=False)
            self._cycles[-1].over = True
        self._line.on_frame = self._hear
        self._line.on_digit = self._press

    def _send(self, message: Mapping[str, object]) -> None:
        if self._socket is not None:
            self._socket.send(orjson.dumps(message))

    # The callee's side.

    def _hear(self, frame: bytes | None) -> None:
        for hearing in self._ear.feed(SILENT_FRAME if frame is None else frame):
            self._understand(hearing)

    def _understand(self, hearing: Hearing) -> None:
        if not hearing.text:
            return
        cycle, verb = self._playing(), self._verb
        if cycle is not None:
            if verb.ignores_backchannel and _is_backchannel(hearing.text):
                return
            if cycle.interruptible and "speech" in verb.interrupted_by:
                self._interrupt(cycle)
            elif not verb.reports_over_agent:
                return
        last = isinstance(hearing, Final)
        if last or verb.partial_prompts:
            self._send(
                {
                    "type": "prompt",
                    "voicePrompt": hearing.text,
                    "lang": verb.language,
                    "last": last,
                }
            )

    def _press(self, digit: str) -> None:
        cycle = self._playing()
        if cycle is not None and cycle.interruptible and "dtmf" in self._verb.interrupted_by:
            self._hush()
        if self._verb.dtmf:
            self._send({"type": "dtmf", "digit": digit})

    def _interrupt(self, cycle: _Cycle) -> None:
        played = self._line.playout.played
        words = [word for each in cycle.sentences for word in each.words_by(played)]
        began = cycle.sentences[0].begins
        self._hush()
        self._send(
            {
                "type": "interrupt",
                "utteranceUntilInterrupt": " ".join(words),
                "durationUntilInterruptMs": max(0, round(1000 * (played - began) / SAMPLE_RATE)),
            }
        )

    def _playing(self) -> _Cycle | None:
        """The talk cycle of which something is still to be heard."""
        played = self._line.playout.played
        for cycle in self._cycles:
            if cycle.sentences and cycle.sentences[-1].ends > played:
                return cycle
        return None

    def _hush(self) -> None:
        self._line.playout.clear()
        self._cycles.clear()
        self._unspoken = ""

    # The application's side.

    def _received(self, text: bytes) -> None:
        try:
            self._handle(_checked(text))
        except InvalidMessage as problem:
            log.warning("relay_message_invalid", call_sid=self._call.sid)
            self._send({"type": "error", "description": f"{INVALID_MESSAGE}: {problem}"})

    def _handle(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "text":
                self._say(message)
            case "end":
                self.handoff = message.get("handoffData", "")
                self.stop()
            case "language":
                return
            case kind:
                raise InvalidMessage(f"{kind} is not played by this carrier")

    def _say(self, message: dict[str, Any]) -> None:
        self._unspoken += message["token"]
        last = message.get("last", False)
        if self._unspoken.strip() and (last or self._unspoken.rstrip().endswith(_SENTENCE_ENDS)):
            spoken, self._unspoken = self._unspoken.strip(), ""
            self._speak(
                spoken,
                interruptible=message.get("interruptible", True) not in (False, "none"),
                preemptible=message.get("preemptible", False),
            )
        if last and self._cycles:
            self._cycles[-1].over = True

    def _preempt(self) -> None:
        """The next talk cycle takes the place of those before it that allow it."""
        while self._cycles and self._cycles[-1].preemptible:
            for sentence in self._cycles.pop().sentences[:1]:
                self._line.playout.take_back(sentence.begins)

    def _speak(self, text: str, *, interruptible: bool, preemptible: bool) -> None:
        cycles, playout = self._cycles, self._line.playout
        if not cycles or cycles[-1].over:
            self._preempt()
            cycles.append(_Cycle(interruptible, preemptible))
        try:
            utterance = self._speech.speak(text, voice=f"relay-{self._verb.voice}")
        except ValueError as problem:
            raise InvalidMessage(str(problem)) from problem
        if playout.empty:
            playout.write(Speech.silence(_SYNTHESIS_S))
        cycles[-1].sentences.append(_Sentence(utterance, playout.written))
        playout.write(utterance.audio)


def _checked(text: bytes) -> dict[str, Any]:
    """Raises InvalidMessage, as the real service validates every message it gets."""
    try:
        message = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidMessage("Invalid message received: not JSON") from error
    kind = message.get("type") if isinstance(message, dict) else None
    if not isinstance(kind, str) or kind not in _FIELDS:
        raise InvalidMessage("Invalid message received: type")
    known = _FIELDS[kind]
    for name in _REQUIRED.get(kind, ()):
        if name not in message:
            raise InvalidMessage(f"Invalid message received: {name} is missing")
    for name, value in message.items():
        if name != "type" and not (name in known and isinstance(value, known[name])):
            raise InvalidMessage(f"Invalid message received: {name}")
    return dict(message)


def _is_backchannel(text: str) -> bool:
    words = re.findall(r"[a-z]+", text.casefold())
    return bool(words) and all(word in _BACKCHANNEL for word in words)
