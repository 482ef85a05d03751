"""What the pages and the flows need: vitals of processes, whose request it is, days in figures."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, UUID

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "workers",
        sa.Column(
            "vitals",
            JSONB(),
            comment="CPU, memory and what else it says of itself; NULL: nothing yet",
        ),
    )
    op.add_column(
        "flow_requests",
        sa.Column(
            "worker_id",
            UUID(as_uuid=True),
            comment="the flows process (workers.id) that runs it",
        ),
    )
    op.alter_column(
        "flow_requests",
        "state",
        existing_type=sa.Text(),
        comment="asked, running, done, failed, cancelled, interrupted (its process ended)",
    )
    op.create_table(
        "daily_summaries",
        sa.Column("campaign_id", UUID(as_uuid=True), nullable=False, comment="the campaign"),
        sa.Column("day", sa.Date(), nullable=False, comment="day of the dials' intents, UTC"),
        sa.Column("figures", JSONB(), nullable=False, comment="counts of the day by metric name"),
        sa.Column(
            "made_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="when the flow last counted",
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name=op.f("fk_daily_summaries_campaign_id")
        ),
        sa.PrimaryKeyConstraint("campaign_id", "day", name=op.f("pk_daily_summaries")),
        comment="A campaign's day in figures, counted by a flow.",
    )
    op.create_index(
        "ix_attempts_ended",
        "attempts",
        ["ended_at"],
        postgresql_where=sa.text("state = 'ended'"),
    )


def downgrade() -> None:
    op.drop_index("ix_attempts_ended", table_name="attempts")
    op.drop_table("daily_summaries")
    op.alter_column(
        "flow_requests",
        "state",
        existing_type=sa.Text(),
        comment="asked, running, done, failed, cancelled",
    )
    op.drop_column("flow_requests", "worker_id")
    op.drop_column("workers", "vitals")
