"""Lists, imports, single leads and requests to flows, as the pages of leads show them."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

import polars as pl
import sqlalchemy as sa

from voice_ai.db import queries
from voice_ai.db.connect import Row
from voice_ai.errors import NotFound
from voice_ai.ids import CampaignId
from voice_ai.standing import LeadNext
from voice_ai.store import standing
from voice_ai.store.leads import History

_SQL = queries("leads")
_REQUESTS = queries("flow_requests")
_UNDO = queries("undo")

# An import writes a list's leads side by side; those with the same candidate zones are counted
# together.
_ZONES = """
SELECT l.zones, count(*) AS leads,
       count(*) FILTER (WHERE EXISTS (
           SELECT FROM suppressions x WHERE x.number_id = l.number_id
           AND (x.scope = 'all' OR x.seller_id = ll.seller_id))) AS suppressed
FROM leads l JOIN lead_lists ll ON ll.id = l.list_id
WHERE l.list_id = %(list_id)s GROUP BY l.zones
"""
_SELLERS = "SELECT name FROM sellers WHERE rehearsal = %(rehearsal)s ORDER BY created_at"
NO_ZONE = "Time zone unknown"


def lists(connection: sa.Connection) -> list[Row]:
    """The newest first."""
    return _rows(connection, _SQL.lists, {})


def imports(connection: sa.Connection, list_id: UUID) -> list[Row]:
    """The newest first."""
    return _rows(connection, _SQL.imports, {"list_id": list_id, "limit": 200})


def rejects(
    connection: sa.Connection, run_id: UUID, reason: str | None, page: int, size: int
) -> list[Row]:
    """One page (from 1) of refused rows, their values masked."""
    place = {"limit": size, "offset": size * (page - 1)}
    return _rows(connection, _SQL.rejects, {"run_id": run_id, "reason": reason, **place})


def zones(connection: sa.Connection, list_id: UUID) -> pl.DataFrame:
    """zone, leads, suppressed, callable: a lead counts once, under all its candidate zones."""
    rows = _rows(connection, _ZONES, {"list_id": list_id})
    frame = pl.DataFrame(
        [
            (" or ".join(map(place, row["zones"])) or NO_ZONE, row["leads"], row["suppressed"])
            for row in rows
        ],
        schema={"zone": pl.String(), "leads": pl.Int64(), "suppressed": pl.Int64()},
        orient="row",
    )
    free = (
        pl.when(pl.col("zone") == NO_ZONE).then(0).otherwise(pl.col("leads") - pl.col("suppressed"))
    )
    return frame.with_columns(callable=free).sort("leads", descending=True)


def place(zone: str) -> str:
    """America/New_York as New York."""
    return zone.rpartition("/")[2].replace("_", " ")


def in_use(connection: sa.Connection, run_id: UUID) -> bool:
    """Whether a lead of the import was called or decided about, so that it stays."""
    (row,) = _rows(connection, _UNDO.in_use, {"run_id": run_id})
    return any(row.values())


def sellers(connection: sa.Connection, *, rehearsal: bool) -> list[str]:
    return [row["name"] for row in _rows(connection, _SELLERS, {"rehearsal": rehearsal})]


def history(connection: sa.Connection, lead_id: int) -> History:
    """Raises NotFound."""
    found = _rows(connection, _SQL.lead, {"lead_id": lead_id})
    if not found:
        raise NotFound(f"there is no lead {lead_id}; its import may have been taken back")
    number = {"number_id": found[0]["number_id"]}
    parts = ("siblings", "standings", "decisions", "attempts", "suppressions", "consents")
    return History(found[0], *(_rows(connection, getattr(_SQL, part), number) for part in parts))


def lead_next(
    connection: sa.Connection, campaign_id: CampaignId, lead_id: int, now: datetime
) -> LeadNext:
    """Raises NotFound."""
    return standing.lead_next(partial(_rows, connection), campaign_id, lead_id, now)


def leads_of_fingerprint(connection: sa.Connection, fingerprint: bytes) -> list[int]:
    numbers = _rows(connection, _SQL.number_by_fingerprint, {"fingerprint": fingerprint})
    if not numbers:
        return []
    rows = _rows(connection, _SQL.leads_of_number, {"number_id": numbers[0]["id"]})
    return [row["lead_id"] for row in rows]


def request(connection: sa.Connection, request_id: UUID) -> Row:
    """Raises NotFound."""
    found = _rows(connection, _REQUESTS.look, {"id": request_id})
    if not found:
        raise NotFound(f"there is no request {request_id}; the address of this page is wrong")
    return found[0]


def flows_alive(connection: sa.Connection) -> bool:
    """Whether a flows process beats: without one a request waits."""
    (row,) = _rows(connection, _REQUESTS.serving, {})
    return bool(row["serving"])


def _rows(connection: sa.Connection, query: str, values: dict[str, Any]) -> list[Row]:
    found: Sequence[Any] = connection.exec_driver_sql(query, values).mappings().all()
    return [dict(row) for row in found]
