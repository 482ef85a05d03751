"""Watching models in production, and labels that people give."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, UUID

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_WHERE = "turns at the simulator, or live ones"


def upgrade() -> None:
    _watch()
    _labels()


def downgrade() -> None:
    for table in ("turn_labels", "label_samples", "model_references", "model_watch"):
        op.drop_table(table)


def _watch() -> None:
    op.create_table(
        "model_watch",
        sa.Column(
            "day", sa.Date(), nullable=False, comment="the day (UTC) up to whose end was measured"
        ),
        sa.Column("rehearsal", sa.Boolean(), nullable=False, comment=_WHERE),
        sa.Column("task", sa.Text(), nullable=False, comment="intent, emotion …"),
        sa.Column(
            "model_version",
            sa.Text(),
            nullable=False,
            comment="registry version; any: of no single one",
        ),
        sa.Column("measure", sa.Text(), nullable=False, comment="psi_score, missing, accuracy …"),
        sa.Column("value", sa.Float(), comment="NULL: could not be computed"),
        sa.Column("low", sa.Float(), comment="lower 95 % bound; NULL: none is computed"),
        sa.Column("high", sa.Float(), comment="upper 95 % bound; NULL: none is computed"),
        sa.Column("n", sa.Integer(), nullable=False, comment="turns (words, labels) it rests on"),
        sa.Column("verdict", sa.Text(), nullable=False, comment="stable, watch, act, too_few"),
        sa.Column(
            "reference", sa.Text(), comment="held against: held-out, first turns; NULL: nothing"
        ),
        sa.Column(
            "detail",
            JSONB(),
            nullable=False,
            comment="shares by bin or label, of the reference and now",
        ),
        sa.Column("made_at", _MOMENT, nullable=False, comment="when the flow last measured it"),
        sa.CheckConstraint(
            "verdict IN ('stable','watch','act','too_few')", name=op.f("ck_model_watch_verdict")
        ),
        sa.PrimaryKeyConstraint(
            "day", "rehearsal", "task", "model_version", "measure", name=op.f("pk_model_watch")
        ),
        comment="Drift of served models, measured by a flow once a day; the same day is replaced.",
    )
    op.create_table(
        "model_references",
        sa.Column("task", sa.Text(), nullable=False, comment="intent, emotion …"),
        sa.Column("model_version", sa.Text(), nullable=False, comment="registry version"),
        sa.Column("rehearsal", sa.Boolean(), nullable=False, comment=_WHERE),
        sa.Column(
            "reference",
            JSONB(),
            nullable=False,
            comment="counts by bin and label of its first turns",
        ),
        sa.Column(
            "until",
            _MOMENT,
            nullable=False,
            comment="end of the last call in it: later ones are held against it",
        ),
        sa.Column("made_at", _MOMENT, nullable=False, comment="when"),
        sa.PrimaryKeyConstraint(
            "task", "model_version", "rehearsal", name=op.f("pk_model_references")
        ),
        comment="What a version said in its first turns of calls; fixed once they are enough.",
    )


def _labels() -> None:
    op.create_table(
        "label_samples",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False, comment="row id"),
        sa.Column("task", sa.Text(), nullable=False, comment="what is to be labelled"),
        sa.Column(
            "week", sa.Date(), nullable=False, comment="Monday of the week (UTC) of the turns"
        ),
        sa.Column("rehearsal", sa.Boolean(), nullable=False, comment=_WHERE),
        sa.Column("attempt_id", UUID(as_uuid=True), nullable=False, comment="the dial"),
        sa.Column("turn_index", sa.Integer(), nullable=False, comment="the turn"),
        sa.Column(
            "place", sa.Integer(), nullable=False, comment="order in which it is shown, by chance"
        ),
        sa.Column(
            "stratum", sa.Text(), nullable=False, comment="predicted label and band of its score"
        ),
        sa.Column(
            "weight",
            sa.Float(),
            nullable=False,
            comment="turns it stands for: one over its chance",
        ),
        sa.Column("model_name", sa.Text(), nullable=False, comment="whose answer is checked"),
        sa.Column("model_version", sa.Text(), nullable=False, comment="and which version"),
        sa.Column(
            "predicted",
            sa.Text(),
            nullable=False,
            comment="what it heard; never shown to a labeller",
        ),
        sa.Column("score", sa.Float(), nullable=False, comment="with which probability"),
        sa.Column("drawn_at", _MOMENT, nullable=False, comment="when"),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["attempts.id"], name=op.f("fk_label_samples_attempt_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_label_samples")),
        sa.UniqueConstraint(
            "task",
            "week",
            "rehearsal",
            "attempt_id",
            "turn_index",
            name=op.f("uq_label_samples_task_week_rehearsal_attempt_id_turn_index"),
        ),
        comment="Turns of a week drawn to be labelled by people.",
    )
    op.create_index("ix_label_samples_attempt_id", "label_samples", ["attempt_id"])
    op.create_table(
        "turn_labels",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False, comment="row id"),
        sa.Column("sample_id", sa.BigInteger(), nullable=False, comment="the drawn turn"),
        sa.Column("labeller", sa.Text(), nullable=False, comment="who"),
        sa.Column("label", sa.Text(), comment="what they heard; NULL: could not tell"),
        sa.Column(
            "decides",
            sa.Boolean(),
            nullable=False,
            comment="settles a disagreement of two others",
        ),
        sa.Column("labelled_at", _MOMENT, nullable=False, comment="when"),
        sa.Column("withdrawn_at", _MOMENT, comment="taken back"),
        sa.ForeignKeyConstraint(
            ["sample_id"], ["label_samples.id"], name=op.f("fk_turn_labels_sample_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_turn_labels")),
        comment="What people heard in drawn turns, blind to the model and to each other.",
    )
    op.create_index(
        "uq_turn_labels_standing",
        "turn_labels",
        ["sample_id", "labeller"],
        unique=True,
        postgresql_where=sa.text("withdrawn_at IS NULL"),
    )
