"""Calls handed to a colleague: who may be rung, each hand-over, commands about one call."""

from importlib.resources import files

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, UUID

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "campaign_versions",
        sa.Column(
            "transfer_to",
            ARRAY(sa.BigInteger()),
            server_default="{}",
            nullable=False,
            comment="numbers.id of the colleagues it hands calls to, in the order of asking",
        ),
    )
    op.add_column(
        "commands",
        sa.Column(
            "attempt_id",
            UUID(as_uuid=True),
            comment="the call it is about; NULL: about campaigns",
        ),
    )
    op.create_table(
        "transfers",
        sa.Column(
            "id",
            UUID(as_uuid=True),
            server_default=sa.text("gen_random_uuid()"),
            nullable=False,
            comment="random id",
        ),
        sa.Column("attempt_id", UUID(as_uuid=True), nullable=False, comment="the call"),
        sa.Column("nth", sa.Integer(), nullable=False, comment="1, 2, 3 … in the call"),
        sa.Column("kind", sa.Text(), nullable=False, comment="blind or warm"),
        sa.Column("asked_by", sa.Text(), nullable=False, comment="script, or the operator's login"),
        sa.Column("command_id", sa.BigInteger(), comment="the command that asked (commands.id)"),
        sa.Column("status", sa.Text(), nullable=False, comment="open, answered, failed"),
        sa.Column(
            "position",
            sa.Integer(),
            nullable=False,
            comment="which of the campaign's colleagues is asked: 0, 1, 2 …",
        ),
        sa.Column("state_sealed", BYTEA(), comment="where the conversation stood (AES-256-GCM)"),
        sa.Column("summary_sealed", BYTEA(), comment="what a colleague is told (AES-256-GCM)"),
        sa.Column(
            "agent_sid", sa.Text(), comment="the carrier's id of the colleague's call; NULL: none"
        ),
        sa.Column("reason", sa.Text(), comment="why nobody took it; NULL: it is open or was taken"),
        sa.Column(
            "started_at", sa.DateTime(timezone=True), nullable=False, comment="when it was begun"
        ),
        sa.Column(
            "asked_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="when the present colleague began to be asked",
        ),
        sa.Column("answered_at", sa.DateTime(timezone=True), comment="when it was taken"),
        sa.Column("ended_at", sa.DateTime(timezone=True), comment="when nobody took it"),
        sa.Column(
            "leg_ended_at", sa.DateTime(timezone=True), comment="when the colleague's call was over"
        ),
        sa.Column(
            "resumed_at",
            sa.DateTime(timezone=True),
            comment="when the conversation went on, or had never left",
        ),
        sa.CheckConstraint(
            "status IN ('open','answered','failed')", name=op.f("ck_transfers_status")
        ),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["attempts.id"], name=op.f("fk_transfers_attempt_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transfers")),
        comment="Calls handed to a colleague, one row each time; at most one is open in a call.",
    )
    op.create_index(op.f("ix_transfers_attempt_id"), "transfers", ["attempt_id"], unique=False)
    op.create_index(op.f("ix_transfers_command_id"), "transfers", ["command_id"], unique=False)
    op.create_index(
        "ix_transfers_open",
        "transfers",
        ["attempt_id"],
        unique=True,
        postgresql_where=sa.text("status = 'open'"),
    )
    seed = files("voice_ai.db.migrations") / "sql" / "0006_disposition.sql"
    op.execute(seed.read_text(encoding="utf-8"))


def downgrade() -> None:
    op.execute("DELETE FROM dispositions WHERE code = 'transferred'")
    op.drop_table("transfers")
    op.drop_column("commands", "attempt_id")
    op.drop_column("campaign_versions", "transfer_to")
