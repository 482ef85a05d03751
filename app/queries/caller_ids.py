"""Every caller id: its standing, what it dialed today, how it is answered against its pool."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa

from pipelines.metrics.intervals import Rate, rate
from voice_ai.caller_id_health import COMPARED, Health, RecentDial, score
from voice_ai.pacing.caller_ids import Rate as Dials

LINE_DAYS = 14

_LINES = """
SELECT i.number_id, i.label, s.id AS seller_id, s.name AS seller, i.active, i.standing,
       i.standing_since, i.cool_until, i.daily_ceiling, i.inbound_ok_at,
       (SELECT count(*) FROM attempts a
        WHERE a.caller_id_number = i.number_id AND a.intended_at >= :today
          AND a.rehearsal = s.rehearsal) AS today
FROM caller_ids i JOIN sellers s ON s.id = i.seller_id
WHERE s.rehearsal = :rehearsal ORDER BY s.name, i.label, i.number_id
"""
_RECENT = """
SELECT i.number_id, d.* FROM caller_ids i JOIN sellers s ON s.id = i.seller_id
CROSS JOIN LATERAL (
    SELECT a.intended_at AS at, f.answered, f.human_answered AS human, f.conversed,
           CAST(extract(epoch FROM a.ended_at - a.answered_at) AS float8) AS talk_s
    FROM attempts a JOIN dispositions f ON f.code = a.disposition
    WHERE a.caller_id_number = i.number_id AND a.state = 'ended' AND f.reached_carrier
      AND a.rehearsal = s.rehearsal
    ORDER BY a.intended_at DESC LIMIT :most) d
WHERE s.rehearsal = :rehearsal
"""
_DAYS = """
SELECT i.number_id, i.seller_id,
       CAST(floor(extract(epoch FROM a.intended_at - :since) / 86400) AS int) AS day,
       count(*) AS dials, count(*) FILTER (WHERE f.answered) AS answered
FROM caller_ids i JOIN sellers s ON s.id = i.seller_id
JOIN attempts a ON a.caller_id_number = i.number_id AND a.intended_at >= :since
JOIN dispositions f ON f.code = a.disposition
WHERE s.rehearsal = :rehearsal AND a.state = 'ended' AND f.reached_carrier
  AND a.rehearsal = s.rehearsal
GROUP BY 1, 2, 3
"""


@dataclass(frozen=True)
class Line:
    """One caller id. `answered` are its last dials, `pool` the seller's other ones of two weeks;
    `days` is its answered share day by day, None without a dial."""

    number_id: int
    label: str
    seller: str
    active: bool
    standing: str
    standing_since: datetime | None
    cool_until: datetime | None
    daily_ceiling: int | None
    inbound_ok_at: datetime | None
    today: int
    health: Health
    answered: Rate
    pool: Rate
    days: tuple[float | None, ...]

    @property
    def in_words(self) -> str:
        return self.standing if self.active else "retired"


def lines(
    connection: sa.Connection, *, rehearsal: bool, now: datetime, today: datetime
) -> list[Line]:
    """`today` is when the day began."""
    since = today - timedelta(days=LINE_DAYS - 1)
    scope = {"rehearsal": rehearsal, "today": today, "since": since, "most": COMPARED}
    dials: defaultdict[int, list[RecentDial]] = defaultdict(list)
    for row in connection.execute(sa.text(_RECENT), scope):
        values = dict(row._mapping)
        dials[values.pop("number_id")].append(RecentDial(**values))
    days: defaultdict[int, dict[int, tuple[int, int]]] = defaultdict(dict)
    pools: defaultdict[UUID, list[tuple[int, int, int]]] = defaultdict(list)
    for row in connection.execute(sa.text(_DAYS), scope):
        days[row.number_id][row.day] = (row.answered, row.dials)
        pools[row.seller_id].append((row.number_id, row.answered, row.dials))
    found = []
    for row in connection.execute(sa.text(_LINES), scope):
        values = dict(row._mapping)
        others = [one for one in pools[values.pop("seller_id")] if one[0] != row.number_id]
        pool = rate(sum(one[1] for one in others), sum(one[2] for one in others))
        recent = dials[row.number_id]
        found.append(
            Line(
                **values,
                health=score(recent, Dials(pool.n, pool.k)),
                answered=rate(sum(dial.answered for dial in recent), len(recent)),
                pool=pool,
                days=_days(days[row.number_id]),
            )
        )
    return found


def _days(counts: dict[int, tuple[int, int]]) -> tuple[float | None, ...]:
    shares: list[float | None] = []
    for day in range(LINE_DAYS):
        answered, dials = counts.get(day, (0, 0))
        shares.append(answered / dials if dials else None)
    return tuple(shares)
