"""The port through which a conversation gives its call to a colleague, and gets it back."""

import asyncio
from dataclasses import dataclass
from typing import Protocol

from voice_ai.conversation import step
from voice_ai.conversation.graph import Script
from voice_ai.conversation.turns import Action, State, Transfer, TransferFailed


class Handover(Protocol):
    async def begin(self, transfer: Transfer, state: State) -> str | None:
        """None: the carrier takes the call from us, and `state` is kept in case it comes back.

        Otherwise why not, as in `TransferFailed`; the call stays with us.
        """

    async def taken_over(self, state: State) -> bool:
        """The line is gone: whether because somebody else hands this call over. Then `state` is
        kept in case it comes back."""


class NoHandover:
    """There is nobody to hand a call to."""

    async def begin(self, transfer: Transfer, state: State) -> str | None:
        return "nobody_named"

    async def taken_over(self, state: State) -> bool:
        return False


class Leaving:
    """How far a call is on its way to a colleague. `patience` runs until the carrier has it."""

    def __init__(self, handover: Handover | None) -> None:
        self._handover = handover or NoHandover()
        self.asked: Transfer | None = None
        self.patience: asyncio.Task[None] | None = None

    @property
    def under_way(self) -> bool:
        """Now, or after what is being said."""
        return self.asked is not None or self.patience is not None

    async def begin(self, state: State) -> str | None:
        """What was asked for; why not, or None when the carrier will take the call."""
        assert self.asked is not None
        transfer, self.asked = self.asked, None
        return await self._handover.begin(transfer, state)

    async def taken(self, state: State) -> bool:
        """Whether the line is gone because the call is with somebody else now."""
        return self.patience is not None or await self._handover.taken_over(state)


@dataclass(frozen=True, slots=True)
class Resumed:
    """A call that nobody took: `state` is where its conversation stood, after `turns` turns."""

    state: State
    reason: str
    turns: int

    def go_on(self, script: Script) -> tuple[State, tuple[Action, ...]]:
        return step(script, self.state, TransferFailed(self.reason))
