"""Which part of the history is asked about: one campaign or all, lists, arms, days."""

from dataclasses import dataclass
from datetime import date
from typing import Any


@dataclass(frozen=True)
class Slice:
    """`campaign_id` None: every campaign; `lists`, `arms` empty: all; `since`, `until`: days of the
    called person, both included. Rehearsals and real calls are never together."""

    campaign_id: str | None = None
    rehearsal: bool = False
    lists: tuple[str, ...] = ()
    arms: tuple[str, ...] = ()
    since: date | None = None
    until: date | None = None

    def where(self, day: str = "day") -> tuple[str, dict[str, Any]]:
        """A condition in SQL over a dial cube (or over `attempts`, with `day` the expression of the
        day), and its parameters."""
        parts, values = ["rehearsal = $rehearsal"], {"rehearsal": self.rehearsal}
        given: tuple[tuple[str, str, Any], ...] = (
            ("campaign_id", "campaign_id = $campaign_id", self.campaign_id),
            ("lists", "list IN (SELECT unnest($lists))", list(self.lists)),
            ("arms", "arm IN (SELECT unnest($arms))", list(self.arms)),
            ("since", f"{day} >= $since", self.since),
            ("until", f"{day} <= $until", self.until),
        )
        found: dict[str, Any] = dict(values)
        for name, condition, value in given:
            if value:
                parts.append(condition)
                found[name] = value
        return " AND ".join(parts), found
