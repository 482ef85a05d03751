"""How is the campaign going, now? The report's figures, and what an operator acts on at once."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import BaseModel, ConfigDict

from pipelines.analyses import campaign as of_lake
from pipelines.analyses.conversations import abandoned
from pipelines.lake.read import Lake
from pipelines.metrics.abandonment import MOST
from pipelines.metrics.frames import CampaignFrames
from pipelines.metrics.intervals import Rate, rate
from pipelines.metrics.load import campaign_frames
from pipelines.metrics.slices import Slice
from pipelines.report.build import CampaignReport, Share, build_report
from pipelines.report.facts import Facts, Scope
from voice_ai.db import queries
from voice_ai.db.connect import Db, connect
from voice_ai.pacing.abandonment import LATE_MS, PERIOD

_SQL = queries("interim")
_FACTS = queries("report_facts")
_DAY = timedelta(days=1)


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


class Left(_Row):
    """Leads that may be called and were not yet; `an_hour`: leads dialed for the first time in the
    hour before the last dial; `hours`: how long the rest takes at that pace. None: unknown."""

    leads: int
    an_hour: int | None
    hours: float | None


class InterimReport(_Row):
    """`best_hour` and `worst_hour` rest on twenty dials or more; None: no hour does."""

    report: CampaignReport
    abandoned: Share
    problems: list[Problem]
    cost: Cost
    best_hour: Share | None
    worst_hour: Share | None
    pace_changes: list[PaceChange]
    left: Left


def interim_report(url: str, campaign: str, now: datetime) -> InterimReport:
    """As the database is now. Raises NotFound, NotAvailable."""
    with connect(url, name="voice-ai interim report") as db:
        frames = campaign_frames(db, campaign)
        scope = {"campaign_id": str(frames.campaign.id), "as_of": now}
        return _interim(
            frames,
            now,
            abandoned=rate(*_answers(db, scope)),
            problems=[_problem(row) for row in db.execute(_SQL.errors, scope)],
            costs=db.execute(_FACTS.cost, scope).fetchall(),
            changes=db.execute(_FACTS.pace_changes, scope).fetchall(),
        )


def interim_of_lake(lake: Lake, facts: Facts, scope: Scope, campaign: str) -> InterimReport:
    """As a commit of the lake has it, with what it does not hold in `facts`. Raises NotFound."""
    frames = of_lake.campaign_frames(lake, campaign)
    errors = lake.only(str(frames.campaign.id)).sql(
        _ERRORS, {"campaign_id": str(frames.campaign.id)}
    )
    day = scope.as_of.date()
    part = Slice(
        str(frames.campaign.id), frames.campaign.rehearsal, since=day - PERIOD + _DAY, until=day
    )
    return _interim(
        frames,
        scope.as_of,
        abandoned=rate(*abandoned(lake, part).select("abandoned", "human").sum().row(0)),
        problems=[_problem(row) for row in errors.to_dicts()],
        costs=facts["cost"],
        changes=facts["pace_changes"],
    )


# As `errors` of interim.sql, asked of the lake.
_ERRORS = """
SELECT coalesce(a.end_reason, 'unknown') AS reason, k.error_code, k.sip_code,
       count(*)::INTEGER AS n, max(a.ended_at) AS last_at
FROM attempts a
LEFT JOIN (SELECT attempt_id, arg_max(error_code, created_at) AS error_code,
                  arg_max(sip_code, created_at) AS sip_code FROM calls GROUP BY 1) k
    ON k.attempt_id = a.attempt_id
WHERE a.campaign_id = $campaign_id
  AND a.disposition IN ('failed_transient', 'failed_permanent', 'not_dialed', 'abandoned',
                        'dead_air')
GROUP BY 1, 2, 3 ORDER BY n DESC, reason, k.error_code LIMIT 5
"""


def _interim(
    frames: CampaignFrames,
    now: datetime,
    *,
    abandoned: Rate,
    problems: list[Problem],
    costs: Sequence[Mapping[str, Any]],
    changes: Sequence[Mapping[str, Any]],
) -> InterimReport:
    report = build_report(frames, now)
    best, worst = best_and_worst(report.answer_by_hour)
    return InterimReport(
        report=report,
        abandoned=_share(abandoned),
        problems=problems,
        cost=_cost(costs, goals=_leads(report, "goal")),
        best_hour=best,
        worst_hour=worst,
        pace_changes=[PaceChange.model_validate(row) for row in changes],
        left=_left(frames, report),
    )


def _left(frames: CampaignFrames, report: CampaignReport) -> Left:
    leads = _leads(report, "eligible") - _leads(report, "dialed")
    first = (
        frames.attempts.filter("reached_carrier")
        .group_by("lead_id")
        .agg(pl.col("intended_at").min())
    )
    if report.last_dial is None:
        return Left(leads=leads, an_hour=None, hours=None)
    an_hour = first.filter(pl.col("intended_at") > report.last_dial - timedelta(hours=1)).height
    return Left(leads=leads, an_hour=an_hour, hours=leads / an_hour if an_hour else None)


def best_and_worst(hours: Sequence[Share]) -> tuple[Share | None, Share | None]:
    """By answered share, of the hours with enough dials to tell and a known zone."""
    told = [hour for hour in hours if not hour.thin and hour.rate is not None]
    told = [hour for hour in told if hour.key != "unknown"]
    if not told:
        return None, None
    return max(told, key=lambda one: one.rate or 0.0), min(told, key=lambda one: one.rate or 0.0)


def _answers(db: Db, scope: Mapping[str, Any]) -> tuple[int, int]:
    row = db.execute(_SQL.abandoned, {**scope, "late_ms": LATE_MS}).fetchone()
    assert row is not None
    return row["abandoned"], row["humans"]


def _share(found: Rate) -> Share:
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


def _leads(report: CampaignReport, stage: str) -> int:
    return next((step.count for step in report.funnel if step.key == stage), 0)


def _cost(rows: Sequence[Mapping[str, Any]], *, goals: int) -> Cost:
    unpriced = sum(row["unpriced"] for row in rows)
    priced = [row for row in rows if row["amount"] is not None]
    if len(priced) != 1:  # nothing is priced, or in currencies that cannot be added
        return Cost(amount=None, currency=None, unpriced=unpriced, per_goal=None)
    amount = float(priced[0]["amount"])
    per_goal = amount / goals if goals and not unpriced else None
    return Cost(amount=amount, currency=priced[0]["currency"], unpriced=unpriced, per_goal=per_goal)


def write_interim_html(made: InterimReport, out: Path) -> Path:
    """The campaign's report with what is told here before it. Raises BadInput."""
    from pipelines.report.write import write_html

    return write_html(made.report, out, also=sections(made))


def sections(made: InterimReport) -> list[str]:
    """What the interim report tells before the campaign's own sections, as HTML."""
    from pipelines.report.parts import extra_section

    return [
        extra_section(title, about, ("What", "Value", "n"), rows)
        for title, about, rows in tables(made)
    ]


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
    left = made.left
    rest = [
        ("Leads that may be called and were not yet", f"{left.leads:,}", "–"),
        ("New leads in the hour before the last dial", _known(left.an_hour, ",.0f"), "–"),
        ("Hours left at that pace", _known(left.hours, ",.1f"), "–"),
    ]
    return [
        ("What is left", "Retries come on top; calling hours are not counted in.", rest),
        (
            "What to watch",
            f"Above {MOST:.0%} abandoned the law is broken; hours need twenty dials.",
            watch,
        ),
        (
            "What went wrong most often",
            "Attempts that failed, by who ended them and the carrier's code.",
            [(words(one.reason), _coded(one.code), f"{one.n:,}") for one in made.problems],
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


def _coded(code: int | None) -> str:
    return "–" if code is None else f"code {code}"


def _known(value: float | None, pattern: str) -> str:
    return "–" if value is None else format(value, pattern)


def _money(amount: float | None, cost: Cost) -> str:
    return "–" if amount is None else f"{amount:,.2f} {cost.currency}"


def _priced(cost: Cost) -> str:
    return f"{cost.unpriced:,} parts have no price" if cost.unpriced else "all parts are priced"
