"""Calls that are handed to a colleague."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, Table, Text, text

from voice_ai.db.schema.base import METADATA, moment, ref, sealed, uuid_key

transfers = Table(
    "transfers",
    METADATA,
    uuid_key(),
    ref("attempt_id", "attempts.id", "the call", index=True),
    Column("nth", Integer, nullable=False, comment="1, 2, 3 … in the call"),
    Column("kind", Text, nullable=False, comment="blind or warm"),
    Column("asked_by", Text, nullable=False, comment="script, or the operator's login"),
    Column("command_id", BigInteger, comment="the command that asked (commands.id)", index=True),
    Column("status", Text, nullable=False, comment="open, answered, failed"),
    Column(
        "position",
        Integer,
        nullable=False,
        comment="which of the campaign's colleagues is asked: 0, 1, 2 …",
    ),
    sealed("state_sealed", "where the conversation stood"),
    sealed("summary_sealed", "what a colleague is told"),
    Column("agent_sid", Text, comment="the carrier's id of the colleague's call; NULL: none"),
    Column("reason", Text, comment="why nobody took it; NULL: it is open or was taken"),
    moment("started_at", "when it was begun", nullable=False),
    moment("asked_at", "when the present colleague began to be asked", nullable=False),
    moment("answered_at", "when it was taken"),
    moment("ended_at", "when nobody took it"),
    moment("leg_ended_at", "when the colleague's call was over"),
    moment("resumed_at", "when the conversation went on, or had never left"),
    CheckConstraint("status IN ('open','answered','failed')", name="status"),
    Index("ix_transfers_open", "attempt_id", unique=True, postgresql_where=text("status = 'open'")),
    comment="Calls handed to a colleague, one row each time; at most one is open in a call.",
)
