"""Charts as SVG text: bars with intervals, stacked bars, columns. Colours are CSS classes."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_ROW = 26
_LABEL = 190
_VALUE = 96
_WIDTH = 640


@dataclass(frozen=True)
class Bar:
    """`share`, `low` and `high` are 0 to 1; `tint` is a CSS class."""

    label: str
    value: str
    share: float
    low: float | None = None
    high: float | None = None
    tint: str = "plain"
    thin: bool = False


@dataclass(frozen=True)
class Segment:
    label: str
    share: float
    tint: str


def bars(rows: Sequence[Bar], title: str) -> str:
    """One horizontal bar per row on a scale that fits the largest upper bound."""
    reach = _WIDTH - _LABEL - _VALUE
    top = max((row.high or row.share for row in rows), default=0) or 1
    parts = []
    for place, row in enumerate(rows):
        y = place * _ROW
        length = reach * row.share / top
        parts.append(
            f'<g class="{"thin" if row.thin else ""}">'
            f"<title>{escape(row.label)}: {escape(row.value)}</title>"
            f'<text x="{_LABEL - 10}" y="{y + 17}" text-anchor="end">{escape(row.label)}</text>'
            f'<rect class="{row.tint}" x="{_LABEL}" y="{y + 5}" width="{max(length, 1):.1f}"'
            f' height="16" rx="2"/>{_whisker(row, y + 13, reach / top)}'
            f'<text class="value" x="{_WIDTH}" y="{y + 17}" text-anchor="end">'
            f"{escape(row.value)}</text></g>"
        )
    return _svg(len(rows) * _ROW + 4, title, parts)


def _whisker(row: Bar, y: int, scale: float) -> str:
    if row.low is None or row.high is None:
        return ""
    left, right = _LABEL + row.low * scale, _LABEL + row.high * scale
    return (
        f'<path class="whisker" d="M{left:.1f} {y}H{right:.1f}M{left:.1f} {y - 4}v8'
        f'M{right:.1f} {y - 4}v8"/>'
    )


def stacked(rows: Sequence[tuple[str, str, Sequence[Segment]]], title: str) -> str:
    """One full-length bar per (label, value, segments)."""
    reach = _WIDTH - _LABEL - _VALUE
    parts = []
    for place, (label, value, segments) in enumerate(rows):
        y, x = place * (_ROW + 8), float(_LABEL)
        parts.append(
            f'<text x="{_LABEL - 10}" y="{y + 20}" text-anchor="end">{escape(label)}</text>'
            f'<text class="value" x="{_WIDTH}" y="{y + 20}" text-anchor="end">'
            f"{escape(value)}</text>"
        )
        for segment in segments:
            width = reach * segment.share
            parts.append(
                f'<rect class="{segment.tint} cut" x="{x:.1f}" y="{y + 4}" width="{width:.1f}"'
                f' height="24"><title>{escape(label)}, {escape(segment.label)}:'
                f" {segment.share:.1%}</title></rect>"
            )
            x += width
    return _svg(len(rows) * (_ROW + 8) + 4, title, parts)


def columns(
    heights: Sequence[Sequence[Segment]],
    ticks: Sequence[tuple[int, str]],
    title: str,
    *,
    top: int,
    marks: Sequence[tuple[float, str]] = (),
) -> str:
    """A column per entry, its segments stacked upwards in units of `top`; `ticks` name columns
    by index, `marks` are vertical lines at a (fractional) index."""
    left, base, tall = 44, 196, 170
    step = (_WIDTH - left) / max(len(heights), 1)
    parts = [
        f'<path class="axis" d="M{left} {base}H{_WIDTH}M{left} {base - tall}H{_WIDTH}"/>'
        f'<text x="{left - 6}" y="{base - tall + 4}" text-anchor="end">{top:,}</text>'
        f'<text x="{left - 6}" y="{base + 4}" text-anchor="end">0</text>'
    ]
    for place, segments in enumerate(heights):
        y = float(base)
        for segment in segments:
            height = tall * segment.share
            y -= height
            parts.append(
                f'<rect class="{segment.tint}" x="{left + place * step + 0.5:.1f}" y="{y:.1f}"'
                f' width="{max(step - 1, 1):.1f}" height="{height:.1f}">'
                f"<title>{escape(segment.label)}</title></rect>"
            )
    parts += [
        f'<text x="{left + place * step:.1f}" y="{base + 18}">{escape(text)}</text>'
        for place, text in ticks
    ]
    parts += [_mark(left + at * step, text, order) for order, (at, text) in enumerate(marks)]
    return _svg(base + 26, title, parts)


def _mark(x: float, text: str, order: int) -> str:
    y = 14 + 15 * order
    side = "end" if x > _WIDTH - 110 else "start"
    return (
        f'<path class="mark" d="M{x:.1f} {y - 8}V196"/>'
        f'<text class="value" x="{x + (-5 if side == "end" else 5):.1f}" y="{y}"'
        f' text-anchor="{side}">{escape(text)}</text>'
    )


def _svg(height: int, title: str, parts: Sequence[str]) -> str:
    return (
        f'<svg role="img" viewBox="0 0 {_WIDTH} {height}" aria-label="{escape(title)}">'
        + "".join(parts)
        + "</svg>"
    )
