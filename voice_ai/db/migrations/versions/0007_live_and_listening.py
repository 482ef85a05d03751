"""What people and facts say of calls that somebody listened to."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, UUID

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "qa_scores",
        sa.Column(
            "id", sa.BigInteger(), sa.Identity(always=False), nullable=False, comment="row id"
        ),
        sa.Column(
            "attempt_id", UUID(as_uuid=True), nullable=False, comment="the call that was judged"
        ),
        sa.Column("scorer", sa.Text(), nullable=False, comment="human or auto"),
        sa.Column("scored_by", sa.Text(), nullable=False, comment="who; auto: what judged"),
        sa.Column("card", sa.Text(), nullable=False, comment="the scorecard's name"),
        sa.Column("card_version", sa.Integer(), nullable=False, comment="and its version"),
        sa.Column(
            "gates",
            JSONB(),
            nullable=False,
            comment="gate to pass, fail or n/a; null: not known",
        ),
        sa.Column("scores", JSONB(), nullable=False, comment="item to 0–1; null: not judged"),
        sa.Column(
            "total", sa.Float(), comment="0–100 over the judged items; NULL: none was judged"
        ),
        sa.Column("passed", sa.Boolean(), comment="false: a gate failed; NULL: no gate was judged"),
        sa.Column("note", sa.Text(), comment="what the listener wrote"),
        sa.Column("scored_at", sa.DateTime(timezone=True), nullable=False, comment="when"),
        sa.CheckConstraint("scorer IN ('human','auto')", name=op.f("ck_qa_scores_scorer")),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["attempts.id"], name=op.f("fk_qa_scores_attempt_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_qa_scores")),
        comment="How calls sounded, by scorecard; never changed, the newest of a scorer counts.",
    )
    op.create_index("ix_qa_scores_attempt_id", "qa_scores", ["attempt_id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_qa_scores_attempt_id", table_name="qa_scores")
    op.drop_table("qa_scores")
