"""Days in figures: counts per campaign and day (UTC), kept in `daily_summaries`."""

from datetime import UTC, datetime, timedelta
from typing import Any

from voice_ai.db import queries
from voice_ai.db.connect import connect
from voice_ai.errors import BadInput

_SQL = queries("summaries")
MOST_DAYS = 400


def summarise_days(url: str, *, now: datetime, days: int = 3) -> dict[str, Any]:
    """Counts today and the days before again; the same days again replace what was counted.

    The answer lists the campaigns that were dialed, with their dials. Raises BadInput.
    """
    if not 1 <= days <= MOST_DAYS:
        raise BadInput(f"days is a number from 1 to {MOST_DAYS}", field="days")
    last = now.astimezone(UTC).date()
    first = last - timedelta(days=days - 1)
    with connect(url, name="voice-ai daily-summary") as db:
        values = {"first": first, "last": last, "now": now}
        rows = db.execute(_SQL.summarise, values).fetchall()
        ids = [row["campaign_id"] for row in rows]
        names = {row["id"]: row["name"] for row in db.execute(_SQL.names, {"ids": ids}).fetchall()}
    dials = dict.fromkeys(sorted(names.values()), 0)
    for row in rows:
        dials[names[row["campaign_id"]]] += int(row["figures"]["dials"])
    return {
        "first": first.isoformat(),
        "last": last.isoformat(),
        "days": len(rows),
        "campaigns": [{"campaign": name, "dials": made} for name, made in dials.items()],
    }
