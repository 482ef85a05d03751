"""Reports that were made, and what each can be built again from."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "report_archive",
        sa.Column(
            "id",
            sa.Uuid(),
            server_default=sa.text("gen_random_uuid()"),
            nullable=False,
            comment="random id",
        ),
        sa.Column(
            "kind", sa.Text(), nullable=False, comment="campaign, interim, daily, model, compliance"
        ),
        sa.Column("title", sa.Text(), nullable=False, comment="the title of its page"),
        sa.Column(
            "campaign_id",
            sa.Uuid(),
            nullable=True,
            comment="whose (campaigns.id); NULL: of everything",
        ),
        sa.Column("rehearsal", sa.Boolean(), nullable=False, comment="of calls at the simulator"),
        sa.Column(
            "as_of", _MOMENT, nullable=False, comment="up to when, on the clock of campaigns"
        ),
        sa.Column(
            "lake_commit",
            sa.Integer(),
            nullable=False,
            comment="the lake's commit of its figures",
        ),
        sa.Column(
            "facts",
            postgresql.JSONB(),
            nullable=False,
            comment="rows of the database that it tells beside the lake",
        ),
        sa.Column("path", sa.Text(), nullable=False, comment="of the HTML file, under the home"),
        sa.Column("sha256", sa.Text(), nullable=False, comment="hash of the HTML file"),
        sa.Column("bytes", sa.BigInteger(), nullable=False, comment="size of the HTML file"),
        sa.Column("made_by", sa.Text(), nullable=False, comment="who asked for it"),
        sa.Column("made_at", _MOMENT, nullable=False, comment="when"),
        sa.Column(
            "sent_to", sa.Text(), nullable=True, comment="channels and receivers; NULL: never sent"
        ),
        sa.Column("sent_at", _MOMENT, nullable=True, comment="when it was sent last"),
        sa.Column(
            "send_error",
            sa.Text(),
            nullable=True,
            comment="why the last try to send it failed; NULL: it did not",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_archive")),
        comment="Reports that were made, each with what it can be built again from.",
    )
    op.create_index("ix_report_archive_made_at", "report_archive", ["made_at"])


def downgrade() -> None:
    op.drop_table("report_archive")
