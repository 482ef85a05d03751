"""Answering machine detection: what the carrier will say about who answered, and when."""

from dataclasses import dataclass

from dialer.simulator.callee import Callee, Human, Voicemail
from dialer.simulator.callees import Plan
from dialer.simulator.machines import Fax
from dialer.simulator.orders import Detection

# Audio seconds after the answer; assumptions, no distribution is published. A machine's verdict
# falls well inside the second sentence of a usual opening: at the seam between two sentences, some
# milliseconds of latency would decide whether the second one was begun.
_HUMAN_S = (1.5, 2.5)
_MACHINE_S = (3.5, 5.0)
_SILENT_S = 5.0
_AFTER_BEEP_S = 0.2


@dataclass(frozen=True)
class Verdict:
    answered_by: str
    at_s: float


def detect(detection: Detection, plan: Plan, callee: Callee, error_rate: float) -> Verdict:
    """The verdict; wrong as often as `error_rate` says, drawn per attempt."""
    machine = not isinstance(callee, Human)
    if not machine and plan.persona.silent:
        return Verdict("unknown", min(_SILENT_S, detection.timeout))
    wrong = plan.draws.chance(error_rate, "amd")
    if machine is wrong:
        at = plan.draws.between(*_HUMAN_S, "amd at")
        return Verdict("human", min(at, detection.timeout))
    if isinstance(callee, Fax):
        at = plan.draws.between(*_MACHINE_S, "amd at")
        return Verdict("fax", min(at, detection.timeout))
    if isinstance(callee, Voicemail) and detection.mode == "DetectMessageEnd":
        at = callee.beep_ends_s + _AFTER_BEEP_S
        if at <= detection.timeout:
            return Verdict("machine_end_beep", at)
        return Verdict("unknown", detection.timeout)
    at = plan.draws.between(*_MACHINE_S, "amd at")
    if detection.mode == "DetectMessageEnd":
        return Verdict("machine_end_silence", at)
    return Verdict("machine_start", min(at, detection.timeout))
