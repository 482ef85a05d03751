"""One customer of the simulated speech vendor: key, quota, concurrency, latencies and faults."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from starlette.responses import JSONResponse

from dialer.simulator.draws import Draws

# Over the limit a request waits this long for a place before it is refused.
_QUEUE_S = 0.05


@dataclass(frozen=True, kw_only=True)
class SpeechFaults:
    """How often each thing goes wrong, as probabilities.

    TTS faults are drawn per text and its nth request, so that a retry may succeed; recognition
    faults per utterance and everything heard before it in the session.
    """

    tts_over_limit: float = 0.0  # 429 too_many_concurrent_requests
    tts_system_busy: float = 0.0  # 429 system_busy
    tts_slow: float = 0.0
    tts_slow_s: float = 3.0
    stt_drop: float = 0.0  # the socket closes in the middle of the utterance
    stt_error: float = 0.0  # transcriber_error in place of the transcript, then close


SPEECH_FAULTS = {
    "none": SpeechFaults(),
    "mild": SpeechFaults(tts_over_limit=0.01, tts_system_busy=0.01, tts_slow=0.01, stt_drop=0.005),
    "rough": SpeechFaults(
        tts_over_limit=0.05, tts_system_busy=0.03, tts_slow=0.05, stt_drop=0.03, stt_error=0.01
    ),
}


@dataclass(frozen=True, kw_only=True)
class ElevenLabsConfig:
    """`speed` divides every simulated wait. With no `api_key`, any key that is not empty will do.

    Latencies are ranges in seconds, drawn from what is said.
    """

    seed: int = 7
    speed: float = 1.0
    api_key: str | None = None
    tier: str = "scale"
    character_limit: int = 100_000_000
    tts_concurrency: int = 500
    stt_concurrency: int = 2000
    first_byte_s: tuple[float, float] = (0.075, 0.25)
    partial_s: tuple[float, float] = (0.03, 0.09)
    commit_s: tuple[float, float] = (0.05, 0.15)
    faults: SpeechFaults = field(default_factory=SpeechFaults)


class Refusal(Exception):
    """A request the vendor turns down, as status code and `detail`."""

    def __init__(self, status_code: int, status: str, message: str) -> None:
        super().__init__(message)
        self.status_code = status_code
        self.status = status
        self.message = message

    def response(self) -> JSONResponse:
        detail = {"status": self.status, "message": self.message}
        return JSONResponse({"detail": detail}, self.status_code)


def over_limit(limit: int) -> Refusal:
    return Refusal(
        429,
        "too_many_concurrent_requests",
        f"Too many concurrent requests. Your current subscription allows {limit} at a time.",
    )


class Account:
    """The state that requests share."""

    def __init__(self, config: ElevenLabsConfig) -> None:
        self.config = config
        self.character_count = 0
        self.generating_now = 0
        self.sessions_now = 0
        self._requests = 0
        self._asked: Counter[tuple[str, str]] = Counter()
        self._draws = Draws.about("speech vendor", config.seed)

    def next_id(self, kind: str) -> str:
        self._requests += 1
        return f"{int(self._draws.unit('id', kind, self._requests) * 2**53):020d}"

    def authorise(self, key: str | None) -> None:
        """Raises Refusal for a missing or a wrong key."""
        expected = self.config.api_key
        if key and expected in (None, key):
            return
        raise Refusal(
            401,
            "invalid_api_key" if key else "needs_authorization",
            "Invalid API key" if key else "Neither authorization header nor xi-api-key received.",
        )

    def charge(self, characters: int) -> None:
        """Count the characters. Raises Refusal when they exceed the quota, and counts nothing."""
        left = self.config.character_limit - self.character_count
        if characters > left:
            raise Refusal(
                401,
                "quota_exceeded",
                f"This request exceeds your quota of {self.config.character_limit}. You have "
                f"{max(0, left)} credits remaining, while {characters} credits are required.",
            )
        self.character_count += characters

    @asynccontextmanager
    async def generating(self) -> AsyncIterator[int]:
        """Hold one of the plan's places; gives how many are held. Raises Refusal when none is."""
        if self.generating_now >= self.config.tts_concurrency:
            await self.wait(_QUEUE_S)
            if self.generating_now >= self.config.tts_concurrency:
                raise over_limit(self.config.tts_concurrency)
        self.generating_now += 1
        try:
            yield self.generating_now
        finally:
            self.generating_now -= 1

    async def first_byte(self, voice: str, text: str) -> None:
        """Wait as long as synthesis takes to begin. Raises Refusal where a fault says so."""
        faults, name = self.config.faults, (voice, text)
        nth = self._asked[name]
        if faults != SpeechFaults():
            self._asked[name] += 1
        if self._strikes(faults.tts_over_limit, "over limit", *name, nth):
            raise over_limit(self.config.tts_concurrency)
        if self._strikes(faults.tts_system_busy, "busy", *name, nth):
            raise Refusal(429, "system_busy", "The system is experiencing heavy traffic.")
        slow = faults.tts_slow_s if self._strikes(faults.tts_slow, "slow", *name, nth) else 0.0
        await self.wait(self.latency(self.config.first_byte_s, *name) + slow)

    def strikes(self, rate: float, fault: str, history: tuple[int, ...]) -> bool:
        """Whether a recognition fault happens after these utterances of a session."""
        return self._strikes(rate, fault, *history)

    def latency(self, within: tuple[float, float], *about: str | int) -> float:
        return self._draws.between(*within, "latency", *about)

    async def wait(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self.config.speed)

    def _strikes(self, rate: float, *question: str | int) -> bool:
        return rate > 0 and self._draws.chance(rate, "fault", *question)
