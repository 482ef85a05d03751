"""The guards taken out one by one, to show that the suite would notice.

A mutation is a patch in the process that runs the product; the product has no switch for it. Each
comes with a short run in which a promise must break: if none does, the guard proves nothing, or
the suite is blind.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

# Between what a guard protects and what it protects against, so that chance need not help.
_WINDOW_S = 0.15


@dataclass(frozen=True)
class Mutation:
    """`patch` is called in the process, before it begins; `schema` is run on the database."""

    guard: str
    scenario: str
    patch: Callable[[], None]
    schema: str | None = None


def no_fence() -> None:
    """Whatever its age, an intent is sent."""
    from dialer import gate

    put(
        gate,
        is_too_old=lambda intended_at, now: False,
        has_missed_its_turn=lambda slot_at, now, speed: False,
    )


def no_second_reading() -> None:
    """The gate does not look whether the person has said no since the claim."""
    from dialer import gate

    kept = vars(gate)["lead_facts"]
    put(gate, lead_facts=lambda row: replace(kept(row), suppressed=False))


def no_decision_at_the_gate() -> None:
    from dialer import gate

    kept = vars(gate)["decide"]

    def always(*given: Any, **named: Any) -> Any:
        return replace(kept(*given, **named), allow=True)

    put(gate, decide=always)


def unknown_is_failed() -> None:
    """No answer is taken for a no: the lead is free at once."""
    from dialer import gate
    from dialer.carrier import FailureKind, Rejected

    async def failed(self: Any, db: Any, attempt: Any, answer: Any) -> None:
        await self._rejected(db, attempt, Rejected(FailureKind.APP_ERROR, None))

    gate.Gate._unknown = failed  # type: ignore[method-assign]


def no_locks_at_the_gate() -> None:
    """Neither a stop nor a suppression waits for the sends that are on their way."""
    from dialer import gate

    gate._SHARED_LOCKS = "SELECT %(campaign)s IS NOT NULL AND %(number)s IS NOT NULL AS held"


def no_pace_lock() -> None:
    """Claims count and take side by side."""
    from dialer import claims

    kept = claims._SQL.lock_pace
    _say(claims, "lock_pace", kept.replace("FOR UPDATE", ""))
    _wait_before(claims, "_ready")


def wide_claims() -> None:
    """No guard less: claims only take longer, so that two of them meet."""
    from dialer import claims

    # For each of two campaigns; longer, and the turns of what was claimed would be missed.
    _wait_before(claims, "commit_intents", 0.05)


def two_ends() -> None:
    """An end that is told again is written again."""
    from uuid import uuid4

    from dialer import end_batches, journal
    from voice_ai import calls, events

    async def none_of_them(db: Any, ends: Any, **named: Any) -> list[None]:
        return [None] * len(ends)

    # Each end by itself, so that there is one place to take the guard out.
    put(end_batches, finish_many=none_of_them)
    events.CallEnded.key = property(lambda self: f"terminal {uuid4()}")  # type: ignore[assignment, method-assign]

    kept = journal.finish_call

    async def again(db: Any, attempt: Any, *given: Any, **named: Any) -> bool:
        if attempt["state"] == calls.AttemptState.ENDED:
            attempt["state"] = calls.AttemptState.IN_PROGRESS
        return await kept(db, attempt, *given, **named)

    journal.finish_call = again


def no_giving_up() -> None:
    """A call that turns up after its attempt was given up is like any other."""
    from dialer import journal
    from voice_ai.calls import Reading, is_terminal

    journal.was_given_up = lambda attempt: False
    journal.reading = lambda attempt, status, at: (
        Reading.END if is_terminal(status) else Reading.MOVE
    )


def put(module: Any, **parts: Any) -> None:
    for name, part in parts.items():
        assert hasattr(module, name), f"{module.__name__} has no {name} any more"
        setattr(module, name, part)


def _say(module: Any, name: str, text: str) -> None:
    """Another text for a named statement."""
    kept = module._SQL

    class Changed:
        def __getattr__(self, asked: str) -> Any:
            return text if asked == name else getattr(kept, asked)

    module._SQL = Changed()


def _wait_before(module: Any, name: str, wait_s: float = _WINDOW_S) -> None:
    kept = getattr(module, name)

    async def slowly(*given: Any, **named: Any) -> Any:
        await asyncio.sleep(wait_s)
        return await kept(*given, **named)

    setattr(module, name, slowly)


MUTATIONS: Mapping[str, Mutation] = {
    each.guard: each
    for each in (
        Mutation(
            "unique live number",
            "twins",
            wide_claims,
            "DROP INDEX uq_attempts_live_number",
        ),
        Mutation("fence", "stall", no_fence),
        Mutation("do-not-call re-read", "say no", no_second_reading),
        Mutation("decision at the gate", "say no", no_decision_at_the_gate),
        Mutation("unknown is not failed", "lost answers", unknown_is_failed),
        Mutation("locks at the gate", "say no", no_locks_at_the_gate),
        Mutation("pace lock", "crowd", no_pace_lock),
        Mutation("one terminal event", "callbacks", two_ends),
        Mutation("given up stays given up", "slow requests", no_giving_up),
    )
}
