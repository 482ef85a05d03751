"""A campaign's frames out of a commit of the lake: what its metrics are computed from."""

from uuid import UUID

import polars as pl

from pipelines.lake.read import Lake
from pipelines.metrics.frames import (
    ATTEMPTS,
    DECISIONS,
    LEADS,
    TURNS,
    Campaign,
    CampaignFrames,
)
from voice_ai.errors import NotFound


def lake_frames(lake: Lake, campaign: str) -> CampaignFrames:
    """The frames of the campaign of that name or id, with its finished dials. Raises NotFound."""
    found = find_in_lake(lake, campaign)
    part = lake.only(str(found.id))
    return CampaignFrames(
        campaign=found,
        leads=_of(part, "campaign_leads", found)
        .select("lead_id", state=pl.lit(None, dtype=LEADS["state"]))
        .collect(),
        attempts=_columns(_of(part, "attempts", found), ATTEMPTS).sort("attempt_id").collect(),
        turns=_columns(_of(part, "turns", found), TURNS).sort("attempt_id", "turn_index").collect(),
        decisions=_columns(_of(part, "decisions", found), DECISIONS).sort("decision_id").collect(),
    )


def find_in_lake(lake: Lake, campaign: str) -> Campaign:
    """By name or id. Raises NotFound, naming the campaigns that the lake has."""
    known = lake.rows("campaigns")
    mine = known.filter((pl.col("campaign") == campaign) | (pl.col("campaign_id") == campaign))
    if mine.is_empty():
        names = ", ".join(sorted(known["campaign"].to_list()))
        there = f"there are: {names}" if names else "there is none yet"
        raise NotFound(f"no campaign named {campaign!r} in the lake; {there}")
    return _campaign(mine.row(0, named=True))


def _campaign(row: dict[str, object]) -> Campaign:
    """Its row of the lake; a value that the lake does not have is told as unknown."""
    return Campaign(
        id=UUID(str(row["campaign_id"])),
        name=str(row["campaign"]),
        state=str(row["state"] or "unknown"),
        seller=str(row["seller"] or "–"),
        list_name=str(row["list"] or "–"),
        script=None if row["script"] is None else str(row["script"]),
        rehearsal=bool(row["rehearsal"]),
        created_at=row["created_at"],  # type: ignore[arg-type]  # a moment by the table's schema
    )


def _of(lake: Lake, table: str, campaign: Campaign) -> pl.LazyFrame:
    return lake.scan(table).filter(
        pl.col("campaign_id") == str(campaign.id),
        pl.col("rehearsal") == campaign.rehearsal,
    )


def _columns(rows: pl.LazyFrame, schema: pl.Schema) -> pl.LazyFrame:
    return rows.select(pl.col(name).cast(kind) for name, kind in schema.items())
