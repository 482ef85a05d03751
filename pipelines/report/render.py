"""A document as one HTML file, in the look of the campaign's report."""

import math
from html import escape

from pipelines.report import parts, svg
from pipelines.report.document import Document, Section
from pipelines.report.labels import moment


def render_document(made: Document) -> str:
    """Self-contained: no script, no request, no font."""
    body = (
        f'<header><h1>{escape(made.question)}</h1><p class="about">{escape(made.about)}'
        f" · as of {moment(made.as_of)}</p></header>"
        + '<div class="figures">'
        + "".join(parts.figure(one.label, one.value, one.notes) for one in made.tiles)
        + "</div>"
        + "".join(map(_section, made.sections))
        + "<footer><p>Every rate carries its 95 % Wilson interval; greyed rows rest on fewer than "
        f"twenty observations.</p><p>{escape(built_from(made.commit))}</p></footer>"
    )
    return parts.page(made.title, body, rehearsal=made.rehearsal)


def built_from(commit: int) -> str:
    """Where a report's figures are from, in one sentence."""
    return f"Built from commit {commit} of the lake; built again from it, it is the same."


def _section(one: Section) -> str:
    if not (one.bars or one.columns or one.rows):
        return parts.section(one.title, one.about, f'<p class="empty">{escape(one.empty)}</p>')
    chart = parts.legend(one.legend) if one.legend else ""
    if one.bars:
        rows = [
            svg.Bar(b.label, b.value, b.share, b.low, b.high, b.tint, thin=b.thin) for b in one.bars
        ]
        chart += svg.bars(rows, "; ".join(f"{row.label} {row.value}" for row in rows))
    if one.columns:
        chart += _columns(one)
    shown = parts.table(one.head, one.rows, one.thin or None) if one.rows else ""
    if not chart:
        chart, shown = shown, ""
    return parts.section(one.title, one.about, chart, shown, one.note)


def _columns(one: Section) -> str:
    top = max(1, *(sum(n for _, _, n in column.segments) for column in one.columns))
    heights = [
        [svg.Segment(f"{c.tick}, {label}: {n:,}", n / top, tint) for tint, label, n in c.segments]
        for c in one.columns
    ]
    every = max(1, math.ceil(len(one.columns) / 12))
    ticks = [(at, one.columns[at].tick) for at in range(0, len(one.columns), every)]
    return svg.columns(heights, ticks, one.title, top=top)
