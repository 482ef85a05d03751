"""Our own verdict on who answered, beside the carrier's."""

import re
from importlib.resources import files
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_COLUMNS: dict[str, tuple[TypeEngine[Any], str]] = {
    "own_answer_class": (
        sa.Text(),
        "by our own ears: human, machine, screening, ivr, fax, unknown; NULL: too short to tell",
    ),
    "own_answer_confidence": (sa.Float(), "how sure we are of that, 0 to 1"),
    "own_answer_at_ms": (sa.Float(), "audio from pick-up to that verdict"),
}


def upgrade() -> None:
    for name, (kind, comment) in _COLUMNS.items():
        op.add_column("attempts", sa.Column(name, kind, comment=comment))
    shown = op.get_bind().scalar(sa.text("SELECT pg_get_viewdef('v_attempts'::regclass, true)"))
    before, source, after = str(shown).partition("\n   FROM attempts a\n")
    own = "".join(f",\n    a.{name}" for name in _COLUMNS)
    op.execute(f"CREATE OR REPLACE VIEW v_attempts AS {before}{own}{source}{after}")
    for name, (_, comment) in _COLUMNS.items():
        op.execute(f"COMMENT ON COLUMN v_attempts.{name} IS '{comment}'")


def downgrade() -> None:
    op.execute("DROP VIEW v_attempts")
    views = (files("voice_ai.db.migrations") / "sql" / "0002_views.sql").read_text()
    for statement in re.findall(
        r"^(?:CREATE VIEW v_attempts AS|COMMENT ON (?:VIEW|COLUMN) v_attempts\b).*?;$",
        views,
        re.MULTILINE | re.DOTALL,
    ):
        op.execute(statement)
    for name in reversed(_COLUMNS):
        op.drop_column("attempts", name)
