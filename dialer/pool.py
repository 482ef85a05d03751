"""The caller ids of the running campaigns, as one claim sees and uses them up."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from dialer.facts import StoredCampaign
from voice_ai.db import queries
from voice_ai.db.connect import AsyncDb
from voice_ai.ids import NumberId
from voice_ai.pacing import caller_ids
from voice_ai.pacing.caller_ids import CallerId, Limits, Standing

_SQL = queries("pacing")


@dataclass
class CallerIdPool:
    """Counts over all campaigns: what one of them takes, the next no longer has."""

    callers: dict[int, CallerId] = field(default_factory=dict)

    def usable(self, campaign: StoredCampaign, now: datetime) -> list[CallerId]:
        """The campaign's numbers that may be shown now."""
        own = (self.callers[one] for one in campaign.caller_ids if one in self.callers)
        return [caller for caller in own if self.is_usable(caller.number_id, campaign, now)]

    def is_usable(self, number_id: int, campaign: StoredCampaign, now: datetime) -> bool:
        if not campaign.spares_caller_ids:
            return True
        return caller_ids.usable(self.callers[number_id], limits_of(campaign), now)

    def take(self, number_id: int) -> None:
        self.callers[number_id] = self.callers[number_id].once_more()


def limits_of(campaign: StoredCampaign) -> Limits:
    return Limits(campaign.pacing.caller_id_day, campaign.pacing.caller_id_concurrent)


async def read_pool(
    db: AsyncDb, campaigns: Iterable[StoredCampaign], now: datetime
) -> CallerIdPool:
    """Every active number of these campaigns that no switch stops, with its dials of 24 hours."""
    found = await db.execute(
        _SQL.caller_ids,
        {
            "numbers": sorted({one for campaign in campaigns for one in campaign.caller_ids}),
            # Counting is for those who spare their numbers: others have no ceiling.
            "counted": sorted(
                {
                    one
                    for campaign in campaigns
                    if campaign.spares_caller_ids
                    for one in campaign.caller_ids
                }
            ),
            "now": now,
        },
    )
    return CallerIdPool({row["number_id"]: caller_id(row) for row in await found.fetchall()})


def caller_id(row: dict[str, Any]) -> CallerId:
    """From a row of `caller_ids`."""
    return CallerId(
        number_id=NumberId(row["number_id"]),
        country=row["country"],
        states=frozenset(row["states"]),
        standing=Standing(row["standing"]),
        standing_since=row["standing_since"],
        cool_until=row["cool_until"],
        daily_ceiling=row["daily_ceiling"],
        dials=row["dials"],
        live=row["live"],
    )
