"""Whether somebody speaks, above whatever noise the line has: for judging who answered.

`VoiceActivity` takes the turns of a talk and must not miss a quiet word; it adapts to noise after
seconds. Here the rhythm of the very first seconds counts, so the floor is learned at once.
"""

from collections import deque

# Mean squares of 16-bit samples: -42 dBFS is the quietest voice; above noise it stands out by 6 dB.
_QUIETEST = 260.0**2
_STANDS_OUT = 4.0
# In two seconds of speech there is a stop or a breath in which only the line is heard.
_REMEMBERED = 50


class VoiceOverNoise:
    """Fed with the power of one window of 40 ms after another."""

    def __init__(self) -> None:
        self._powers: deque[float] = deque(maxlen=_REMEMBERED)

    def is_voice(self, power: float) -> bool:
        self._powers.append(power)
        return power > _QUIETEST and power > _STANDS_OUT * min(self._powers)
