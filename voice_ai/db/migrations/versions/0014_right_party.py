"""Whom a call reached, in the view of attempts: one definition for pages, reports and the lake."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_COLUMN = """
    (COALESCE(d.human_answered, false) AND a.disposition IS DISTINCT FROM 'wrong_number'
     AND EXISTS (
        SELECT FROM turns t WHERE t.attempt_id = a.id AND t.speaker = 'caller')) AS right_party"""
_SHOWN = sa.text("SELECT pg_get_viewdef('v_attempts'::regclass, true)")
_COMMENTS = sa.text("""
SELECT attname, col_description(attrelid, attnum) AS told FROM pg_attribute
WHERE attrelid = 'v_attempts'::regclass AND attnum > 0 AND attname <> 'right_party'
""")


def upgrade() -> None:
    before, source, after = str(op.get_bind().scalar(_SHOWN)).partition("\n   FROM attempts a\n")
    op.execute(f"CREATE OR REPLACE VIEW v_attempts AS {before},{_COLUMN}{source}{after}")
    op.execute(
        "COMMENT ON COLUMN v_attempts.right_party IS"
        " 'a person picked up, spoke and was not the wrong one'"
    )


def downgrade() -> None:
    shown = str(op.get_bind().scalar(_SHOWN))
    about = op.get_bind().scalar(sa.text("SELECT obj_description('v_attempts'::regclass)"))
    told = op.get_bind().execute(_COMMENTS).all()
    columns, source, after = shown.partition("\n   FROM attempts a\n")
    # The column is the last one: what stands between the one before and the source.
    kept = columns[: columns.rindex("a.own_answer_at_ms") + len("a.own_answer_at_ms")]
    op.execute("DROP VIEW v_attempts")
    op.execute(f"CREATE VIEW v_attempts AS {kept}{source}{after}")
    for target, words in [
        ("VIEW v_attempts", about),
        *((f"COLUMN v_attempts.{name}", comment) for name, comment in told),
    ]:
        op.execute(f"COMMENT ON {target} IS '{str(words).replace(chr(39), chr(39) * 2)}'")
