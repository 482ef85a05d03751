"""A report of any kind as one object of text and shares; `render` makes the file of it."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from pipelines.metrics.intervals import Rate
from pipelines.report.labels import count, interval, percent
from pipelines.report_kinds import Kind


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class Tile(_Part):
    """One of at most five first figures, in words."""

    label: str
    value: str
    notes: tuple[str, ...] = ()


class Bar(_Part):
    """`share` (0 to 1) is its length, `low` to `high` its interval, `tint` a class of the style
    sheet."""

    label: str
    value: str
    share: float
    low: float | None = None
    high: float | None = None
    tint: str = "plain"
    thin: bool = False


class Column(_Part):
    """A stacked column: (tint, label, height in units) from the bottom up."""

    tick: str
    segments: tuple[tuple[str, str, int], ...]


class Section(_Part):
    """A title that says what is asked, a sentence on what is counted, a chart, a table, a note.
    `thin` marks rows of the table that rest on too little."""

    title: str
    about: str
    bars: tuple[Bar, ...] = ()
    columns: tuple[Column, ...] = ()
    legend: tuple[tuple[str, str], ...] = ()
    head: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    thin: tuple[bool, ...] = ()
    note: str = ""
    empty: str = "Nothing to show yet."


class Document(_Part):
    """`commit` is the lake's commit that its figures are from."""

    kind: Kind
    title: str
    question: str
    about: str
    rehearsal: bool
    as_of: datetime
    commit: int
    tiles: tuple[Tile, ...]
    sections: tuple[Section, ...]


def tile_of(label: str, rate: Rate, of: str) -> Tile:
    """A share with what it is out of and its 95 % interval."""
    notes = (f"{count(rate.k)} of {count(rate.n)} {of}", f"95 %: {interval(rate.low, rate.high)}")
    return Tile(label=label, value=percent(rate.value), notes=notes)


def bar_of(label: str, rate: Rate, tint: str = "plain") -> Bar:
    return Bar(
        label=label,
        value=percent(rate.value),
        share=rate.value or 0.0,
        low=rate.low,
        high=rate.high,
        tint=tint,
        thin=rate.thin,
    )
