"""What is there before the first dial: leads, who is in a campaign, arms, and the small tables."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

import numpy as np
import polars as pl

from pipelines.generate import dials, ledger, planted
from pipelines.generate.frames import Campaign, shaped
from pipelines.generate.plan import SELLER, Planned
from pipelines.lake.tables import TABLES, TEXTS, empty


def standing_rows(of: Campaign) -> dict[str, pl.DataFrame]:
    """leads, campaign_leads and assignments: what is there before the first dial."""
    plan, people = of.plan, of.people
    lead_id = pl.int_range(of.first_lead, of.first_lead + len(people), eager=True)
    frame = pl.DataFrame(
        {
            "lead_id": lead_id,
            "list": pl.Series(planted.LISTS).gather(people.list),
            "zone": pl.Series(planted.ZONES).gather(people.zone),
            "person_key": of.persons,
            "loaded_at": ledger.loaded_at(plan, people),
        }
    ).with_columns(
        campaign_id=pl.lit(plan.id),
        campaign=pl.lit(plan.name),
        rehearsal=pl.lit(value=True),
        member_key=pl.format("{}/{}", pl.lit(plan.id), "lead_id"),
        seller=pl.lit(SELLER),
        line=pl.int_range(2, pl.len() + 2),
        position=pl.int_range(pl.len()),
        country=pl.lit("US"),
        zones=pl.concat_list("zone"),
        states=pl.lit([], dtype=TEXTS),
        line_type=pl.lit("fixed_line_or_mobile"),
        suppressed=_suppressed(of),
        import_run_id=pl.lit(plan.experiment_id[:24] + plan.id[24:]),
        imported_at=pl.col("loaded_at"),
    )
    made = {name: shaped(frame, name) for name in ("leads", "campaign_leads")}
    if plan.experiment:
        first = of.dials.group_by("lead").agg(assigned_at=pl.col("at").min()).sort("lead")
        lead = first["lead"]
        assigned = frame[lead].with_columns(
            experiment_id=pl.lit(plan.experiment_id),
            stratum=pl.format("{} | {}", "list", "zone"),
            arm=pl.Series(planted.ARMS).gather(people.arm[lead.to_numpy()]),
            assigned_at=first["assigned_at"],
        )
        made["assignments"] = shaped(assigned, "assignments")
    return made


def small_rows(plans: list[Planned]) -> dict[str, pl.DataFrame]:
    """campaigns, prices, caller_ids and experiments, whole. Dispositions are the product's own."""
    return {
        "campaigns": _table(
            "campaigns",
            [
                {
                    "campaign_id": plan.id, "campaign": plan.name, "seller": SELLER,
                    "list": planted.LISTS[0], "script": plan.script, "state": "completed",
                    "version": 1, "rehearsal": True, "created_at": plan.created_at,
                }
                for plan in plans
            ],
        ),
        "caller_ids": _table(
            "caller_ids",
            [
                {
                    "caller_id": line, "seller": SELLER, "standing": "active",
                    "standing_since": plan.created_at, "active": True,
                }
                for plan in plans
                for line in plan.caller_ids
            ],
        ),
        "experiments": _table(
            "experiments",
            [
                {
                    "experiment_id": plan.experiment_id, "campaign_id": plan.id,
                    "campaign": plan.name, "experiment": plan.experiment,
                    "arms": '{"A": 0.5, "B": 0.5}', "started_at": plan.created_at,
                }
                for plan in plans
                if plan.experiment
            ],
        ),
        "prices": _table("prices", prices(plans)),
    }  # fmt: skip


def prices(plans: list[Planned]) -> list[dict[str, Any]]:
    """Rows of `prices`: the carrier's minute changes half way."""
    first = min(plan.created_at for plan in plans)
    last = max(plan.created_at + timedelta(days=plan.days) for plan in plans)
    half = datetime.combine((first + (last - first) / 2).date(), time(), UTC)
    before, after = planted.CARRIER_MINUTE
    given = (
        ("carrier_minute", before, first, half),
        ("carrier_minute", after, half, None),
        ("stt_minute", planted.STT_MINUTE, first, None),
        ("tts_character", planted.TTS_CHARACTER, first, None),
    )
    return [
        {"item": item, "amount": amount, "currency": "USD", "valid_from": since, "valid_to": until}
        for item, amount, since, until in given
    ]


def _suppressed(of: Campaign) -> pl.Series:
    """Leads that said no, or whose number was wrong."""
    no = of.dials.filter(pl.col("code").is_in([dials.CODE["opt_out"], dials.CODE["wrong_number"]]))[
        "lead"
    ]
    found = np.zeros(len(of.people), bool)
    found[no.to_numpy()] = True
    return pl.Series(found)


def _table(name: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    schema = TABLES[name].schema
    if not rows:
        return empty(name)
    return pl.DataFrame([{c: row.get(c) for c in schema} for row in rows], schema=schema)
