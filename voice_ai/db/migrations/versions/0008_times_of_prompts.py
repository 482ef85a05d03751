"""When each character of a rendered prompt has been said."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "prompts",
        sa.Column(
            "ends_ms",
            ARRAY(sa.Integer()),
            comment="when each character has been said; NULL: the vendor did not tell",
        ),
    )


def downgrade() -> None:
    op.drop_column("prompts", "ends_ms")
