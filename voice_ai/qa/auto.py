"""What facts alone tell a scorecard: every call is judged so. What is not known stays None."""

from collections.abc import Sequence
from dataclasses import dataclass

from voice_ai.conversation.keywords import is_opt_out
from voice_ai.qa.card import GateMark

QUICK_MS = 2000.0
SCORER = "facts-1"
_SAID_GOODBYE = frozenset({"script_end", "callback", "declined", "opt_out", "wrong_person"})


@dataclass(frozen=True)
class TurnFact:
    speaker: str
    node: str | None
    text: str | None
    heard_fraction: float | None = None
    response_ms: float | None = None


@dataclass(frozen=True)
class CallFacts:
    """`opening` are the parts of the script's opening in their order, `notice` the one of them that

    announces the recording (None: it is not recorded). `suppressed` None: nobody asked for it.
    """

    start: str | None
    opening: tuple[str, ...]
    notice: str | None
    turns: tuple[TurnFact, ...]
    opted_out: bool
    suppressed: bool
    dialed_after_opt_out: bool
    allowed: bool | None
    refused_hours: bool
    disposition: str | None
    end_reason: str | None


def auto_gates(facts: CallFacts) -> dict[str, GateMark | None]:
    return {
        "identified": _opening_part(facts, "identify"),
        "ai_disclosed": _opening_part(facts, "disclose"),
        "recording_notice": (
            _opening_part(facts, facts.notice) if facts.notice or not facts.opening else "n/a"
        ),
        "opt_out_honoured": _opt_out(facts),
        "no_false_claim": None,
        "hours_ok": _hours(facts),
    }


def auto_scores(facts: CallFacts) -> dict[str, float | None]:
    return {
        "opening": _opening(facts),
        "listening": _quick(facts.turns),
        "accuracy": None,
        "objections": None,
        "progress": _progress(facts),
        "tone": None,
        "close": _close(facts),
    }


def _spoken(facts: CallFacts) -> list[TurnFact]:
    """The sentences of the opening as they were spoken, the first time."""
    own = [one for one in facts.turns if one.speaker == "agent" and one.node == facts.start]
    return own[: len(facts.opening)]


def _opening_part(facts: CallFacts, part: str | None) -> GateMark | None:
    """Heard to its end, or not; None when the call did not come so far or nobody knows."""
    if part is None or part not in facts.opening:
        return None
    spoken, place = _spoken(facts), facts.opening.index(part)
    if place < len(spoken):
        heard = spoken[place].heard_fraction
        return None if heard is None else "pass" if heard >= 1 else "fail"
    went_on = any(one.speaker == "agent" and one.node != facts.start for one in facts.turns)
    return "fail" if spoken and went_on else None


def _opt_out(facts: CallFacts) -> GateMark | None:
    said = any(one.speaker == "caller" and is_opt_out(one.text or "") for one in facts.turns)
    if not facts.opted_out:
        return "fail" if said else "n/a"
    return "pass" if facts.suppressed and not facts.dialed_after_opt_out else "fail"


def _hours(facts: CallFacts) -> GateMark | None:
    if facts.refused_hours:
        return "fail"
    return None if facts.allowed is None else "pass" if facts.allowed else "fail"


def _opening(facts: CallFacts) -> float | None:
    spoken = _spoken(facts)
    if not spoken or not facts.opening:
        return None
    return sum((one.heard_fraction or 0) >= 1 for one in spoken) / len(facts.opening)


def _quick(turns: Sequence[TurnFact]) -> float | None:
    measured = [one.response_ms for one in turns if one.response_ms is not None]
    return sum(ms <= QUICK_MS for ms in measured) / len(measured) if measured else None


def _progress(facts: CallFacts) -> float | None:
    if not any(one.speaker == "caller" for one in facts.turns):
        return None
    return {"goal": 1.0, "callback_requested": 0.5}.get(facts.disposition or "", 0.0)


def _close(facts: CallFacts) -> float | None:
    if facts.end_reason is None or not any(one.speaker == "caller" for one in facts.turns):
        return None
    return float(facts.end_reason in _SAID_GOODBYE)
