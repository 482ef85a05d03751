"""All metrics of a campaign together: what the page, the report and a notebook show."""

from dataclasses import dataclass
from datetime import timedelta

import polars as pl

from pipelines.metrics import calls, emotions, funnel, latency, refusals
from pipelines.metrics.contract import Metric
from pipelines.metrics.frames import CampaignFrames
from pipelines.metrics.intervals import Rate, rate
from pipelines.metrics.latency import Latency
from pipelines.metrics.rates import (
    ANSWERED_PER_DIAL,
    CONVERSED_PER_HUMAN,
    GOALS_PER_CONVERSATION,
    OPT_OUTS_PER_HUMAN,
)


@dataclass(frozen=True)
class Totals:
    """Attempts in all, those that have not ended, and dials (reached the carrier and ended) by
    flag."""

    attempts: int
    live: int
    dials: int
    answered: int
    human_answered: int
    machine: int
    conversed: int
    goal: int
    opted_out: int


@dataclass(frozen=True)
class Overview:
    """What a live page shows, as small frames; their columns are told where each is computed."""

    totals: Totals
    funnel: pl.DataFrame
    statuses: pl.DataFrame
    activity: pl.DataFrame
    activity_step: timedelta
    emotions: pl.DataFrame
    emotions_unheard: int
    refusals: pl.DataFrame


@dataclass(frozen=True)
class Measures(Overview):
    """Every metric of a campaign."""

    dispositions: pl.DataFrame
    answer_by_hour: pl.DataFrame
    emotions_along: pl.DataFrame
    latency: Latency
    latency_histogram: pl.DataFrame


def totals(attempts: pl.DataFrame) -> Totals:
    dials = attempts.filter(pl.col("reached_carrier"))
    flags = ("answered", "human_answered", "machine", "conversed", "goal", "opted_out")
    return Totals(
        attempts=attempts.height,
        live=attempts.filter(pl.col("state") != "ended").height,
        dials=dials.height,
        **{flag: int(dials[flag].sum()) for flag in flags},
    )


def measure(frames: CampaignFrames) -> Measures:
    leads, attempts, turns = frames.leads, frames.attempts, frames.turns
    heard = emotions.emotion_counts(turns)
    refused = refusals.standing_counts(leads, attempts, frames.decisions)
    return Measures(
        totals=totals(attempts),
        funnel=funnel.funnel(funnel.funnel_counts(leads, attempts, frames.decisions)),
        statuses=calls.calls_by_status(calls.status_counts(attempts)),
        activity=calls.activity(calls.activity_counts(attempts)),
        activity_step=calls.activity_step(attempts),
        emotions=emotions.emotions(heard),
        emotions_unheard=emotions.unheard(heard),
        refusals=refusals.refusals(refusals.refusal_counts(refused), leads.height),
        dispositions=calls.dispositions(calls.disposition_counts(attempts)),
        answer_by_hour=calls.answer_rate_by_hour(calls.hour_counts(attempts)),
        emotions_along=emotions.emotions_along_call(emotions.along_counts(turns)),
        latency=latency.turn_latency(turns),
        latency_histogram=latency.latency_histogram(latency.latency_counts(turns)),
    )


def headline(totals: Totals) -> dict[Metric, Rate]:
    """The four rates of a campaign's first row; the fifth figure is its dials."""
    return {
        ANSWERED_PER_DIAL: rate(totals.answered, totals.dials),
        CONVERSED_PER_HUMAN: rate(totals.conversed, totals.human_answered),
        GOALS_PER_CONVERSATION: rate(totals.goal, totals.conversed),
        OPT_OUTS_PER_HUMAN: rate(totals.opted_out, totals.human_answered),
    }
