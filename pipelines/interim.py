"""How is the campaign going, now? The report's figures, and what an operator acts on at once."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from pipelines.metrics.intervals import rate
from pipelines.metrics.load import campaign_frames
from pipelines.report.build import CampaignReport, Share, build_report
from voice_ai.db import queries
from voice_ai.db.connect import Db, connect

_SQL = queries("interim")
# US-ABANDON, domain.md §1.1: 3 % per campaign and thirty days.
MOST_ABANDONED = 0.03


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True)


class Problem(_Row):
    """`code` is the carrier's error, else its SIP answer; None: it said neither."""

    reason: str
    code: int | None
    n: int
    last_at: datetime | None


class Cost(_Row):
    """`per_goal` None: no goal yet, or a part has no price, so that a sum would be too low."""

    amount: float | None
    currency: str | None
    unpriced: int
    per_goal: float | None


class PaceChange(_Row):
    kind: str
    reason: str
    at: datetime
    of_caller_id: bool


class InterimReport(_Row):
    """`best_hour` and `worst_hour` rest on twenty dials or more; None: no hour does."""

    report: CampaignReport
    abandoned: Share
    problems: list[Problem]
    cost: Cost
    best_hour: Share | None
    worst_hour: Share | None
    pace_changes: list[PaceChange]


def interim_report(url: str, campaign: str, now: datetime) -> InterimReport:
    """Raises NotFound, NotAvailable."""
    with connect(url, name="voice-ai interim report") as db:
        frames = campaign_frames(db, campaign)
        report = build_report(frames, now)
        scope = {"campaign_id": frames.campaign.id, "now": now}
        best, worst = best_and_worst(report.answer_by_hour)
        return InterimReport(
            report=report,
            abandoned=_abandoned(db, scope),
            problems=[_problem(row) for row in db.execute(_SQL.errors, scope)],
            cost=_cost(db, scope, goals=_goals(report)),
            best_hour=best,
            worst_hour=worst,
            pace_changes=[PaceChange(**row) for row in db.execute(_SQL.pace_changes, scope)],
        )


def best_and_worst(hours: Sequence[Share]) -> tuple[Share | None, Share | None]:
    """By answered share, of the hours with enough dials to tell and a known zone."""
    told = [hour for hour in hours if not hour.thin and hour.rate is not None]
    told = [hour for hour in told if hour.key != "unknown"]
    if not told:
        return None, None
    return max(told, key=lambda one: one.rate or 0.0), min(told, key=lambda one: one.rate or 0.0)


def _abandoned(db: Db, scope: dict[str, Any]) -> Share:
    row = db.execute(_SQL.abandoned, scope).fetchone()
    assert row is not None
    found = rate(row["abandoned"], row["humans"])
    return Share(
        key="abandoned",
        label="Abandoned per human answer, 30 days",
        count=found.k,
        n=found.n,
        rate=found.value,
        low=found.low,
        high=found.high,
        thin=found.thin,
    )


def _problem(row: dict[str, Any]) -> Problem:
    code = row["error_code"] if row["error_code"] is not None else row["sip_code"]
    return Problem(reason=row["reason"], code=code, n=row["n"], last_at=row["last_at"])


def _goals(report: CampaignReport) -> int:
    return next((step.count for step in report.funnel if step.key == "goal"), 0)


def _cost(db: Db, scope: dict[str, Any], *, goals: int) -> Cost:
    rows = db.execute(_SQL.cost, scope).fetchall()
    unpriced = sum(row["unpriced"] for row in rows)
    priced = [row for row in rows if row["amount"] is not None]
    if len(priced) != 1:  # nothing is priced, or in currencies that cannot be added
        return Cost(amount=None, currency=None, unpriced=unpriced, per_goal=None)
    amount = float(priced[0]["amount"])
    per_goal = amount / goals if goals and not unpriced else None
    return Cost(amount=amount, currency=priced[0]["currency"], unpriced=unpriced, per_goal=per_goal)


def write_interim_html(made: InterimReport, out: Path) -> Path:
    """The campaign's report with what is told here before it. Raises BadInput."""
    from pipelines.report.parts import extra_section
    from pipelines.report.write import write_html

    sections = [
        extra_section(title, about, ("What", "Value", "n"), rows)
        for title, about, rows in tables(made)
    ]
    return write_html(made.report, out, also=sections)


Table = tuple[str, str, list[tuple[str, str, str]]]


def tables(made: InterimReport) -> list[Table]:
    """What the interim report adds, as title, sentence and rows of text; command and file share."""
    from pipelines.report.labels import interval, moment, percent, words

    gone = made.abandoned
    watch = [
        (gone.label, f"{percent(gone.rate)} ({interval(gone.low, gone.high)})", f"{gone.n:,}"),
        *(
            (figure.label, percent(figure.rate.rate), f"{figure.n:,} {figure.n_of}")
            for figure in made.report.figures
            if figure.rate is not None
        ),
        ("Cost", _money(made.cost.amount, made.cost), _priced(made.cost)),
        ("Cost per goal", _money(made.cost.per_goal, made.cost), _priced(made.cost)),
    ]
    for name, hour in (("Best hour", made.best_hour), ("Worst hour", made.worst_hour)):
        told = "–" if hour is None else f"{hour.label}: {percent(hour.rate)} answered"
        watch.append((name, told, "–" if hour is None else f"{hour.n:,} dials"))
    return [
        (
            "What to watch",
            f"Above {MOST_ABANDONED:.0%} abandoned the law is broken; hours need twenty dials.",
            watch,
        ),
        (
            "What went wrong most often",
            "Attempts that failed, by who ended them and the carrier's code.",
            [
                (
                    words(one.reason),
                    f"code {one.code}" if one.code is not None else "–",
                    f"{one.n:,}",
                )
                for one in made.problems
            ],
        ),
        (
            "Changes of the pace",
            "The last ten, the newest first.",
            [
                (
                    f"{words(one.kind)}{' (caller id)' if one.of_caller_id else ''}",
                    words(one.reason),
                    moment(one.at),
                )
                for one in made.pace_changes
            ],
        ),
    ]


def _money(amount: float | None, cost: Cost) -> str:
    return "–" if amount is None else f"{amount:,.2f} {cost.currency}"


def _priced(cost: Cost) -> str:
    return f"{cost.unpriced:,} parts have no price" if cost.unpriced else "all parts are priced"
