"""The person's side as text: what they are saying, and for how long they have said nothing.

The carrier decides when a turn is over and whether it stops the agent; here is only what the
conversation needs to know of it. Time is seconds since the call began, without those in which
this process stood still: it heard nothing in them, and nobody was silent for so long.
"""

from collections.abc import Callable
from math import inf

from dialer.media.playback import Floor
from dialer.media.turn_taking import PersonTurn, SilenceOver
from dialer.relay import pace


class Hearing:
    """`final_wait_s`: a turn whose last words do not come is given up after this long.

    `tick` is called often; more than `tick_s` between two of them is not counted.
    """

    def __init__(self, clock: Callable[[], float], final_wait_s: float, tick_s: float) -> None:
        self.opening = True
        self._clock = clock
        self._ticked_at = clock()
        self._ticked_s = 0.0
        self._tick_s = tick_s
        self._final_wait_s = final_wait_s
        self._turn: PersonTurn | None = None
        self._given_up: str | None = None
        self._quiet_from_s = 0.0
        self._silence_s: float | None = None

    @property
    def now_s(self) -> float:
        return self._ticked_s + min(self._clock() - self._ticked_at, self._tick_s)

    def tick(self) -> None:
        self._ticked_s, self._ticked_at = self.now_s, self._clock()

    @property
    def open_since_s(self) -> float:
        return inf if self._turn is None else self._turn.onset_s

    @property
    def has_cut(self) -> bool:
        """Whether the words that are being said stopped the agent."""
        return self._turn is not None and self._turn.cut

    @property
    def waits(self) -> bool:
        """Whether time alone will bring something: a silence that ends, or a turn given up."""
        return self._turn is not None or self._silence_s is not None

    def wait_for_answer(self, silence_s: float | None) -> None:
        self._quiet_from_s, self._silence_s = self.now_s, silence_s

    def listen_for(self, endpoint_s: float | None) -> None:
        """The carrier's own pause ends a turn; it cannot be changed during a call."""

    def speaks(self, over: Floor, text: str = "") -> PersonTurn:
        """A sign of the person, with what they have said so far, if anything is known of it."""
        turn = self._turn
        if turn is None:
            turn = self._turn = PersonTurn(self.now_s, self.now_s, over, noticed_by_text=True)
        turn.partial = text or turn.partial
        turn.partial_at_s = turn.voiced_until_s = self._quiet_from_s = self.now_s
        return turn

    def final(self, text: str, over: Floor) -> PersonTurn | None:
        """The turn that these words are the whole of; None when they were taken already."""
        turn, self._turn = self._turn, None
        given_up, self._given_up = self._given_up, None
        now_s = self._quiet_from_s = self.now_s
        if turn is None:
            if given_up and text.startswith(given_up):
                return None
            # Nothing was heard of its beginning: as long ago as it takes to say so much.
            turn = PersonTurn(max(0.0, now_s - pace.speaking_s(text)), now_s, over)
            turn.noticed_by_text = True
        turn.voiced_until_s = now_s
        return turn

    def give_up(self) -> list[PersonTurn]:
        turn, self._turn = self._turn, None
        return [] if turn is None else [turn]

    def overdue(self) -> PersonTurn | None:
        """The turn that has not been heard of for too long; its partial text is all there is."""
        turn = self._turn
        if turn is None or self.now_s - turn.partial_at_s < self._final_wait_s:
            return None
        self._turn, self._given_up = None, turn.partial
        return turn

    def silence(self) -> SilenceOver | None:
        if self._silence_s is None or self._turn is not None:
            return None
        if self.now_s - self._quiet_from_s < self._silence_s:
            return None
        seconds, self._silence_s = self._silence_s, None
        return SilenceOver(seconds)
