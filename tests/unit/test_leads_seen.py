"""Duplicates inside one file, over any cut into batches."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from voice_ai.leads.seen import SeenNumbers


@given(st.lists(st.lists(st.integers(1, 30), max_size=20), max_size=12))
def test_each_repetition_names_the_line_that_was_first(batches: list[list[int]]) -> None:
    seen, first, line = SeenNumbers(), dict[int, int](), 1
    for batch in batches:
        lines = np.arange(line, line + len(batch))
        repeated, firsts = seen.first_lines(np.array(batch, np.int64), lines)
        for number, here, again, where in zip(batch, lines, repeated, firsts, strict=True):
            assert where == first.setdefault(number, int(here))
            assert again == (where != here)
        line += len(batch)
