"""Which numbers a file has shown already, and on which line first: 16 bytes per number."""

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


class SeenNumbers:
    """Sorted runs that are merged as they grow, so that ten million numbers cost 160 MB."""

    def __init__(self) -> None:
        self._runs: list[tuple[Ints, Ints]] = []

    def first_lines(self, numbers: Ints, lines: Ints) -> tuple[npt.NDArray[np.bool_], Ints]:
        """Whether each number was there before, and the line that showed it first.

        Lines must be ascending, and later than those of the call before.
        """
        order = np.argsort(numbers, kind="stable")
        ranked = numbers[order]
        starts = np.ones(len(ranked), dtype=np.bool_)
        starts[1:] = ranked[1:] != ranked[:-1]
        distinct = ranked[starts]
        firsts = lines[order][starts]
        known = np.zeros(len(distinct), dtype=np.bool_)
        for run, run_lines in self._runs:
            at = np.minimum(np.searchsorted(run, distinct), len(run) - 1)
            hit = run[at] == distinct
            firsts = np.where(hit, run_lines[at], firsts)
            known |= hit
        self._remember(distinct[~known], firsts[~known])
        group = np.empty(len(numbers), dtype=np.int64)
        group[order] = np.cumsum(starts) - 1
        first_line = firsts[group]
        return first_line != lines, first_line

    def _remember(self, numbers: Ints, lines: Ints) -> None:
        if len(numbers) == 0:
            return
        while self._runs and len(self._runs[-1][0]) <= 2 * len(numbers):
            older, older_lines = self._runs.pop()
            numbers, lines = np.concatenate([older, numbers]), np.concatenate([older_lines, lines])
            order = np.argsort(numbers, kind="stable")
            numbers, lines = numbers[order], lines[order]
        self._runs.append((numbers, lines))
