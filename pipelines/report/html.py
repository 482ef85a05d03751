"""The report as one HTML file that needs nothing else: no script, no request, no font."""

import math
from collections.abc import Iterable, Sequence
from datetime import timedelta
from html import escape

from pipelines.metrics.calls import OUTCOMES
from pipelines.metrics.emotions import EMOTION_ORDER, THIRDS
from pipelines.metrics.intervals import rate
from pipelines.metrics.latency import BIN_MS, LAST_BIN_MS
from pipelines.report import parts, svg
from pipelines.report.build import CampaignReport, Figure, Interval, Share, TurnLatency
from pipelines.report.labels import (
    count,
    interval,
    milliseconds,
    moment,
    outcome_words,
    percent,
    words,
)
from pipelines.report.palette import disposition_outcome


def render_html(
    report: CampaignReport, also: Sequence[str] = (), built_from: str | None = None
) -> str:
    """Light and dark by the reader's system, printable, self-contained; `also` are sections of
    `parts.extra_section` that come first, `built_from` a sentence on where the figures are from."""
    body = (
        _header(report)
        + '<div class="figures">'
        + "".join(map(_figure, report.figures))
        + "</div>"
        + "".join(also)
        + "".join(_sections(report))
        + _footer(report, built_from)
    )
    return parts.page(f"{report.campaign} – campaign report", body, rehearsal=report.rehearsal)


def _figure(figure: Figure) -> str:
    if figure.rate is None:
        lines = [f"{count(figure.n)} {figure.n_of}"]
        return parts.figure(figure.label, count(figure.count), lines)
    lines = [
        f"{count(figure.count)} of {count(figure.n)} {figure.n_of}",
        f"95 %: {interval(figure.rate.low, figure.rate.high)}",
    ]
    return parts.figure(figure.label, percent(figure.rate.rate), lines)


def _header(report: CampaignReport) -> str:
    script = f", script {report.script}" if report.script else ""
    return (
        f"<header><h1>How did {escape(report.campaign)} go?</h1>"
        f'<p class="about">{escape(report.seller)} · list {escape(report.list_name)}'
        f"{escape(script)} · {escape(words(report.state).lower())} · as of "
        f"{moment(report.as_of)} · dials from {moment(report.first_dial)} to "
        f"{moment(report.last_dial)}</p></header>"
    )


def _sections(report: CampaignReport) -> Iterable[str]:
    told = report.definitions
    yield parts.section(
        "Where leads were lost",
        told["funnel"],
        _bars(report.funnel, of_all=[step.of_all or 0.0 for step in report.funnel]),
        parts.table(
            ("Step", "Leads", "Of the list", "Of the step before", "95 % interval"),
            [
                (s.label, count(s.count), percent(s.of_all), percent(s.rate), _bounds(s))
                for s in report.funnel
            ],
        ),
    )
    yield _activity(report.activity, report.activity_step, told["activity"])
    yield _shares("How calls ended", told["dispositions"], "Outcome", report.dispositions)
    yield _shares("Calls by carrier status", told["calls_by_status"], "Status", report.statuses)
    yield _shares(
        "Answered per dial, by the called party's local hour",
        told["answer_rate_by_hour"],
        "Hour",
        report.answer_by_hour,
        count_title="Answered",
    )
    yield _emotions(report)
    yield _along(report)
    yield _latency(report.latency, told["turn_latency"])
    yield _refusals(report)


def _bounds(share: Share) -> str:
    return interval(share.low, share.high)


def _bars(
    shares: Sequence[Share],
    *,
    of_all: Sequence[float] | None = None,
    tints: Sequence[str] | None = None,
) -> str:
    """Bars of the rates with their intervals, or of `of_all` without."""
    if not shares:
        return '<p class="empty">Nothing to show yet.</p>'
    tint = tints or ["plain"] * len(shares)
    rows = [
        svg.Bar(
            share.label,
            count(share.count) if of_all else percent(share.rate),
            of_all[place] if of_all else share.rate or 0.0,
            None if of_all else share.low,
            None if of_all else share.high,
            tint[place],
            thin=share.thin and not of_all,
        )
        for place, share in enumerate(shares)
    ]
    return svg.bars(rows, "; ".join(f"{row.label} {row.value}" for row in rows))


def _shares(
    title: str,
    definition: str,
    what: str,
    shares: Sequence[Share],
    *,
    count_title: str = "Calls",
    tints: Sequence[str] | None = None,
    note: str = "",
) -> str:
    if tints is None and what == "Outcome":
        tints = [disposition_outcome(share.key) for share in shares]
    table = parts.table(
        (what, count_title, "n", "Share", "95 % interval"),
        [(s.label, count(s.count), count(s.n), percent(s.rate), _bounds(s)) for s in shares],
        [share.thin for share in shares],
    )
    return parts.section(
        title, definition, _bars(shares, tints=tints), table if shares else "", note
    )


def _activity(rows: Sequence[Interval], step: timedelta, told: str) -> str:
    title = "When did dials end, and how?"
    if not rows:
        return parts.section(title, told, '<p class="empty">No dial has ended yet.</p>')
    stacks = _stacks(rows, step)
    top = max(sum(row.dials for row in stack) for stack in stacks)
    heights = [
        [
            svg.Segment(
                f"{moment(row.at)}, {outcome_words(row.outcome)}: {row.dials}",
                row.dials / top,
                row.outcome,
            )
            for row in stack
        ]
        for stack in stacks
    ]
    every = max(1, math.ceil(len(stacks) / 6))
    ticks = [(at, f"{rows[0].at + step * at:%H:%M}") for at in range(0, len(stacks), every)]
    chart = svg.columns(heights, ticks, title, top=top)
    return parts.section(
        title,
        told,
        parts.legend((key, outcome_words(key)) for key in OUTCOMES) + chart,
        _outcomes(rows),
        "Times on the chart are UTC.",
    )


def _stacks(rows: Sequence[Interval], step: timedelta) -> list[list[Interval]]:
    """Rows, which are in order of time, by interval; empty intervals included."""
    first = rows[0].at
    stacks: list[list[Interval]] = [[] for _ in range((rows[-1].at - first) // step + 1)]
    for row in rows:
        stacks[(row.at - first) // step].append(row)
    return stacks


def _outcomes(rows: Sequence[Interval]) -> str:
    dials = {key: sum(row.dials for row in rows if row.outcome == key) for key in OUTCOMES}
    n = sum(dials.values())
    shares = [(key, rate(k, n)) for key, k in dials.items()]
    return parts.table(
        ("Outcome", "Dials", "n", "Share", "95 % interval"),
        [
            (outcome_words(key), count(r.k), count(r.n), percent(r.value), interval(r.low, r.high))
            for key, r in shares
        ],
    )


def _emotions(report: CampaignReport) -> str:
    told = sum(share.count for share in report.emotions)
    heard_by = f" Heard by {', '.join(report.models)}." if report.models else ""
    return _shares(
        "How people sounded",
        report.definitions["emotions"],
        "Emotion",
        report.emotions,
        count_title="Turns",
        tints=[share.key for share in report.emotions],
        note=f"{count(told)} caller turns with an emotion, {count(report.emotions_unheard)} "
        f"without.{heard_by}",
    )


def _along(report: CampaignReport) -> str:
    title, told = "How it changed along the call", report.definitions["emotions_along_call"]
    if not report.emotions_along:
        return parts.section(
            title, told, '<p class="empty">No call has three caller turns yet.</p>'
        )
    rows = []
    for third in THIRDS:
        shares = [row for row in report.emotions_along if row.third == third]
        segments = [svg.Segment(row.label, row.rate or 0.0, row.key) for row in shares]
        rows.append((words(third), f"n = {count(shares[0].n if shares else 0)}", segments))
    keys = [key for key in EMOTION_ORDER if any(row.key == key for row in report.emotions_along)]
    cells = {(row.key, row.third): row for row in report.emotions_along}
    table = parts.table(
        ("Emotion", *(f"{label}, {n}" for label, n, _ in rows)),
        [(words(key), *(_cell(cells.get((key, third))) for third in THIRDS)) for key in keys],
    )
    legend = parts.legend((key, words(key)) for key in keys)
    return parts.section(title, told, legend + svg.stacked(rows, title), table)


def _cell(share: Share | None) -> str:
    return "0" if share is None else f"{percent(share.rate)} ({_bounds(share).removesuffix(' %')})"


def _latency(latency: TurnLatency, told: str) -> str:
    title = "How long people waited for an answer"
    note = (
        f"n = {count(latency.n)} measured responses; {count(latency.unmeasured)} unmeasured "
        f"({percent(latency.unmeasured_share)})."
    )
    if not latency.percentiles:
        return parts.section(
            title, told, '<p class="empty">No response was measured yet.</p>', "", note
        )
    steps = latency.histogram
    top = max(responses for _, responses in steps)
    heights = [
        [svg.Segment(f"from {start} ms: {n}", n / top, "plain")] if n else [] for start, n in steps
    ]
    every = max(1, math.ceil(len(steps) / 8))
    ticks = [(at, f"{steps[at][0]:,} ms") for at in range(0, len(steps), every)]
    marks = [
        (min(p.milliseconds, LAST_BIN_MS) / BIN_MS, f"{p.name} {milliseconds(p.milliseconds)}")
        for p in latency.percentiles
    ]
    table = parts.table(
        ("Percentile", "Time", "95 % interval", "n"),
        [
            (
                p.name,
                milliseconds(p.milliseconds),
                f"{p.low:,.0f}–{p.high:,.0f} ms",
                count(latency.n),
            )
            for p in latency.percentiles
        ],
    )
    chart = svg.columns(heights, ticks, "Responses by waiting time", top=top, marks=marks)
    return parts.section(title, told, chart, table, note)


def _refusals(report: CampaignReport) -> str:
    title, told = "Why leads were not called", report.definitions["refusals"]
    if not report.refusals:
        return parts.section(title, told, '<p class="empty">No lead is refused.</p>')
    table = parts.table(
        ("Reason", "Leads", "Never dialed", "n", "Share", "95 % interval"),
        [
            (
                r.label,
                count(r.count),
                count(r.never_dialed),
                count(r.n),
                percent(r.rate),
                _bounds(r),
            )
            for r in report.refusals
        ],
    )
    return parts.section(
        title,
        told,
        _bars(report.refusals),
        table,
        "A lead with several reasons counts under each of them.",
    )


def _footer(report: CampaignReport, built_from: str | None) -> str:
    source = built_from or f"{count(report.live)} of them live at the time of the report."
    return (
        "<footer><p>Every rate carries its 95 % Wilson interval; greyed rows rest on fewer than "
        f"twenty observations. {count(report.attempts)} attempts in all. {escape(source)}</p>"
        "</footer>"
    )
