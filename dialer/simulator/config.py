"""Everything a simulator is told, once, when it starts."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from dialer.simulator.faults import NONE, FaultProfile
from dialer.simulator.speech import VoiceEngine
from voice_ai.clock import Clock, RehearsalClock

ANSWER_MIX: Mapping[str, float] = {
    "human": 0.45,
    "no_answer": 0.25,
    "voicemail": 0.20,
    "busy": 0.08,
    "failed": 0.02,
}


@dataclass(frozen=True, kw_only=True)
class Pacing:
    """How long people and networks take, in clock seconds; ranges are drawn per attempt."""

    setup: tuple[float, float] = (0.4, 1.6)
    ring: tuple[float, float] = (2.0, 14.0)
    hello: tuple[float, float] = (0.2, 0.5)
    reaction: tuple[float, float] = (0.3, 0.9)
    second_hello: float = 10.0
    gives_up: float = 25.0
    after_goodbye: float = 1.5
    voicemail_hangs_up: float = 20.0
    longest_call: float = 180.0
    media_wait: float = 5.0

    def at_speed(self, speed: float) -> "Pacing":
        """The same, with waits for the application never shorter than a second of real time.

        Otherwise a fast simulation on a busy machine would decide by chance who hangs up first.
        """
        return replace(
            self,
            after_goodbye=self.after_goodbye * max(1.0, speed),
            second_hello=max(self.second_hello, speed),
            gives_up=max(self.gives_up, 1.5 * speed),
            media_wait=max(self.media_wait, speed),
        )


@dataclass(frozen=True, kw_only=True)
class SimulatorConfig:
    """`speed` divides every simulated duration, the 20 ms of an audio frame included.

    `cps` calls per second start at most, the rest wait in the queue; more than `concurrency`
    calls at once are refused. `colleagues` says what people at those numbers do, who are asked to
    take a call over: takes, refuses, voicemail, no_answer, busy, failed. With no `auth_token`,
    whatever password a request came with signs that call's webhooks. `personas` overrides the
    weights of the people who answer.
    """

    host: str = "127.0.0.1"
    port: int = 4010
    seed: int = 7
    speed: float = 1.0
    cps: float | None = None
    concurrency: int | None = None
    faults: FaultProfile = NONE
    auth_token: str | None = None
    word_error_rate: float = 0.08
    voice_engine: VoiceEngine = "builtin"
    amd_error_rate: float = 0.02
    listing_lag: float = 0.0
    answer_mix: Mapping[str, float] = field(default_factory=lambda: dict(ANSWER_MIX))
    personas: Mapping[str, float] | None = None
    colleagues: Mapping[str, str] = field(default_factory=dict)
    pacing: Pacing = field(default_factory=Pacing)
    clock_start: datetime | None = None
    recordings_kept: int = 200

    def clock(self) -> Clock:
        """A clock that starts now, at `clock_start` if that is given, and runs at `speed`."""
        real = datetime.now(UTC)
        return RehearsalClock(real, self.clock_start or real, self.speed)
