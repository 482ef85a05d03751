"""What a command makes of a campaign's state: pure, shared by who asks and who obeys."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Transition:
    """A command leads from these states to that one."""

    sources: tuple[str, ...]
    target: str


TRANSITIONS: Mapping[str, Transition] = {
    "start": Transition(("draft", "stopped", "completed"), "running"),
    "pause": Transition(("running",), "paused"),
    "resume": Transition(("paused",), "running"),
    "drain": Transition(("running", "paused"), "draining"),
    "stop": Transition(("draft", "running", "paused", "draining"), "stopped"),
    "emergency_stop": Transition(
        ("draft", "running", "paused", "draining", "stopped", "completed"), "emergency_stopped"
    ),
    "clear": Transition(("emergency_stopped",), "stopped"),
}


NOT_ACCOUNTED_FOR = "an emergency stop is cleared by a named person who says why"


def is_accounted_for(command: str, by: str | None, reason: str | None) -> bool:
    """Whether it says who and why, where that must be said; asked when it is given and when it is
    obeyed, since a row may come from anywhere."""
    return command != "clear" or bool(by and by.strip() and reason and reason.strip())


def commands_from(state: str) -> tuple[str, ...]:
    """What may be asked of a campaign in this state, the gentle commands first."""
    return tuple(kind for kind, step in TRANSITIONS.items() if state in step.sources)


def refusal(command: str, state: str | None) -> str:
    """Why the command cannot be obeyed, and what to do; `state` None when it is not known."""
    step = TRANSITIONS[command]
    allowed = f"only from {', '.join(step.sources)}"
    if state == "emergency_stopped" and command != "emergency_stop":
        return (
            f"{allowed}; it was stopped in an emergency: once the cause is known, somebody clears"
            " it by name (`voice-ai campaign clear`), then it may be started"
        )
    return allowed if state is None else f"{allowed}; it is {state.replace('_', ' ')}"
