"""What changed since the last commit of the lake: which transaction wrote a row, and what went."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_NOW = "pg_current_xact_id()::text::bigint"
_WRITTEN = "transaction that wrote the row last (pg_current_xact_id), for the lake"
_ADDED = "transaction that added the row (pg_current_xact_id), for the lake"
# Rows that are there already are given the transaction of this migration, without being rewritten.
_STAMPED = {
    "attempts": "transaction that wrote it last once it had ended, before: that added it",
    "calls": _WRITTEN,
    "turns": _WRITTEN,
    "model_predictions": _ADDED,
    "qa_scores": _ADDED,
    "decisions": _ADDED,
    "leads": _ADDED,
    "campaign_leads": _ADDED,
    "suppressions": _ADDED,
    "assignments": _ADDED,
}
_NAMES = ", ".join(f"'{table}'" for table in _STAMPED)
_SETTLED = "transaction in which it ended; NULL: it is live. An older one is in the lake"

_TRIGGERS = f"""
-- Only once an attempt has ended does the lake want it; what a live one costs stays as it was.
CREATE FUNCTION lake_settle() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.changed_xid := {_NOW};
    IF TG_OP = 'INSERT' THEN
        NEW.settled_xid := NEW.changed_xid;
    ELSIF OLD.state <> 'ended' THEN
        NEW.settled_xid := NEW.changed_xid;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER lake_settle_new BEFORE INSERT ON attempts
    FOR EACH ROW WHEN (NEW.state = 'ended') EXECUTE FUNCTION lake_settle();
CREATE TRIGGER lake_settle BEFORE UPDATE ON attempts
    FOR EACH ROW WHEN (NEW.state = 'ended') EXECUTE FUNCTION lake_settle();

CREATE FUNCTION lake_stamp() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.changed_xid := {_NOW};
    RETURN NEW;
END $$;
CREATE TRIGGER lake_stamp BEFORE UPDATE ON calls FOR EACH ROW EXECUTE FUNCTION lake_stamp();
CREATE TRIGGER lake_stamp BEFORE UPDATE ON turns FOR EACH ROW EXECUTE FUNCTION lake_stamp();

-- A changed lead is gone and there again; a deleted one is gone.
CREATE FUNCTION lake_lead_gone() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO lake_gone (table_name, key, month, campaign_id, xid)
    SELECT 'leads', o.id::text, to_char(o.created_at AT TIME ZONE 'UTC', 'YYYY-MM'), NULL, {_NOW}
    FROM old_rows o;
    RETURN NULL;
END $$;
CREATE TRIGGER lake_lead_changed AFTER UPDATE ON leads REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION lake_lead_gone();
CREATE TRIGGER lake_lead_gone AFTER DELETE ON leads REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION lake_lead_gone();

CREATE FUNCTION lake_member_gone() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO lake_gone (table_name, key, month, campaign_id, xid)
    SELECT 'campaign_leads', o.campaign_id || '/' || o.lead_id, NULL, o.campaign_id, {_NOW}
    FROM old_rows o;
    RETURN NULL;
END $$;
CREATE TRIGGER lake_member_gone AFTER DELETE ON campaign_leads REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION lake_member_gone();
INSERT INTO lake_source DEFAULT VALUES;

-- A dump that is restored elsewhere brings stamps that the counter there has not reached.
CREATE FUNCTION lake_restamp() RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    mine bigint := {_NOW};
    stamped text;
    moved bigint;
    total bigint := 0;
BEGIN
    UPDATE attempts SET settled_xid = mine WHERE settled_xid > mine;
    FOREACH stamped IN ARRAY ARRAY[{_NAMES}] LOOP
        EXECUTE 'UPDATE ' || stamped || ' SET changed_xid = $1 WHERE changed_xid > $1'
        USING mine;
        GET DIAGNOSTICS moved = ROW_COUNT;
        total := total + moved;
    END LOOP;
    UPDATE lake_gone SET xid = mine WHERE xid > mine;
    RETURN total;
END $$;
COMMENT ON FUNCTION lake_restamp() IS
    'Brings stamps from the future of this server to now; how many rows had one.';
"""
_DROPS = """
DROP TRIGGER lake_member_gone ON campaign_leads;
DROP TRIGGER lake_lead_gone ON leads;
DROP TRIGGER lake_lead_changed ON leads;
DROP TRIGGER lake_stamp ON turns;
DROP TRIGGER lake_stamp ON calls;
DROP TRIGGER lake_settle ON attempts;
DROP TRIGGER lake_settle_new ON attempts;
DROP FUNCTION lake_restamp();
DROP FUNCTION lake_member_gone();
DROP FUNCTION lake_lead_gone();
DROP FUNCTION lake_stamp();
DROP FUNCTION lake_settle();
"""


def upgrade() -> None:
    for table, comment in _STAMPED.items():
        stamp = sa.Column(
            "changed_xid",
            sa.BigInteger(),
            nullable=False,
            server_default=sa.text(_NOW),
            comment=comment,
        )
        op.add_column(table, stamp)
        op.create_index(
            f"ix_{table}_changed_xid",
            table,
            ["changed_xid"],
            postgresql_using="brin",
            postgresql_with={"autosummarize": "on", "pages_per_range": 32},
        )
    settled = sa.Column(
        "settled_xid", sa.BigInteger(), server_default=sa.text(_NOW), comment=_SETTLED
    )
    op.add_column("attempts", settled)
    op.alter_column("attempts", "settled_xid", server_default=None)
    op.create_table(
        "lake_gone",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False, comment="row id"),
        sa.Column("table_name", sa.Text(), nullable=False, comment="table of the lake"),
        sa.Column("key", sa.Text(), nullable=False, comment="key of the row there, as text"),
        sa.Column("month", sa.Text(), comment="its partition: YYYY-MM; NULL: has none"),
        sa.Column("campaign_id", UUID(as_uuid=True), comment="its partition; NULL: has none"),
        sa.Column("xid", sa.BigInteger(), nullable=False, comment="transaction that did it"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lake_gone")),
        comment="Rows that were deleted or changed: the lake's copy no longer counts.",
    )
    op.create_index("ix_lake_gone_xid", "lake_gone", ["xid"], postgresql_using="brin")
    op.create_table(
        "lake_source",
        sa.Column(
            "one", sa.Boolean(), server_default=sa.text("true"), nullable=False, comment="one row"
        ),
        sa.Column(
            "id",
            UUID(as_uuid=True),
            server_default=sa.text("gen_random_uuid()"),
            nullable=False,
            comment="random; a lake belongs to one database",
        ),
        sa.CheckConstraint("one", name=op.f("ck_lake_source_one_row")),
        sa.PrimaryKeyConstraint("one", name=op.f("pk_lake_source")),
        comment="Which database this is, so that two never mix in one lake.",
    )
    op.execute(_TRIGGERS)


def downgrade() -> None:
    op.execute(_DROPS)
    op.drop_table("lake_source")
    op.drop_table("lake_gone")
    op.drop_column("attempts", "settled_xid")
    for table in reversed(_STAMPED):
        op.drop_column(table, "changed_xid")
