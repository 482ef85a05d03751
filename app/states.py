"""States as a dot and a word in a table; the word says it all, the colour only helps."""

import pandas as pd
from pandas.io.formats.style import Styler

# Readable on light and on dark pages.
_COLOURS = {
    "alive": "#2e9e5b",
    "ok": "#2e9e5b",
    "done": "#2e9e5b",
    "active": "#2e9e5b",
    "warming": "#2e9e5b",
    "cooling": "#c77f00",
    "burned": "#d64545",
    "warn": "#c77f00",
    "stale": "#d64545",
    "down": "#d64545",
    "failed": "#d64545",
    "stops calls": "#d64545",
}
_OTHER = "#8a8f98"


def with_dots(frame: pd.DataFrame, column: str = "State") -> Styler:
    """The frame with its states as `● alive`, coloured."""
    dotted = frame.assign(**{column: "● " + frame[column].astype(str)})
    return dotted.style.map(_colour, subset=[column])


def _colour(cell: object) -> str:
    return f"color: {_COLOURS.get(str(cell).removeprefix('● '), _OTHER)}"
