"""What a version makes of turns that were said before it was served."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "turn_scores",
        sa.Column("attempt_id", sa.Uuid(), nullable=False, comment="the dial"),
        sa.Column("turn_index", sa.Integer(), nullable=False, comment="the turn"),
        sa.Column("task", sa.Text(), nullable=False, comment="intent, emotion …"),
        sa.Column("model_version", sa.Text(), nullable=False, comment="registry version"),
        sa.Column("model_name", sa.Text(), nullable=False, comment="registered name"),
        sa.Column("label", sa.Text(), nullable=False, comment="what it hears"),
        sa.Column("score", sa.Float(), nullable=False, comment="probability"),
        sa.Column("scored_at", sa.DateTime(timezone=True), nullable=False, comment="when"),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["attempts.id"], name=op.f("fk_turn_scores_attempt_id")
        ),
        sa.PrimaryKeyConstraint(
            "attempt_id", "turn_index", "task", "model_version", name=op.f("pk_turn_scores")
        ),
        comment="Turns scored afterwards by a flow, so that old calls are told by one version.",
    )


def downgrade() -> None:
    op.drop_table("turn_scores")
