"""What is usual for somebody, by what they said before in the same call, and only that.

A voice is high or loud mostly because of whose it is. What tells of a feeling is how it differs
from what that person usually sounds like, which is learned turn by turn and forgotten with the
call: nothing here is ever stored for a called person.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# As exact as a telephone is, and short to write down.
_DIGITS = 5


class SpeakerSoFar:
    """Running mean and squared deviations (Welford 1962) of one person's turns."""

    def __init__(self, width: int) -> None:
        self._turns = 0
        self._mean = np.zeros(width)
        self._squares = np.zeros(width)

    def seen_before(self, features: Floats) -> list[float]:
        """A model's input: these features, with what was known before them; then learns them.

        float[3 · width + 1]: features, number of earlier turns, their mean, their squares.
        """
        features = np.round(features, _DIGITS)
        known = [*features.tolist(), float(self._turns), *self._mean.tolist()]
        known += self._squares.tolist()
        self._turns += 1
        step = features - self._mean
        self._mean = self._mean + step / self._turns
        self._squares = self._squares + step * (features - self._mean)
        return known


@dataclass(frozen=True)
class Population:
    """How people differ: the mean over speakers, and how one speaker's turns spread.

    `mean_turns` and `spread_turns`: as many turns of a person weigh as much as the population.
    """

    mean: Floats
    spread: Floats
    mean_turns: float
    spread_turns: float

    @classmethod
    def of(cls, features: Floats, speakers: Sequence[str | None]) -> "Population":
        """From float64[clips, width]; a clip without a speaker is a speaker of its own."""
        groups: dict[str, list[int]] = {}
        for row, speaker in enumerate(speakers):
            groups.setdefault(f"of:{speaker}" if speaker else f"row:{row}", []).append(row)
        means = np.array([features[rows].mean(axis=0) for rows in groups.values()])
        several = [features[rows] for rows in groups.values() if len(rows) > 1]
        inside = sum(((part - part.mean(axis=0)) ** 2).sum(axis=0) for part in several)
        freedom = sum(len(part) - 1 for part in several)
        variance = inside / freedom if freedom else features.var(axis=0)
        return cls(means.mean(axis=0), np.sqrt(variance) + 1e-9, 1.0, 8.0)

    def normalised(self, inputs: Floats) -> Floats:
        """float64[n, width] of float64[n, 3 · width + 1]: in spreads of the person, from their
        mean; both shrunken towards the population's, the more the fewer turns came before.
        """
        width = len(self.mean)
        features, turns = inputs[:, :width], inputs[:, width : width + 1]
        mean, squares = inputs[:, width + 1 : 2 * width + 1], inputs[:, 2 * width + 1 :]
        usual = (self.mean_turns * self.mean + turns * mean) / (self.mean_turns + turns)
        around = squares + turns * (mean - usual) ** 2
        variance = (self.spread_turns * self.spread**2 + around) / (self.spread_turns + turns)
        return np.asarray((features - usual) / np.sqrt(variance), np.float64)

    def as_settings(self) -> dict[str, Any]:
        return {
            "mean": self.mean.tolist(),
            "spread": self.spread.tolist(),
            "mean_turns": self.mean_turns,
            "spread_turns": self.spread_turns,
        }

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> "Population":
        """Raises KeyError, ValueError, TypeError for what is not one."""
        return cls(
            np.asarray(settings["mean"], np.float64),
            np.asarray(settings["spread"], np.float64),
            float(settings["mean_turns"]),
            float(settings["spread_turns"]),
        )
