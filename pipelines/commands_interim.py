"""`voice-ai campaign interim-report`; the campaign commands load it by its name."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:  # polars loads only when a report is made
    from pipelines.interim import InterimReport


def interim_report(name: str, out: Path | None, *, as_json: bool) -> None:
    """Raises NotFound, NotAvailable, BadInput."""
    from pipelines import interim
    from voice_ai.context import open_context

    with open_context() as context:
        made = interim.interim_report(context.role_url("flows"), name, context.clock.now())
    written = interim.write_interim_html(made, out) if out is not None else None
    if as_json:
        print(
            json.dumps({**made.model_dump(mode="json"), "out": str(written) if written else None})
        )
        return
    _show(made, Console())
    if written is not None:
        print(f"Written to {written}")


def _show(made: "InterimReport", console: Console) -> None:
    from pipelines.interim import tables
    from pipelines.report.labels import interval, moment, percent

    report = made.report
    console.print(
        f"{report.campaign} ({report.seller}), {report.state.replace('_', ' ')}, "
        f"as of {moment(report.as_of)}; {report.attempts:,} attempts, {report.live:,} live.",
        highlight=False,
    )
    funnel = Table("Step", "Leads", "Of the list", "Of the step before")
    for step in report.funnel:
        before = f"{percent(step.rate)} ({interval(step.low, step.high)})"
        funnel.add_row(step.label, f"{step.count:,}", percent(step.of_all), before)
    console.print(funnel)
    for title, about, rows in tables(made):
        if not rows:
            continue
        table = Table(title, "", "n", caption=about, caption_justify="left")
        for row in rows:
            table.add_row(*row)
        console.print(table)
    refused = Table("Why leads are not called", "Leads", "Share")
    for one in report.refusals:
        refused.add_row(one.label, f"{one.count:,}", percent(one.rate))
    if report.refusals:
        console.print(refused)
