"""Experiments have a plan and an outcome; leads get their arm within a stratum."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def _texts(name: str, comment: str) -> sa.Column:  # type: ignore[type-arg]
    kind = postgresql.ARRAY(sa.Text())
    return sa.Column(name, kind, nullable=False, server_default="{}", comment=comment)


def _plan() -> list[sa.Column]:  # type: ignore[type-arg]
    return [
        sa.Column(
            "metric",
            sa.Text(),
            nullable=False,
            server_default="goals_per_assigned_lead",
            comment="what is compared: goals_per_assigned_lead",
        ),
        sa.Column(
            "baseline", sa.Float(), comment="the control's share as expected, 0 to 1; NULL: unknown"
        ),
        sa.Column("minimal_effect", sa.Float(), comment="least absolute difference worth finding"),
        sa.Column("alpha", sa.Float(), comment="chance to see a difference where there is none"),
        sa.Column("power", sa.Float(), comment="chance to see the minimal effect where it is"),
        _texts("guardrails", "what an arm must not make worse: opt_outs, hang_ups"),
        sa.Column(
            "stop",
            sa.Text(),
            nullable=False,
            server_default="automatic",
            comment="who ends it: automatic, by hand; an arm that does harm always ends it",
        ),
        sa.Column(
            "planned_n",
            sa.Integer(),
            comment="leads per arm at which it may be given up; NULL: no end",
        ),
        sa.Column(
            "verdict",
            postgresql.JSONB(),
            comment="what was found at the last look: kind, arm, why, figures",
        ),
        sa.Column("judged_at", _MOMENT, comment="when it was last looked at; NULL: never"),
        sa.Column("stopped_reason", sa.Text(), comment="why it ended; NULL: it goes on"),
        sa.Column("stopped_by", sa.Text(), comment="who ended it: a login, or the flow"),
        sa.Column("winner", sa.Text(), comment="arm that new leads hear since; NULL: the control"),
        _texts("harmful", "arms nobody hears any more, not even leads that are in them"),
    ]


def upgrade() -> None:
    for column in _plan():
        op.add_column("experiments", column)
    op.create_check_constraint(
        op.f("ck_experiments_stop"), "experiments", "stop IN ('automatic','by hand')"
    )
    op.add_column(
        "assignments",
        sa.Column(
            "stratum",
            sa.Text(),
            comment="list and first time zone it was shared out in; NULL: none",
        ),
    )
    op.create_table(
        "assignment_strata",
        sa.Column("experiment_id", sa.Uuid(), nullable=False, comment="the experiment"),
        sa.Column(
            "stratum", sa.Text(), nullable=False, comment="list (lead_lists.id) / first time zone"
        ),
        sa.Column("shares", sa.Text(), nullable=False, comment="arms with their shares, JSON"),
        sa.Column("drawn", sa.BigInteger(), nullable=False, comment="leads that got an arm here"),
        sa.ForeignKeyConstraint(
            ["experiment_id"],
            ["experiments.id"],
            name=op.f("fk_assignment_strata_experiment_id"),
        ),
        sa.PrimaryKeyConstraint(
            "experiment_id", "stratum", "shares", name=op.f("pk_assignment_strata")
        ),
        comment="How many leads of a stratum have an arm; the next one's follows from it.",
    )


def downgrade() -> None:
    op.drop_table("assignment_strata")
    op.drop_column("assignments", "stratum")
    op.drop_constraint(op.f("ck_experiments_stop"), "experiments")
    for column in reversed(_plan()):
        op.drop_column("experiments", column.name)
