"""What every report's page is put together from: the shell, sections, tables, legends."""

from collections.abc import Iterable, Sequence
from html import escape

from pipelines.report.style import style_sheet

NOTHING = '<p class="empty">Nothing to show yet.</p>'


def page(title: str, body: str, *, rehearsal: bool) -> str:
    """A whole document: light and dark by the reader's system, printable, self-contained."""
    banner = (
        '<div class="banner" role="note">Rehearsal: every call in this report was placed at the '
        "simulator; no person was called.</div>"
        if rehearsal
        else ""
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{style_sheet()}</style></head><body>{banner}<main>"
        f"{body}</main></body></html>\n"
    )


def figure(label: str, value: str, notes: Sequence[str]) -> str:
    """One of the first row; value and notes are text."""
    lines = "".join(f'<span class="note">{escape(line)}</span>' for line in notes)
    return f'<div class="figure"><span>{escape(label)}</span><b>{escape(value)}</b>{lines}</div>'


def extra_section(
    title: str, about: str, head: Sequence[str], rows: Sequence[Sequence[str]]
) -> str:
    """A table of another report in this one's look."""
    if not rows:
        return section(title, about, NOTHING)
    return section(title, about, table(head, rows))


def section(title: str, definition: str, chart: str, shown: str = "", note: str = "") -> str:
    remark = f'<p class="note">{escape(note)}</p>' if note else ""
    body = f'<div class="pair"><div>{chart}</div><div>{shown}</div></div>' if shown else chart
    return (
        f'<section><h2>{escape(title)}</h2><p class="note">{escape(definition)}</p>'
        f"{body}{remark}</section>"
    )


def table(
    head: Sequence[str], rows: Sequence[Sequence[str]], thin: Sequence[bool] | None = None
) -> str:
    marks = thin or [False] * len(rows)
    # Numbers stand to the right; a column with a word in it is of words.
    words = [any(row[at][:1].isalpha() for row in rows) for at in range(len(head))]
    kinds = [" class=words" if is_words else "" for is_words in words]
    body = "".join(
        f"<tr{' class=thin' if mark else ''}>"
        + "".join(f"<td{kind}>{escape(cell)}</td>" for kind, cell in zip(kinds, row, strict=True))
        + "</tr>"
        for row, mark in zip(rows, marks, strict=True)
    )
    titles = "".join(
        f'<th scope="col"{kind}>{escape(title)}</th>'
        for kind, title in zip(kinds, head, strict=True)
    )
    return f"<table><thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table>"


def legend(entries: Iterable[tuple[str, str]]) -> str:
    items = "".join(
        f'<li><svg viewBox="0 0 10 10" aria-hidden="true"><rect class="{tint}" width="10"'
        f' height="10" rx="2"/></svg>{escape(label)}</li>'
        for tint, label in entries
    )
    return f'<ul class="legend">{items}</ul>'
