"""The report as an object: typed rows, each rate with its n and interval."""

from datetime import datetime, timedelta
from typing import Any

import polars as pl
from pydantic import BaseModel, ConfigDict

from pipelines.metrics import definitions
from pipelines.metrics.frames import Campaign, CampaignFrames
from pipelines.metrics.latency import Latency
from pipelines.metrics.measures import Measures, Overview, Totals, headline, measure
from pipelines.report.labels import words


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True)


class Share(_Row):
    """`count` of `n`; `low` to `high` is the 95 % Wilson interval, None where n is 0."""

    key: str
    label: str
    count: int
    n: int
    rate: float | None
    low: float | None
    high: float | None
    thin: bool


class Step(Share):
    """A step of the funnel: n is the step before, `of_all` the share of the whole list."""

    of_all: float | None


class Refusal(Share):
    """Leads with this reason; `never_dialed` of them were not called before either."""

    never_dialed: int


class Third(Share):
    """An emotion in one third of the calls."""

    third: str


class Interval(_Row):
    """Dials that ended from `at` on, by outcome."""

    at: datetime
    outcome: str
    dials: int


class Figure(_Row):
    """One of the five of the first row; `rate` is None for a plain count."""

    key: str
    label: str
    count: int
    n: int
    n_of: str
    rate: Share | None


class Percentile(_Row):
    name: str
    milliseconds: float
    low: float
    high: float


class TurnLatency(_Row):
    n: int
    unmeasured: int
    unmeasured_share: float | None
    percentiles: list[Percentile]
    histogram: list[tuple[int, int]]


class CampaignReport(_Row):
    """Everything the page, the HTML and a notebook say of a campaign at `as_of`."""

    campaign: str
    seller: str
    list_name: str
    script: str | None
    state: str
    rehearsal: bool
    as_of: datetime
    first_dial: datetime | None
    last_dial: datetime | None
    attempts: int
    live: int
    models: list[str]
    figures: list[Figure]
    funnel: list[Step]
    statuses: list[Share]
    dispositions: list[Share]
    answer_by_hour: list[Share]
    activity: list[Interval]
    activity_step: timedelta
    emotions: list[Share]
    emotions_unheard: int
    emotions_along: list[Third]
    latency: TurnLatency
    refusals: list[Refusal]
    definitions: dict[str, str]


def build_report(frames: CampaignFrames, as_of: datetime) -> CampaignReport:
    """The campaign's report; `as_of` is the clock time at which the frames were read."""
    models = _models(frames.turns)
    span = frames.attempts.filter("reached_carrier").select(
        first=pl.col("intended_at").min(), last=pl.col("intended_at").max()
    )
    first, last = span.row(0)
    return _report(frames.campaign, measure(frames), as_of, models, (first, last))


def _report(
    campaign: Campaign,
    measures: Measures,
    as_of: datetime,
    models: list[str],
    span: tuple[datetime | None, datetime | None],
) -> CampaignReport:
    return CampaignReport(
        campaign=campaign.name,
        seller=campaign.seller,
        list_name=campaign.list_name,
        script=campaign.script,
        state=campaign.state,
        rehearsal=campaign.rehearsal,
        as_of=as_of,
        first_dial=span[0],
        last_dial=span[1],
        attempts=measures.totals.attempts,
        live=measures.totals.live,
        models=models,
        figures=figures(measures),
        funnel=[Step(**row) for row in _rows(measures.funnel, "stage", "leads")],
        statuses=[Share(**row) for row in _rows(measures.statuses, "status", "calls")],
        dispositions=[
            Share(**row) for row in _rows(measures.dispositions, "disposition", "attempts")
        ],
        answer_by_hour=_hours(measures.answer_by_hour),
        activity=[Interval(**row) for row in measures.activity.to_dicts()],
        activity_step=measures.activity_step,
        emotions=[Share(**row) for row in _rows(measures.emotions, "emotion", "turns")],
        emotions_unheard=measures.emotions_unheard,
        emotions_along=[Third(**row) for row in _rows(measures.emotions_along, "emotion", "turns")],
        latency=_latency(measures.latency, measures.latency_histogram),
        refusals=[Refusal(**row) for row in _rows(measures.refusals, "reason", "leads")],
        definitions={metric.name: metric.sentence for metric in definitions.METRICS.values()},
    )


def figures(measures: Overview) -> list[Figure]:
    """The first row of a campaign."""
    dialed = next(row["leads"] for row in measures.funnel.to_dicts() if row["stage"] == "dialed")
    return figures_of(measures.totals, dialed)


def figures_of(totals: Totals, dialed: int) -> list[Figure]:
    """The first row: dials (of so many `dialed` leads), answered, conversed, goals, opt-outs; each
    with what it is out of."""
    dials = Figure(
        key="dials",
        label="Dials",
        count=totals.dials,
        n=dialed,
        n_of="leads dialed",
        rate=None,
    )
    population = {
        "answered_per_dial": "dials",
        "conversed_per_human": "human answers",
        "goals_per_conversation": "conversations",
        "opt_outs_per_human": "human answers",
    }
    return [dials] + [
        Figure(
            key=metric.name,
            label=metric.title,
            count=rate.k,
            n=rate.n,
            n_of=population[metric.name],
            rate=Share(
                key=metric.name,
                label=metric.title,
                count=rate.k,
                n=rate.n,
                rate=rate.value,
                low=rate.low,
                high=rate.high,
                thin=rate.thin,
            ),
        )
        for metric, rate in headline(totals).items()
    ]


def _rows(frame: pl.DataFrame, key: str, count: str) -> list[dict[str, Any]]:
    return [
        {**row, "key": row[key], "label": words(row[key]), "count": row[count]}
        for row in frame.to_dicts()
    ]


def _hours(frame: pl.DataFrame) -> list[Share]:
    rows = []
    for row in frame.to_dicts():
        hour = row["local_hour"]
        label = "Zone unknown" if hour is None else f"{hour:02d}:00–{hour:02d}:59"
        key = "unknown" if hour is None else str(hour)
        rows.append(
            Share(
                **{**row, "key": key, "label": label, "count": row["answered"], "n": row["dials"]}
            )
        )
    return rows


def _latency(latency: Latency, histogram: pl.DataFrame) -> TurnLatency:
    return TurnLatency(
        n=latency.n,
        unmeasured=latency.unmeasured,
        unmeasured_share=latency.unmeasured_share,
        percentiles=[
            Percentile(name=f"p{p.p * 100:.0f}", milliseconds=p.value, low=p.low, high=p.high)
            for p in latency.percentiles
        ],
        histogram=list(histogram.select("from_ms", "responses").iter_rows()),
    )


def _models(turns: pl.DataFrame) -> list[str]:
    heard = turns.filter(pl.col("emotion_model").is_not_null())
    pairs = heard.select("emotion_model", "emotion_version").unique().sort(pl.all())
    return [f"{name} {version}" for name, version in pairs.iter_rows()]
