"""The two sides of a call, as a conversation needs them, whatever carries its speech."""

from collections.abc import Sequence
from typing import Protocol

from dialer.media.playback import Line
from dialer.media.turn_taking import PersonTurn
from voice_ai.conversation.prompts import Prompt


class Speaking(Protocol):
    """The agent's side; what is being said is kept in a `Playback`."""

    async def say(self, lines: Sequence[Line], speech_ended: float | None) -> None:
        """`speech_ended`: clock.monotonic() when the person these lines answer stopped speaking.

        Raises VoiceLost, SocketClosed. Cancel it to stop speaking, then `clear`.
        """

    async def clear(self) -> None:
        """Stop what was handed over and is not yet heard. Raises SocketClosed."""

    def speak_in(self, language: str, comfort: Prompt) -> None:
        """Another language from now on; `comfort` is said in it when a sentence is late."""


class Listening(Protocol):
    """The person's side; its seconds count from the beginning of the call."""

    opening: bool

    @property
    def now_s(self) -> float: ...

    @property
    def open_since_s(self) -> float:
        """The onset of the earliest turn whose words are still to come; inf for none."""

    def wait_for_answer(self, silence_s: float | None) -> None:
        """From now on, that much silence is `SilenceOver`; None: wait for nothing."""

    def listen_for(self, endpoint_s: float | None) -> None:
        """Such a pause ends what is said from now on; None: nothing was asked."""

    def give_up(self) -> list[PersonTurn]:
        """Stop waiting for words; the turns they were owed for."""
