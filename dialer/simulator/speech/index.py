"""Everything this process ever synthesised, found again by the bytes of any 20 ms of it."""

import threading
from collections import OrderedDict
from typing import Final

from dialer.simulator.speech.utterance import Utterance
from voice_ai.mulaw import FRAME_BYTES

# Long enough that the noise alone tells two frames apart, short enough to keep the index small.
KEY_BYTES: Final = 32
_FRAME_BITS: Final = 24
_FRAME_MASK: Final = (1 << _FRAME_BITS) - 1


class FrameIndex:
    """A bounded map from frame bytes to (utterance, byte offset), oldest use forgotten first.

    Lookups take no lock, they are single dictionary reads; only a find notes the use under one.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._bytes = 0
        self._serial = 0
        self._places: dict[bytes, int] = {}
        self._utterances: dict[int, Utterance] = {}
        self._by_use: OrderedDict[object, int] = OrderedDict()
        self._names: dict[int, object] = {}
        self._lock = threading.Lock()

    @property
    def audio_bytes(self) -> int:
        return self._bytes

    def recall(self, name: object) -> Utterance | None:
        """The utterance kept under that name, counted as used."""
        with self._lock:
            serial = self._by_use.get(name)
            if serial is None:
                return None
            self._by_use.move_to_end(name)
            return self._utterances[serial]

    def keep(self, name: object, utterance: Utterance) -> Utterance:
        """Index the utterance; a name kept meanwhile by another thread wins."""
        with self._lock:
            if name in self._by_use:
                return self._utterances[self._by_use[name]]
            self._serial += 1
            self._utterances[self._serial] = utterance
            self._by_use[name] = self._serial
            self._names[self._serial] = name
            self._bytes += len(utterance.audio)
            packed = self._serial << _FRAME_BITS
            for frame, key in enumerate(_keys(utterance.audio)):
                self._places.setdefault(key, packed | frame)
            while self._bytes > self._limit and len(self._by_use) > 1:
                self._forget()
            return utterance

    def find(self, buffer: bytes, start: int, stop: int) -> tuple[int, Utterance, int] | None:
        """First position in [start, stop) where a whole known frame begins, and which it is."""
        places = self._places
        for position in range(start, stop):
            packed = places.get(buffer[position : position + KEY_BYTES])
            if packed is None:
                continue
            utterance = self._utterances.get(packed >> _FRAME_BITS)
            if utterance is None:
                continue
            offset = (packed & _FRAME_MASK) * FRAME_BYTES
            frame = utterance.audio[offset : offset + FRAME_BYTES]
            if buffer[position : position + FRAME_BYTES] == frame:
                self._used(packed >> _FRAME_BITS)
                return position, utterance, offset
        return None

    def _used(self, serial: int) -> None:
        """What is heard is in use, also when its speaker keeps the audio and asks no more."""
        with self._lock:
            name = self._names.get(serial)
            if name is not None:
                self._by_use.move_to_end(name)

    def _forget(self) -> None:
        _, serial = self._by_use.popitem(last=False)
        del self._names[serial]
        utterance = self._utterances.pop(serial)
        self._bytes -= len(utterance.audio)
        for key in _keys(utterance.audio):
            if self._places.get(key, 0) >> _FRAME_BITS == serial:
                del self._places[key]


def _keys(audio: bytes) -> list[bytes]:
    return [audio[at : at + KEY_BYTES] for at in range(0, len(audio), FRAME_BYTES)]
