"""What the dialer's promises need: pace, caller ids, pre-flight, outside lists, what comes in."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, JSONB, UUID

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "carrier_limits",
        sa.Column("account", sa.Text(), nullable=False, comment="the carrier account"),
        sa.Column(
            "max_concurrent",
            sa.Integer(),
            comment="live calls at once over all campaigns; NULL: no cap",
        ),
        sa.Column(
            "calls_per_second", sa.Float(), comment="new calls a second over all; NULL: the default"
        ),
        sa.Column(
            "daily_spend",
            sa.Numeric(precision=12, scale=2),
            comment="most that 24 hours may cost; NULL: no cap",
        ),
        sa.Column(
            "per_minute",
            sa.Numeric(precision=12, scale=6),
            comment="what a started minute costs; with daily_spend",
        ),
        sa.Column("set_by", sa.Text(), nullable=False, comment="who"),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False, comment="when"),
        sa.PrimaryKeyConstraint("account", name=op.f("pk_carrier_limits")),
        comment="What an account may do, whatever its campaigns ask for.",
    )
    op.create_table(
        "list_entries",
        sa.Column("source", sa.Text(), nullable=False, comment="as in list_snapshots"),
        sa.Column(
            "fingerprint", BYTEA(), nullable=False, comment="as in numbers: HMAC-SHA256 of E.164"
        ),
        sa.Column(
            "snapshot_id",
            sa.BigInteger(),
            nullable=False,
            comment="the snapshot it came with (list_snapshots.id)",
        ),
        sa.PrimaryKeyConstraint("source", "fingerprint", name=op.f("pk_list_entries")),
        comment="Numbers on outside lists, as the newest snapshot of each source has them.",
    )
    op.create_table(
        "inbound_contacts",
        sa.Column(
            "carrier_sid", sa.Text(), nullable=False, comment="the carrier's id of message or call"
        ),
        sa.Column("kind", sa.Text(), nullable=False, comment="sms or call"),
        sa.Column("number_id", sa.BigInteger(), comment="who; NULL when the number was withheld"),
        sa.Column("caller_id_number", sa.BigInteger(), comment="which of our numbers was reached"),
        sa.Column("seller_id", UUID(as_uuid=True), comment="whose number that is"),
        sa.Column(
            "heard", sa.Text(), comment="stop, help, start, other; NULL: nothing was said yet"
        ),
        sa.Column(
            "suppressed", sa.Boolean(), nullable=False, comment="it took the person off the calls"
        ),
        sa.Column(
            "text_sealed", BYTEA(), comment="the message, or what was pressed or said (AES-256-GCM)"
        ),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False, comment="when"),
        sa.ForeignKeyConstraint(
            ["caller_id_number"], ["numbers.id"], name=op.f("fk_inbound_contacts_caller_id_number")
        ),
        sa.ForeignKeyConstraint(
            ["number_id"], ["numbers.id"], name=op.f("fk_inbound_contacts_number_id")
        ),
        sa.ForeignKeyConstraint(
            ["seller_id"], ["sellers.id"], name=op.f("fk_inbound_contacts_seller_id")
        ),
        sa.PrimaryKeyConstraint("carrier_sid", name=op.f("pk_inbound_contacts")),
        comment="Messages and calls to our numbers; each one counts once.",
    )
    op.create_index("ix_inbound_contacts_number", "inbound_contacts", ["number_id"], unique=False)
    op.create_table(
        "campaign_pace",
        sa.Column("campaign_id", UUID(as_uuid=True), nullable=False, comment="the campaign"),
        sa.Column(
            "next_slot_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="earliest moment of its next dial",
        ),
        sa.Column(
            "ramp_step",
            sa.Integer(),
            nullable=False,
            comment="0, 1, 2 …: which share of the full pace",
        ),
        sa.Column(
            "ramp_since",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="since when it is on this step",
        ),
        sa.Column(
            "held_until",
            sa.DateTime(timezone=True),
            comment="no dial before: the failure breaker is open; NULL: it is closed",
        ),
        sa.Column(
            "throttle",
            sa.Text(),
            comment="why it goes slower than its step allows; NULL: it does not",
        ),
        sa.Column(
            "judged_at",
            sa.DateTime(timezone=True),
            comment="when step and throttle were last judged",
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name=op.f("fk_campaign_pace_campaign_id")
        ),
        sa.PrimaryKeyConstraint("campaign_id", name=op.f("pk_campaign_pace")),
        comment="How fast a campaign may go now; written under the account's pace lock.",
    )
    op.create_table(
        "pace_changes",
        sa.Column(
            "id", sa.BigInteger(), sa.Identity(always=False), nullable=False, comment="row id"
        ),
        sa.Column("campaign_id", UUID(as_uuid=True), nullable=False, comment="the campaign"),
        sa.Column(
            "kind",
            sa.Text(),
            nullable=False,
            comment="step_up, step_down, throttle, release, hold, pause, cool, burn, recover",
        ),
        sa.Column(
            "subject",
            sa.BigInteger(),
            comment="numbers.id of a caller id; NULL: the campaign itself",
        ),
        sa.Column("reason", sa.Text(), nullable=False, comment="stable code, e.g. ABANDON_RATE"),
        sa.Column(
            "figures", JSONB(), nullable=False, comment="the counts and limits that led to it"
        ),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, comment="when"),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name=op.f("fk_pace_changes_campaign_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pace_changes")),
        comment="Why a campaign or a caller id goes slower or faster.",
    )
    op.create_index("ix_pace_changes_campaign", "pace_changes", ["campaign_id", "at"], unique=False)
    op.create_table(
        "preflights",
        sa.Column(
            "id",
            UUID(as_uuid=True),
            server_default=sa.text("gen_random_uuid()"),
            nullable=False,
            comment="random id",
        ),
        sa.Column("campaign_id", UUID(as_uuid=True), nullable=False, comment="the campaign"),
        sa.Column("command_id", sa.BigInteger(), comment="the start that waits for it"),
        sa.Column("asked_by", sa.Text(), nullable=False, comment="who"),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False, comment="when"),
        sa.Column("started_at", sa.DateTime(timezone=True), comment="when a worker took it"),
        sa.Column(
            "finished_at", sa.DateTime(timezone=True), comment="when every check had answered"
        ),
        sa.Column(
            "light", sa.Text(), comment="green, amber or red: the worst check; NULL: not finished"
        ),
        sa.Column(
            "checks", JSONB(), comment="each check with its light, what was seen and how to mend it"
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name=op.f("fk_preflights_campaign_id")
        ),
        sa.ForeignKeyConstraint(
            ["command_id"], ["commands.id"], name=op.f("fk_preflights_command_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_preflights")),
        sa.UniqueConstraint("command_id", name=op.f("uq_preflights_command_id")),
        comment="Checks before a campaign starts; a red one blocks the start.",
    )
    op.create_index("ix_preflights_campaign_id", "preflights", ["campaign_id"], unique=False)
    op.create_index(
        "ix_preflights_open",
        "preflights",
        ["asked_at"],
        unique=False,
        postgresql_where=sa.text("finished_at IS NULL"),
    )
    op.add_column(
        "attempts",
        sa.Column(
            "first_audio_ms", sa.Float(), comment="from answer to our first audio; NULL: unmeasured"
        ),
    )
    op.create_index(
        "ix_attempts_caller_id_time",
        "attempts",
        ["caller_id_number", "intended_at"],
        unique=False,
    )
    op.add_column(
        "caller_ids",
        sa.Column(
            "country", sa.Text(), comment="ISO 3166-1 alpha-2 of the number; NULL when unknown"
        ),
    )
    op.add_column(
        "caller_ids",
        sa.Column(
            "states", ARRAY(sa.Text()), server_default="{}", nullable=False, comment="its states"
        ),
    )
    op.add_column(
        "caller_ids",
        sa.Column(
            "standing",
            sa.Text(),
            server_default="active",
            nullable=False,
            comment="warming, active, cooling, burned",
        ),
    )
    op.add_column(
        "caller_ids",
        sa.Column(
            "standing_since",
            sa.DateTime(timezone=True),
            comment="since when it is in this standing",
        ),
    )
    op.add_column(
        "caller_ids",
        sa.Column(
            "cool_until",
            sa.DateTime(timezone=True),
            comment="rests until then; NULL: it does not rest",
        ),
    )
    op.add_column(
        "caller_ids",
        sa.Column(
            "daily_ceiling",
            sa.Integer(),
            comment="dials a day at most; NULL: the campaign's default",
        ),
    )
    op.add_column(
        "caller_ids",
        sa.Column(
            "inbound_ok_at",
            sa.DateTime(timezone=True),
            comment="when a call to it was last answered with an opt-out",
        ),
    )
    op.add_column(
        "campaign_leads",
        sa.Column(
            "callback_at",
            sa.DateTime(timezone=True),
            comment="time agreed with the person; NULL: none",
        ),
    )
    op.add_column(
        "campaign_leads",
        sa.Column(
            "callback_by",
            sa.Text(),
            comment="who agreed it: a login, or call; NULL: no callback",
        ),
    )
    op.add_column(
        "campaign_leads",
        sa.Column(
            "callback_noted_at",
            sa.DateTime(timezone=True),
            comment="when it was agreed; NULL: no callback",
        ),
    )
    op.add_column(
        "campaign_leads",
        sa.Column(
            "rotate_from",
            sa.DateTime(timezone=True),
            comment="dial whose part of the day is to be left; NULL: any part will do",
        ),
    )
    op.add_column(
        "attempts",
        sa.Column(
            "rang_at",
            sa.DateTime(timezone=True),
            comment="when the carrier first said that it rang; NULL: it did not",
        ),
    )
    op.drop_index(
        "ix_campaign_leads_ready",
        table_name="campaign_leads",
        postgresql_where=sa.text("state = 'ready'"),
    )
    op.create_index(
        "ix_campaign_leads_callbacks",
        "campaign_leads",
        ["campaign_id", "callback_at"],
        unique=False,
        postgresql_where=sa.text("state = 'ready' AND callback_at IS NOT NULL"),
    )
    op.create_index(
        "ix_campaign_leads_fresh",
        "campaign_leads",
        ["campaign_id", sa.text("priority DESC"), "position"],
        unique=False,
        postgresql_where=sa.text("state = 'ready' AND next_allowed_at IS NULL"),
    )
    op.create_index(
        "ix_campaign_leads_waiting",
        "campaign_leads",
        ["campaign_id", "next_allowed_at", sa.text("priority DESC"), "position"],
        unique=False,
        postgresql_where=sa.text("state = 'ready' AND next_allowed_at IS NOT NULL"),
    )
    op.add_column(
        "campaigns",
        sa.Column(
            "drain_until",
            sa.DateTime(timezone=True),
            comment="a drain ends the calls that are still live then; NULL: no drain",
        ),
    )
    op.add_column(
        "commands",
        sa.Column(
            "parameters",
            JSONB(),
            comment="e.g. limit_s, how long a drain may take; NULL: the defaults",
        ),
    )
    op.alter_column(
        "commands",
        "kind",
        existing_type=sa.TEXT(),
        comment="start, pause, resume, drain, stop, emergency_stop, clear",
        existing_comment="start, pause, resume, drain, stop, emergency_stop",
        existing_nullable=False,
    )
    op.add_column(
        "consents",
        sa.Column(
            "revoked_through",
            sa.Text(),
            comment="call, sms, inbound, page, file; NULL: not revoked",
        ),
    )
    op.add_column(
        "suppressions",
        sa.Column("added_by", sa.Text(), comment="who wrote it down; NULL: the person's own word"),
    )
    op.create_index(
        "ix_attempts_answered",
        "attempts",
        ["campaign_id", "answered_at"],
        postgresql_include=["disposition", "first_audio_ms", "number_id"],
        postgresql_where=sa.text("answered_at IS NOT NULL"),
    )
    op.alter_column(
        "suppressions",
        "source",
        existing_type=sa.TEXT(),
        comment="call, import, sms, inbound, page, file, command",
        existing_comment="call, import, sms, inbound, page, file",
        existing_nullable=False,
    )
    op.create_check_constraint(
        op.f("ck_caller_ids_standing"),
        "caller_ids",
        "standing IN ('warming','active','cooling','burned')",
    )


def downgrade() -> None:
    op.drop_constraint("ck_caller_ids_standing", "caller_ids")
    op.drop_index("ix_attempts_answered", table_name="attempts")
    op.alter_column(
        "suppressions",
        "source",
        existing_type=sa.TEXT(),
        comment="call, import, sms, inbound, page, file",
        existing_comment="call, import, sms, inbound, page, file, command",
        existing_nullable=False,
    )
    op.drop_column("suppressions", "added_by")
    op.drop_column("consents", "revoked_through")
    op.alter_column(
        "commands",
        "kind",
        existing_type=sa.TEXT(),
        comment="start, pause, resume, drain, stop, emergency_stop",
        existing_comment="start, pause, resume, drain, stop, emergency_stop, clear",
        existing_nullable=False,
    )
    op.drop_column("commands", "parameters")
    op.drop_column("campaigns", "drain_until")
    op.drop_index(
        "ix_campaign_leads_waiting",
        table_name="campaign_leads",
        postgresql_where=sa.text("state = 'ready' AND next_allowed_at IS NOT NULL"),
    )
    op.drop_index(
        "ix_campaign_leads_fresh",
        table_name="campaign_leads",
        postgresql_where=sa.text("state = 'ready' AND next_allowed_at IS NULL"),
    )
    op.drop_index(
        "ix_campaign_leads_callbacks",
        table_name="campaign_leads",
        postgresql_where=sa.text("state = 'ready' AND callback_at IS NOT NULL"),
    )
    op.create_index(
        "ix_campaign_leads_ready",
        "campaign_leads",
        ["campaign_id", sa.text("priority DESC"), "position"],
        unique=False,
        postgresql_where=sa.text("state = 'ready'"),
    )
    op.drop_column("attempts", "rang_at")
    op.drop_column("campaign_leads", "rotate_from")
    op.drop_column("campaign_leads", "callback_noted_at")
    op.drop_column("campaign_leads", "callback_by")
    op.drop_column("campaign_leads", "callback_at")
    op.drop_column("caller_ids", "inbound_ok_at")
    op.drop_column("caller_ids", "daily_ceiling")
    op.drop_column("caller_ids", "cool_until")
    op.drop_column("caller_ids", "standing_since")
    op.drop_column("caller_ids", "standing")
    op.drop_column("caller_ids", "states")
    op.drop_column("caller_ids", "country")
    op.drop_index("ix_attempts_caller_id_time", table_name="attempts")
    op.drop_column("attempts", "first_audio_ms")
    op.drop_index(
        "ix_preflights_open",
        table_name="preflights",
        postgresql_where=sa.text("finished_at IS NULL"),
    )
    op.drop_index("ix_preflights_campaign_id", table_name="preflights")
    op.drop_table("preflights")
    op.drop_index("ix_pace_changes_campaign", table_name="pace_changes")
    op.drop_table("pace_changes")
    op.drop_table("campaign_pace")
    op.drop_index("ix_inbound_contacts_number", table_name="inbound_contacts")
    op.drop_table("inbound_contacts")
    op.drop_table("list_entries")
    op.drop_table("carrier_limits")
