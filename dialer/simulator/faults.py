"""What goes wrong on the wire, how often, and the draws that say when."""

from dataclasses import dataclass
from enum import StrEnum

from dialer.simulator.draws import Draws


class Fault(StrEnum):
    """`lost_response`, `late_answer` and `error_after_accepting` leave a call behind;
    `rate_limited` and `server_error` do not. `slow_accept`: the request was long on its way."""

    LOST_RESPONSE = "lost_response"
    ERROR_AFTER_ACCEPTING = "error_after_accepting"
    RATE_LIMITED = "rate_limited"
    SERVER_ERROR = "server_error"
    LATE_ANSWER = "late_answer"
    SLOW_ACCEPT = "slow_accept"
    FORGED_CALLBACK = "forged_callback"
    DUPLICATE_CALLBACK = "duplicate_callback"
    LOST_CALLBACK = "lost_callback"
    REORDERED_CALLBACK = "reordered_callback"
    LATE_CALLBACK = "late_callback"
    MEDIA_DROP = "media_drop"


@dataclass(frozen=True, kw_only=True)
class FaultProfile:
    """How often each fault happens, as probabilities; callbacks are drawn one by one.

    Times are clock seconds: every request takes `least_latency` to `most_latency` to arrive.
    """

    name: str
    lost_response: float = 0.0
    error_after_accepting: float = 0.0
    rate_limited: float = 0.0
    server_error: float = 0.0
    late_answer: float = 0.0
    slow_accept: float = 0.0
    forged_callback: float = 0.0
    duplicate_callback: float = 0.0
    lost_callback: float = 0.0
    reordered_callback: float = 0.0
    late_callback: float = 0.0
    media_drop: float = 0.0
    least_latency: float = 0.0
    most_latency: float = 0.0
    late_answer_s: float = 12.0
    slow_accept_s: float = 30.0
    late_callback_s: float = 2.0

    def rate(self, fault: Fault) -> float:
        rate: float = getattr(self, fault.value)
        return rate

    def strikes(self, fault: Fault, draws: Draws, *question: str | int) -> bool:
        rate = self.rate(fault)
        return rate > 0 and draws.chance(rate, "fault", fault.value, *question)


NONE = FaultProfile(name="none")
MILD = FaultProfile(
    name="mild",
    lost_response=0.01,
    error_after_accepting=0.01,
    rate_limited=0.02,
    duplicate_callback=0.02,
    lost_callback=0.01,
    reordered_callback=0.02,
    late_callback=0.02,
    media_drop=0.01,
)
ROUGH = FaultProfile(
    name="rough",
    lost_response=0.06,
    error_after_accepting=0.03,
    rate_limited=0.05,
    duplicate_callback=0.2,
    lost_callback=0.05,
    reordered_callback=0.1,
    late_callback=0.05,
    media_drop=0.03,
)
PROFILES = {profile.name: profile for profile in (NONE, MILD, ROUGH)}
