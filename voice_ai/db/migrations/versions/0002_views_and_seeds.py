"""Partitions on demand, dispositions, and the read-only views of the stable surface."""

from importlib.resources import files

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_SQL = files("voice_ai.db.migrations") / "sql"


def upgrade() -> None:
    for name in ("0002_tables.sql", "0002_dispositions.sql", "0002_views.sql"):
        op.execute((_SQL / name).read_text())


def downgrade() -> None:
    op.execute(
        "DROP VIEW v_campaign_day, v_decisions, v_events, v_turns, v_calls, v_attempts, v_leads;"
        "DROP TRIGGER leads_refer ON leads; DROP FUNCTION leads_refer();"
        "DROP FUNCTION ensure_event_partition(date); DELETE FROM dispositions"
    )
