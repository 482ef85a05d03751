"""Experiments in the lake: which there are, and what the days of one came to."""

import json
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from pipelines.lake.read import Lake
from pipelines.metrics.experiments import ReadOut, read_out
from voice_ai.experiments.arms import control_of
from voice_ai.experiments.verdict import Rules

_ALL = """
SELECT e.*, c.rehearsal, c.state AS campaign_state, n.leads FROM experiments e
JOIN campaigns c USING (campaign_id)
LEFT JOIN (SELECT experiment_id, count(*) AS leads FROM assignments GROUP BY 1) n
    USING (experiment_id)
ORDER BY e.started_at DESC, e.experiment
"""
_LEADS = """
SELECT arm, CAST(assigned_at AS DATE) AS day, count(*) AS leads
FROM assignments WHERE experiment_id = $experiment_id GROUP BY ALL
"""
# Each counts a lead once: its first goal, its opt-out, and how the call in which a person picked up
# for the first time ended. The guardrails' test takes what it counts for independent draws.
_CALLS = """
SELECT arm, day, sum(first_goal) AS goals, sum(opted_out) AS opt_outs,
       sum(first_human) FILTER (WHERE disposition IN ('human_hangup', 'abandoned')) AS hang_ups
FROM cube_outcomes
WHERE campaign_id = $campaign_id AND experiment = $experiment AND arm IS NOT NULL GROUP BY ALL
"""


@dataclass(frozen=True)
class Known:
    """One experiment. `rules` as planned, the defaults where nothing was; `leads` so far."""

    experiment_id: str
    campaign_id: str
    campaign: str
    name: str
    shares: dict[str, float]
    control: str
    rules: Rules
    leads: int
    started_at: datetime | None
    stopped_at: datetime | None
    rehearsal: bool
    stopped_reason: str | None = None
    winner: str | None = None

    @property
    def state(self) -> str:
        return "stopped" if self.stopped_at else "running"


def experiments(lake: Lake, campaign_id: str | None = None) -> list[Known]:
    """The newest first; of one campaign, or of all."""
    rows = lake.sql(_ALL).iter_rows(named=True)
    return [_known(row) for row in rows if campaign_id in (None, row["campaign_id"])]


def days(lake: Lake, known: Known) -> pl.DataFrame:
    """arm, day, leads assigned on it, goals, opt_outs and hang_ups of its calls."""
    part = lake.only(campaign=known.campaign_id)
    leads = part.sql(_LEADS, {"experiment_id": known.experiment_id})
    calls = part.sql(_CALLS, {"campaign_id": known.campaign_id, "experiment": known.name})
    joined = leads.join(calls, on=["arm", "day"], how="full", coalesce=True)
    counts = pl.col("leads", "goals", "opt_outs", "hang_ups").fill_null(0).cast(pl.Int64)
    return joined.with_columns(counts).sort("day", "arm")


def read(lake: Lake, known: Known) -> ReadOut:
    """What it shows so far, by the rules it was planned with."""
    return read_out(days(lake, known), known.shares, known.control, known.rules)


def _known(row: dict[str, object]) -> Known:
    shares = {str(arm): float(share) for arm, share in json.loads(str(row["arms"])).items()}
    given = {
        "effect": row.get("minimal_effect"),
        "alpha": row.get("alpha"),
        "planned": row.get("planned_n"),
        "guards": None if row.get("guardrails") is None else _texts(row["guardrails"]),
    }
    rules = Rules(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]
    return Known(
        str(row["experiment_id"]),
        str(row["campaign_id"]),
        str(row["campaign"]),
        str(row["experiment"]),
        dict(sorted(shares.items())),
        control_of(tuple(shares)),
        rules,
        int(row["leads"] or 0),  # type: ignore[call-overload]
        row["started_at"],  # type: ignore[arg-type]
        row["stopped_at"],  # type: ignore[arg-type]
        bool(row["rehearsal"]),
        row["stopped_reason"],  # type: ignore[arg-type]
        row["winner"],  # type: ignore[arg-type]
    )


def _texts(written: object) -> tuple[str, ...]:
    return tuple(map(str, json.loads(str(written))))
