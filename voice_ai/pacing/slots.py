"""Turns at the carrier: who of several campaigns dials at which moment."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID


@dataclass(frozen=True)
class Demand:
    """What a campaign could dial now: `wanted` leads, at most one every `spacing`."""

    campaign_id: UUID
    wanted: int
    next_slot_at: datetime
    spacing: timedelta


def share_slots(
    demands: Sequence[Demand], *, first: datetime, spacing: timedelta, room: int, until: datetime
) -> dict[UUID, list[datetime]]:
    """Slots from `first` to `until` (both included), at most `room`, `spacing` apart in all.

    Campaigns take turns in the order given: whoever dialed waits until the others had theirs, so
    a large list does not starve a small one. A campaign that is not due yet is passed over.
    """
    given: dict[UUID, list[datetime]] = {demand.campaign_id: [] for demand in demands}
    queue = deque(demand for demand in demands if demand.wanted > 0)
    at = first
    while queue and room > 0:
        # The first in the queue of those that are due the soonest.
        chosen = min(queue, key=lambda demand: max(demand.next_slot_at, at))
        slot = max(chosen.next_slot_at, at)
        if slot > until:
            break
        given[chosen.campaign_id].append(slot)
        queue.remove(chosen)
        if chosen.wanted > 1:
            after = slot + chosen.spacing
            queue.append(replace(chosen, wanted=chosen.wanted - 1, next_slot_at=after))
        at, room = slot + spacing, room - 1
    return given


def most_slots(first: datetime, spacing: timedelta, until: datetime) -> int:
    """How many slots fit from `first` to `until`, both included."""
    return 0 if first > until else (until - first) // spacing + 1
