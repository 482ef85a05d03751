"""Which rule and model scored a lead, and the hour of the day at which it comes first."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_COLUMNS = (
    ("rule", sa.Text(), "which rule made it"),
    ("chance", sa.Float(), "that a person picks up, 0 to 1, before anything is taken off"),
    ("slot_day", sa.Date(), "day, by the called party's clock, of the hour; NULL: none"),
    ("slot_hour", sa.Integer(), "hour of that day at which it comes first"),
    ("slot_arm", sa.Text(), "chosen, or random: the hold-out; for ever by person"),
    ("slot_share", sa.Float(), "share of persons in the hold-out when it was drawn"),
    ("slot_chance", sa.Float(), "that a person picks up at that hour, as estimated then"),
    (
        "slot_since",
        sa.DateTime(timezone=True),
        "since when it has hours of this arm and share",
    ),
)


def upgrade() -> None:
    for name, kind, comment in _COLUMNS:
        op.add_column("lead_scores", sa.Column(name, kind, comment=comment))
    # What stood there was the rule's name.
    op.execute("UPDATE lead_scores SET rule = model_version, model_version = NULL")
    op.create_check_constraint(
        op.f("ck_lead_scores_slot_arm"), "lead_scores", "slot_arm IN ('chosen','random')"
    )
    _say("lead model that took part; NULL: none did", "when it last changed")


def downgrade() -> None:
    op.drop_constraint(op.f("ck_lead_scores_slot_arm"), "lead_scores")
    op.execute("UPDATE lead_scores SET model_version = rule")
    for name, _, _ in reversed(_COLUMNS):
        op.drop_column("lead_scores", name)
    _say("which model said so", "when")


def _say(model_version: str, scored_at: str) -> None:
    op.alter_column("lead_scores", "model_version", comment=model_version)
    op.alter_column("lead_scores", "scored_at", comment=scored_at)
