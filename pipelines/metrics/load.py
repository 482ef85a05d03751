"""Reads the frames of one campaign from the views, as one consistent snapshot."""

from io import BytesIO

import polars as pl
from psycopg import sql

from pipelines.metrics.frames import (
    ATTEMPTS,
    DECISIONS,
    LEADS,
    MOMENT,
    TURNS,
    Campaign,
    CampaignFrames,
)
from voice_ai.db.connect import Db, Row
from voice_ai.errors import NotFound

CAMPAIGNS = """
SELECT c.id, c.name, c.state, s.name AS seller, ll.name AS list_name, v.script_name AS script,
       c.rehearsal, c.created_at
FROM campaigns c
JOIN sellers s ON s.id = c.seller_id
JOIN lead_lists ll ON ll.id = c.list_id
LEFT JOIN campaign_versions v ON v.campaign_id = c.id AND v.version = c.version
"""
_LEADS = "SELECT lead_id, state FROM campaign_leads WHERE campaign_id = {campaign}"
_ATTEMPTS = """
SELECT {columns} FROM v_attempts
WHERE campaign_id = {campaign} AND rehearsal = {rehearsal}
"""
_TURNS = """
SELECT {columns} FROM v_turns WHERE campaign_id = {campaign} AND rehearsal = {rehearsal}
"""
_DECISIONS = """
SELECT decision_id, lead_id, allow::int AS allow, array_to_string(reasons, '|') AS reasons
FROM v_decisions WHERE campaign_id = {campaign} AND rehearsal = {rehearsal}
"""


def campaign_frames(db: Db, campaign: str) -> CampaignFrames:
    """The campaign of that name or id. Raises NotFound."""
    with db.transaction():
        db.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        found = find_campaign(db, campaign)
        scope = {"campaign": sql.Literal(str(found.id)), "rehearsal": sql.Literal(found.rehearsal)}
        return CampaignFrames(
            campaign=found,
            leads=_copy(db, _LEADS, LEADS, scope),
            attempts=_copy(db, _ATTEMPTS, ATTEMPTS, scope),
            turns=_copy(db, _TURNS, TURNS, scope),
            decisions=_copy(db, _DECISIONS, DECISIONS, scope),
        )


def find_campaign(db: Db, campaign: str) -> Campaign:
    """By name, or by id as text. Raises NotFound, naming the campaigns there are."""
    row = db.execute(
        CAMPAIGNS + " WHERE c.name = %(key)s OR c.id::text = %(key)s", {"key": campaign}
    ).fetchone()
    if row is None:
        names = [known["name"] for known in db.execute("SELECT name FROM campaigns ORDER BY name")]
        known = f"there are: {', '.join(names)}" if names else "there is none yet"
        raise NotFound(f"no campaign named {campaign!r}; {known}")
    return campaign_of(row)


def campaign_of(row: Row) -> Campaign:
    return Campaign(**row)


def _copy(db: Db, query: str, schema: pl.Schema, scope: dict[str, sql.Literal]) -> pl.DataFrame:
    """COPY as CSV into polars: ten times faster than rows through Python."""
    columns = sql.SQL(", ").join(sql.SQL(_exported(name, schema[name])) for name in schema)
    statement = sql.SQL("COPY ({}) TO STDOUT (FORMAT csv, HEADER)").format(
        sql.SQL(query).format(columns=columns, **scope)
    )
    with db.cursor() as cursor, cursor.copy(statement) as copy:
        text = b"".join(bytes(block) for block in copy)
    raw = pl.read_csv(BytesIO(text), schema={name: _read_as(schema[name]) for name in schema})
    return raw.select(_restored(name, schema[name]) for name in schema)


def _exported(name: str, dtype: pl.DataType) -> str:
    if dtype == MOMENT:
        return f"floor(extract(epoch FROM {name}) * 1000)::bigint AS {name}"
    return f"{name}::int AS {name}" if dtype == pl.Boolean else name


def _read_as(dtype: pl.DataType) -> pl.DataType | type[pl.DataType]:
    if dtype == MOMENT or dtype == pl.Boolean:
        return pl.Int64
    return pl.String if isinstance(dtype, pl.List) else dtype


def _restored(name: str, dtype: pl.DataType) -> pl.Expr:
    if isinstance(dtype, pl.List):
        return pl.col(name).fill_null("").str.split("|").list.filter(pl.element() != "")
    return pl.col(name).cast(dtype)
