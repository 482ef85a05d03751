"""What a call needs from the world around it: a socket, ears, a voice, a mind and a log.

The adapters and the composition root implement these; the media session knows nothing else.
Audio is mu-law, 8 kHz, mono. Latencies are milliseconds of clock time; None means unmeasured.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple, Protocol

from voice_ai.answering import AnswerVerdict


class SocketClosed(Exception):
    """The carrier's side of the media socket is gone; `properly` when it took its leave."""

    def __init__(self, *, properly: bool = False) -> None:
        super().__init__()
        self.properly = properly


class MediaSocket(Protocol):
    async def receive(self) -> str | bytes:
        """The next message. Raises SocketClosed."""

    async def send(self, text: str) -> None:
        """Raises SocketClosed."""

    async def close(self) -> None: ...


class PumpedSocket(MediaSocket, Protocol):
    """For many messages a second."""

    async def pump(self, take: Callable[[str | bytes], None]) -> None:
        """Hand over every further message at once. Raises SocketClosed, and what `take` raises."""


class EarsLost(Exception):
    """The recogniser cannot be reached or gave up; the message holds no personal data."""


class PartialText(NamedTuple):
    """What the person seems to be saying; replaced by the next one."""

    text: str


class FinalText(NamedTuple):
    """A committed transcript, possibly empty; times are seconds of the audio sent to these ears."""

    text: str
    start_s: float | None = None
    end_s: float | None = None


EarEvent = PartialText | FinalText


class Ears(Protocol):
    """One streaming recogniser on one call."""

    async def send(self, audio: bytes) -> None:
        """Raises EarsLost."""

    async def commit(self) -> None:
        """The turn is over: answer what was heard with one `FinalText`. Raises EarsLost."""

    def hear(self) -> AsyncIterator[EarEvent]:
        """Events until the ears are closed. Raises EarsLost."""

    async def close(self) -> None: ...


class EarsFactory(Protocol):
    async def open(self, *, language: str) -> Ears:
        """`language` as in a script, `en-US`. Raises EarsLost."""


class SynthesisFailed(Exception):
    """One request to a speech vendor failed; the message holds no personal data."""

    def __init__(self, message: str, *, worth_retrying: bool) -> None:
        super().__init__(message)
        self.worth_retrying = worth_retrying


class Recording(NamedTuple):
    """Mu-law audio of a text, or a piece of it.

    `ends_ms`: when each further character has been said, since the text's beginning; empty where
    the vendor did not tell.
    """

    audio: bytes
    ends_ms: tuple[int, ...] = ()


class Synthesis(Protocol):
    """One vendor's voice; `voice`, `model` and `output_format` are what decides how it sounds."""

    @property
    def voice(self) -> str: ...

    @property
    def model(self) -> str: ...

    @property
    def output_format(self) -> str: ...

    def synthesise(self, text: str) -> AsyncGenerator[Recording, None]:
        """Pieces as they come. Raises SynthesisFailed."""


class VoiceLost(Exception):
    """A sentence could not be spoken, also not at another attempt; no personal data."""


class SpokenAudio(NamedTuple):
    """`cached` when it comes from the prompt cache, so that no synthesis was waited for.

    `ends_ms` as in `Recording`.
    """

    audio: bytes
    cached: bool
    ends_ms: tuple[int, ...] = ()


class Voice(Protocol):
    def speak(self, text: str, key: str | None) -> AsyncGenerator[SpokenAudio, None]:
        """`key` names a fixed prompt, worth keeping; None is said once. Raises VoiceLost."""

    def remembered(self, text: str) -> Recording | None:
        """A text that can sound at once; None when it would be waited for."""


class LastResort(Protocol):
    """Who speaks when no voice of ours does: the carrier itself, in a voice of its own."""

    async def say_and_end(self, text: str, language: str) -> bool:
        """Takes the call from us, and ends it after these words; False when it did not."""


class Prediction(Protocol):
    """One model's word on one utterance; `ml.serving.Prediction` is one."""

    @property
    def task(self) -> str: ...

    @property
    def label(self) -> str: ...

    @property
    def score(self) -> float | None: ...

    @property
    def scores(self) -> Mapping[str, float]: ...

    @property
    def model_name(self) -> str: ...

    @property
    def version(self) -> str: ...

    @property
    def latency_us(self) -> float: ...

    @property
    def slot(self) -> str | None:
        """Whose answer it is in a call of a canary: champion or challenger; None in any other."""


@dataclass(frozen=True, slots=True)
class Understanding:
    """`apart`: what `emotion` was made of, where it was made of the words and the voice."""

    intent: Prediction | None
    emotion: Prediction | None
    opt_out: Prediction | None = None
    apart: tuple[Prediction, ...] = ()


class VoiceEars(Protocol):
    """Hears the feelings in one call's voice; `ml.serving.VoiceListener` is one.

    Synchronous and quick: it runs on the event loop.
    """

    def feed(self, ulaw: bytes) -> None:
        """More of the present turn of the person."""

    def drop(self) -> None:
        """It was no turn after all."""

    def end(self) -> Prediction | None:
        """Of the turn that is over; None when it tells nothing."""

    def together(self, words: Prediction | None, sound: Prediction) -> Prediction | None:
        """One feeling of both; None where it is better to say none."""


class Mind(Protocol):
    """Synchronous and quick: both run on the event loop."""

    def understand(self, text: str) -> Understanding: ...

    def who_says(self, text: str) -> Mapping[str, float] | None:
        """How likely each kind of answerer says this; None: no model tells."""


class AnswerFailed(Exception):
    """A model gave no answer; `why` is one word for it, without personal data."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True)
class Question:
    """What a model is told of a call: no name, no number, nothing of what was said before."""

    text: str
    asked_before: str | None
    topic: str
    facts: tuple[str, ...]
    max_words: int
    timeout_s: float
    language: str


class Answerer(Protocol):
    async def answer(self, question: Question) -> str:
        """The whole answer, not yet judged, within `timeout_s` real seconds. Raises AnswerFailed:

        `late`, `refused` by the endpoint, `busy` (429), `broken` off, or `failed`.
        """


@dataclass(frozen=True, slots=True)
class TurnRecord:
    """One row of `turns`; `index` counts the turns of the call in the order in which they began.

    `endpoint_ms`, `stt_tail_ms` and `mind_ms` are on the person's turns; `tts_first_byte_ms` (None
    when cached) and `response_ms` (end of the person's speech to first audio handed to the socket)
    on the agent's turn that answers them. On an agent's turn that gives a free-form answer, or its
    fallback, `mind_ms` is how long the answer was looked for. Digits pressed are a turn of the
    person, `pressed 9`.
    """

    index: int
    speaker: Literal["agent", "caller"]
    node: str | None
    text: str
    started_at: datetime
    ended_at: datetime
    prompt_key: str | None = None
    heard_fraction: float | None = None
    interrupted: bool | None = None
    endpoint_ms: float | None = None
    stt_tail_ms: float | None = None
    mind_ms: float | None = None
    tts_first_byte_ms: float | None = None
    response_ms: float | None = None
    intent: Prediction | None = None
    emotion: Prediction | None = None
    opt_out: Prediction | None = None
    apart: tuple[Prediction, ...] = ()

    @property
    def predictions(self) -> tuple[Prediction, ...]:
        """What models said of this turn."""
        said = (self.intent, self.emotion, self.opt_out, *self.apart)
        return tuple(each for each in said if each is not None)


class CallLog(Protocol):
    """What a call leaves behind; each is durable when it returns.

    The session calls them in the order in which things happened, one at a time, except `opt_out`,
    which it awaits at once, before another word is spoken.
    """

    async def media_started(self, stream_sid: str) -> None: ...

    async def turn(self, turn: TurnRecord) -> None: ...

    async def barge_in(self, index: int, heard_fraction: float) -> None:
        """The agent's turn `index` (already logged) was cut by the person."""

    async def answered(self, verdict: AnswerVerdict) -> None:
        """Our own verdict on who answered; a later one revises it."""

    async def opt_out(self, evidence: str) -> None:
        """`speech` or `digit`. The goodbye is spoken only after this has returned."""

    async def recording_declined(self) -> None:
        """The person does not want to be recorded; nothing of the call is kept."""

    async def outcome(
        self, disposition: str | None, end_reason: str, slots: Mapping[str, str]
    ) -> None:
        """`slots` is what the person said in this call, in their own words: redact."""

    async def media_stopped(self, reason: str) -> None: ...

    async def answered_freely(self, why: str) -> None:
        """What became of one free-form answer: `spoken`, or why it was not."""


class Onlooker(Protocol):
    """Watches a call as it goes. It returns at once and never raises: a call waits for nobody."""

    def partial(self, text: str) -> None:
        """What the person seems to be saying."""

    def saying(self, text: str) -> None:
        """What the agent begins to say."""


class Nobody:
    """An onlooker who does not look."""

    def partial(self, text: str) -> None:
        return None

    def saying(self, text: str) -> None:
        return None


@dataclass(frozen=True, slots=True)
class StreamStart:
    """The carrier's `start` message: which call this socket carries."""

    stream_sid: str
    call_sid: str
    account_sid: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    encoding: str = "audio/x-mulaw"
    sample_rate: int = 8000
