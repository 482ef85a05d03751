"""Candidates in running calls: whose answer a prediction is, what shadows say, how rollouts go."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_SLOT = "whose answer in a call of a canary: champion or challenger; NULL: no such call"
_OLD_COMMENT = "What a candidate model would have said; never acted on."
_COMMENT = "What a candidate said of a turn beside the champion, in the shadow or as challenger."


def upgrade() -> None:
    op.add_column("model_predictions", sa.Column("slot", sa.Text(), comment=_SLOT))
    for column in (
        sa.Column(
            "slot",
            sa.Text(),
            nullable=False,
            server_default="shadow",
            comment="shadow, or challenger: in a canary",
        ),
        sa.Column(
            "champion_version", sa.Text(), comment="registry version it is held against, or 1"
        ),
        sa.Column("champion_label", sa.Text(), comment="what that heard; NULL: nothing"),
        sa.Column("champion_score", sa.Float(), comment="probability; NULL: it gives none"),
        sa.Column(
            "acted_on",
            sa.Boolean(),
            nullable=False,
            server_default=sa.false(),
            comment="the call went by the candidate's word",
        ),
    ):
        op.add_column("shadow_predictions", column)
    for name in ("slot", "acted_on"):
        op.alter_column("shadow_predictions", name, server_default=None)
    op.create_table_comment("shadow_predictions", _COMMENT, existing_comment=_OLD_COMMENT)
    op.create_index(
        "ix_shadow_predictions_version",
        "shadow_predictions",
        ["task", "model_version", "predicted_at"],
    )
    _rollouts()
    _steps()


def _rollouts() -> None:
    when = sa.DateTime(timezone=True)
    op.create_table(
        "rollouts",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False, comment="row id"),
        sa.Column("task", sa.Text(), nullable=False, comment="intent, emotion …"),
        sa.Column("model_name", sa.Text(), nullable=False, comment="registered name"),
        sa.Column("model_version", sa.Text(), nullable=False, comment="the candidate"),
        sa.Column(
            "champion_version",
            sa.Text(),
            comment="what it is held against; NULL: nothing was served",
        ),
        sa.Column(
            "stage",
            sa.Text(),
            nullable=False,
            comment="shadow or canary; of an ended one, its last",
        ),
        sa.Column(
            "share",
            sa.Float(),
            nullable=False,
            comment="percent of the calls it answers; shadow: 0",
        ),
        sa.Column(
            "campaigns", ARRAY(sa.Text()), comment="ids of campaigns it may touch; NULL: all"
        ),
        sa.Column(
            "rehearsal", sa.Boolean(), nullable=False, comment="judged by calls at the simulator"
        ),
        sa.Column(
            "stage_since", when, nullable=False, comment="since when it is at this stage and share"
        ),
        sa.Column("started_by", sa.Text(), nullable=False, comment="who"),
        sa.Column("started_at", when, nullable=False, comment="when"),
        sa.Column("looked_at", when, comment="when it was last judged"),
        sa.Column("standing", JSONB(), comment="the last judgement with its figures"),
        sa.Column("outcome", sa.Text(), comment="champion, rolled_back, stopped; NULL: under way"),
        sa.Column("why", sa.Text(), comment="one sentence on the outcome"),
        sa.Column("ended_at", when, comment="when it was over"),
        sa.CheckConstraint("stage IN ('shadow','canary')", name=op.f("ck_rollouts_stage")),
        sa.CheckConstraint(
            "outcome IN ('champion','rolled_back','stopped')", name=op.f("ck_rollouts_outcome")
        ),
        sa.CheckConstraint(
            "(outcome IS NULL) = (ended_at IS NULL)", name=op.f("ck_rollouts_ended")
        ),
        sa.CheckConstraint("share >= 0 AND share <= 100", name=op.f("ck_rollouts_share")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rollouts")),
        comment="One candidate from its first shadow turn to its outcome; one at a time of a task.",
    )
    op.create_index(
        "uq_rollouts_open",
        "rollouts",
        ["task"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )


def _steps() -> None:
    op.create_table(
        "rollout_steps",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False, comment="row id"),
        sa.Column("rollout_id", sa.BigInteger(), nullable=False, comment="whose"),
        sa.Column("decision", sa.Text(), nullable=False, comment="start, advance, roll_back, stop"),
        sa.Column("stage", sa.Text(), comment="where it is after it; NULL: nowhere, it is over"),
        sa.Column("share", sa.Float(), comment="percent of the calls after it; NULL: it is over"),
        sa.Column("why", sa.Text(), nullable=False, comment="one sentence"),
        sa.Column(
            "evidence", JSONB(), nullable=False, comment="the figures by which it was decided"
        ),
        sa.Column("decided_by", sa.Text(), nullable=False, comment="who; judge: by itself"),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False, comment="when"),
        sa.CheckConstraint(
            "decision IN ('start','advance','roll_back','stop')",
            name=op.f("ck_rollout_steps_decision"),
        ),
        sa.ForeignKeyConstraint(
            ["rollout_id"], ["rollouts.id"], name=op.f("fk_rollout_steps_rollout_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rollout_steps")),
        comment="Every step of a rollout with its evidence; append-only.",
    )
    op.create_index(op.f("ix_rollout_steps_rollout_id"), "rollout_steps", ["rollout_id"])


def downgrade() -> None:
    op.drop_table("rollout_steps")
    op.drop_table("rollouts")
    op.drop_index("ix_shadow_predictions_version", "shadow_predictions")
    op.create_table_comment("shadow_predictions", _OLD_COMMENT, existing_comment=_COMMENT)
    for name in ("acted_on", "champion_score", "champion_label", "champion_version", "slot"):
        op.drop_column("shadow_predictions", name)
    op.drop_column("model_predictions", "slot")
