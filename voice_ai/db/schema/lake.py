"""What the lake's sync needs to know of changes: stamps of rows, and what went."""

from typing import Any

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Identity, Index, Table, Text
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import UUID

from voice_ai.db.schema.base import METADATA

WRITTEN = "transaction that wrote the row last (pg_current_xact_id), for the lake"
ADDED = "transaction that added the row (pg_current_xact_id), for the lake"


def stamp(comment: str = ADDED) -> Column[Any]:
    """Which transaction a row is of. A trigger keeps it where rows change."""
    return Column(
        "changed_xid",
        BigInteger,
        nullable=False,
        server_default=sql("pg_current_xact_id()::text::bigint"),
        comment=comment,
    )


def stamp_index(table: str) -> Index:
    """A block range index: a few kilobytes, and an update that changes nothing else stays cheap."""
    return Index(
        f"ix_{table}_changed_xid",
        "changed_xid",
        postgresql_using="brin",
        postgresql_with={"autosummarize": "on", "pages_per_range": 32},
    )


lake_gone = Table(
    "lake_gone",
    METADATA,
    Column("id", BigInteger, Identity(), primary_key=True, comment="row id"),
    Column("table_name", Text, nullable=False, comment="table of the lake"),
    Column("key", Text, nullable=False, comment="key of the row there, as text"),
    Column("month", Text, comment="its partition: YYYY-MM; NULL: has none"),
    Column("campaign_id", UUID(as_uuid=True), comment="its partition; NULL: has none"),
    Column("xid", BigInteger, nullable=False, comment="transaction that did it"),
    Index("ix_lake_gone_xid", "xid", postgresql_using="brin"),
    comment="Rows that were deleted or changed: the lake's copy no longer counts.",
)

lake_source = Table(
    "lake_source",
    METADATA,
    Column("one", Boolean, primary_key=True, server_default=sql("true"), comment="one row"),
    Column(
        "id",
        UUID(as_uuid=True),
        nullable=False,
        server_default=sql("gen_random_uuid()"),
        comment="random; a lake belongs to one database",
    ),
    CheckConstraint("one", name="one_row"),
    comment="Which database this is, so that two never mix in one lake.",
)
