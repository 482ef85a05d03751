"""A generated history in the order of time, a campaign's month at a time: memory stays flat."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import polars as pl

from pipelines.generate import dials
from pipelines.generate.frames import Campaign, campaign, month_rows
from pipelines.generate.plan import Ask, campaigns, months_of
from pipelines.generate.standing import standing_rows

_SINCE = {"leads": "imported_at", "campaign_leads": "loaded_at", "assignments": "assigned_at"}


@dataclass(frozen=True)
class Part:
    """`rows`: of every table of the lake that is not small, what belongs to that month (UTC) of the
    campaign. `first`, `last`: whether it begins or ends with this part."""

    of: Campaign
    month: date
    rows: dict[str, pl.DataFrame]
    first: bool
    last: bool

    @property
    def ends(self) -> datetime:
        return datetime.combine(next_month(self.month), time(), UTC)


def history(ask: Ask) -> Iterator[Part]:
    """By month, then by campaign."""
    waiting, active = campaigns(ask), list[Campaign]()
    lead = decision = 1
    for month in months_of(ask):
        begins = len(active)
        while waiting and waiting[0].start < next_month(month):
            made = campaign(waiting.pop(0), lead, decision)
            lead, decision = lead + len(made.people), decision + made.ledger.height
            active.append(made)
        ends = datetime.combine(next_month(month), time(), UTC)
        for place, of in enumerate(active):
            yield Part(of, month, _rows(of, month), place >= begins, of.last < ends)
        active = [of for of in active if of.last >= ends]


def _rows(of: Campaign, month: date) -> dict[str, pl.DataFrame]:
    standing = {
        name: dials.in_month(frame, _SINCE[name], month)
        for name, frame in standing_rows(of).items()
    }
    return month_rows(of, month) | standing


def next_month(month: date) -> date:
    return (month + timedelta(days=32)).replace(day=1)
