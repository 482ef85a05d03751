"""One bidirectional Media Stream: the callee's frames out, sounds and marks in."""

import binascii
from base64 import b64encode
from collections.abc import Mapping

import orjson
import structlog

from dialer.simulator.call import Call, new_sid
from dialer.simulator.callee import SILENT_FRAME
from dialer.simulator.line import Line
from dialer.simulator.socket_client import SocketClient, connect_socket
from dialer.simulator.twiml import ConnectStream
from dialer.simulator.webhooks import sign

log = structlog.get_logger(__name__)

HANDSHAKE_FAILED = 31920
INVALID_MESSAGE = 31951
_SILENCE = b64encode(SILENT_FRAME)
_CONNECTED = b'{"event":"connected","protocol":"Call","version":"1.0.0"}'


class MediaStream:
    """Speaks the protocol on an open socket; `open` makes one."""

    def __init__(self, call: Call, line: Line) -> None:
        self.sid = new_sid("MZ")
        self.error: str | None = None
        self._call = call
        self._line = line
        self._socket: SocketClient | None = None
        self._sequence = 0
        self._chunk = 0
        self._tail = b'"},"streamSid":"' + self.sid.encode() + b'"}'

    @classmethod
    async def open(cls, call: Call, line: Line, verb: ConnectStream) -> "MediaStream":
        """Connect, say `connected` and `start`, and join the line. Raises SocketFailed."""
        stream = cls(call, line)
        headers = {
            "X-Twilio-Signature": sign(call.token, verb.url, {}),
            "User-Agent": "Twilio.TmeWs/1.0",
        }
        stream._socket = await connect_socket(verb.url, headers, stream._received)
        stream._start(verb.parameters)
        return stream

    async def ended(self) -> bool:
        """Until the socket is closed; True when the application closed it properly."""
        assert self._socket is not None
        return await self._socket.closed

    def stop(self) -> None:
        """Leave the line, say `stop`, and close."""
        self._leave()
        self._send("stop", {"accountSid": self._call.account_sid, "callSid": self._call.sid})
        if self._socket is not None:
            self._socket.close()

    def drop(self) -> None:
        """Break the connection without a word, as a network does."""
        self._leave()
        if self._socket is not None:
            self._socket.abort()

    def _leave(self) -> None:
        line = self._line
        line.on_frame = line.on_marks = line.on_digit = None
        line.playout.clear()

    def _start(self, parameters: Mapping[str, str]) -> None:
        assert self._socket is not None
        self._socket.send(_CONNECTED)
        self._send(
            "start",
            {
                "accountSid": self._call.account_sid,
                "streamSid": self.sid,
                "callSid": self._call.sid,
                "tracks": ["inbound"],
                "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
                "customParameters": dict(parameters),
            },
        )
        line = self._line
        line.on_frame = self._send_frame
        line.on_marks = self._send_marks
        line.on_digit = self._send_digit

    def _send(self, event: str, content: Mapping[str, object]) -> None:
        if self._socket is None:
            return
        self._sequence += 1
        message = {
            "event": event,
            "sequenceNumber": str(self._sequence),
            event: content,
            "streamSid": self.sid,
        }
        self._socket.send(orjson.dumps(message))

    def _send_frame(self, frame: bytes | None) -> None:
        # 50 times a second and call: no serialiser, one concatenation.
        self._sequence += 1
        self._chunk += 1
        payload = _SILENCE if frame is None else b64encode(frame)
        assert self._socket is not None
        self._socket.send(
            b'{"event":"media","sequenceNumber":"%d","media":{"track":"inbound","chunk":"%d",'
            b'"timestamp":"%d","payload":"'
            % (self._sequence, self._chunk, (self._chunk - 1) * 20)
            + payload
            + self._tail
        )

    def _send_marks(self, names: list[str]) -> None:
        for name in names:
            self._send("mark", {"name": name})

    def _send_digit(self, digit: str) -> None:
        self._send("dtmf", {"track": "inbound_track", "digit": digit})

    def _received(self, text: bytes) -> None:
        try:
            self._handle(orjson.loads(text))
        except (orjson.JSONDecodeError, binascii.Error, KeyError, TypeError, AttributeError):
            self._complain()

    def _handle(self, message: dict[str, dict[str, str]]) -> None:
        event = str(message["event"])
        if event == "media":
            payload = binascii.a2b_base64(message["media"]["payload"])
            self._line.playout.write(payload)
        elif event == "mark":
            self._line.playout.mark(str(message["mark"]["name"]))
        elif event == "clear":
            self._send_marks(self._line.playout.clear())
        else:
            self._complain()

    def _complain(self) -> None:
        """An invalid message is reported and ignored; the stream goes on."""
        self.error = f"{INVALID_MESSAGE} - Stream - Protocol - Invalid Message"
        log.warning("stream_message_invalid", call_sid=self._call.sid)
