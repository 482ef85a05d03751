"""One campaign's rows from the lake, in the frames that the metrics are computed from.

The lake holds calls that have ended; one that is going on is seen on the Live page only.
"""

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

_CAMPAIGNS = """
SELECT campaign_id, campaign, state, seller, list, script, rehearsal, created_at FROM campaigns
ORDER BY created_at DESC, campaign
"""


def campaigns(lake: Lake) -> list[Campaign]:
    """The newest first."""
    return [
        Campaign(
            id=UUID(row["campaign_id"]),
            name=row["campaign"],
            state=row["state"],
            seller=row["seller"],
            list_name=row["list"],
            script=row["script"],
            rehearsal=row["rehearsal"],
            created_at=row["created_at"],
        )
        for row in lake.sql(_CAMPAIGNS).iter_rows(named=True)
    ]


def find_campaign(lake: Lake, campaign: str) -> Campaign:
    """By name, or by id as text. Raises NotFound, naming the campaigns there are."""
    known = campaigns(lake)
    for one in known:
        if campaign in (one.name, str(one.id)):
            return one
    names = ", ".join(sorted(one.name for one in known))
    told = f"there are: {names}" if names else "it has none yet"
    raise NotFound(f"the lake knows no campaign named {campaign!r}; {told}")


def campaign_frames(lake: Lake, campaign: str) -> CampaignFrames:
    """The campaign of that name or id: what `pipelines.metrics.load.campaign_frames` reads from
    Postgres, calls that go on apart. Raises NotFound."""
    found = find_campaign(lake, campaign)
    mine = lake.only(campaign=str(found.id))
    member = pl.col("campaign_id") == str(found.id)

    def rows(table: str, schema: pl.Schema) -> pl.DataFrame:
        scan = mine.scan(table).filter(member, pl.col("rehearsal") == found.rehearsal)
        known = scan.collect_schema()
        return scan.select(
            (pl.col(name) if name in known else pl.lit(None)).cast(kind).alias(name)
            for name, kind in schema.items()
        ).collect()

    return CampaignFrames(
        campaign=found,
        leads=rows("campaign_leads", LEADS),
        attempts=rows("attempts", ATTEMPTS),
        turns=rows("turns", TURNS),
        decisions=rows("decisions", DECISIONS),
    )
