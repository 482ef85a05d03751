"""Lay the ground: every table of the schema (written by Alembic from `voice_ai.db.schema`)."""

# ruff: noqa: E501

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:

    op.create_table(
        "audit_log",
        sa.Column(
            "id", sa.BigInteger(), sa.Identity(always=False), nullable=False, comment="row id"
        ),
        sa.Column("actor", sa.Text(), nullable=False, comment="who"),
        sa.Column("action", sa.Text(), nullable=False, comment="what, e.g. campaign.start"),
        sa.Column("subject", sa.Text(), nullable=True, comment="on what; ids only"),
        sa.Column(
            "details",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="never personal data",
        ),
        sa.Column(
            "previous_hash",
            postgresql.BYTEA(),
            nullable=True,
            comment="chain: hash of the row before",
        ),
        sa.Column(
            "hash",
            postgresql.BYTEA(),
            nullable=False,
            comment="SHA-256 over this row and the one before",
        ),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, comment="when"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_log")),
        comment="Append-only and chained.",
    )
    op.create_table(
        "call_events",
        sa.Column("month", sa.Date(), nullable=False, comment="the attempt's month: the partition"),
        sa.Column("attempt_id", sa.UUID(), nullable=False, comment="the dial"),
        sa.Column("seq", sa.Integer(), nullable=False, comment="order within the attempt"),
        sa.Column("kind", sa.Text(), nullable=False, comment="type, see docs/events.md"),
        sa.Column(
            "key", sa.Text(), nullable=False, comment="what makes it the same event when told again"
        ),
        sa.Column(
            "payload",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="fields of the type; never personal data",
        ),
        sa.Column(
            "occurred_at", sa.DateTime(timezone=True), nullable=False, comment="when it happened"
        ),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="when it was written",
        ),
        sa.PrimaryKeyConstraint("month", "attempt_id", "key", name=op.f("pk_call_events")),
        comment="Append-only, typed; a terminal event has the key 'terminal', so there is one.",
        postgresql_partition_by="RANGE (month)",
    )
    op.create_index("ix_call_events_kind", "call_events", ["kind", "occurred_at"], unique=False)
    op.create_table(
        "carrier_pace",
        sa.Column("account", sa.Text(), nullable=False, comment="the carrier account"),
        sa.Column(
            "next_slot_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="earliest moment of the next dial",
        ),
        sa.PrimaryKeyConstraint("account", name=op.f("pk_carrier_pace")),
        comment="Calls per second over all workers: slots are handed out in the claim transaction.",
    )
    op.create_table(
        "dispositions",
        sa.Column("code", sa.Text(), nullable=False, comment="stable code"),
        sa.Column("label", sa.Text(), nullable=False, comment="for people"),
        sa.Column(
            "reached_carrier", sa.Boolean(), nullable=False, comment="the carrier took the dial"
        ),
        sa.Column("answered", sa.Boolean(), nullable=False, comment="anything picked up"),
        sa.Column("human_answered", sa.Boolean(), nullable=False, comment="a person picked up"),
        sa.Column("machine", sa.Boolean(), nullable=False, comment="a machine picked up"),
        sa.Column("conversed", sa.Boolean(), nullable=False, comment="a conversation took place"),
        sa.Column("goal", sa.Boolean(), nullable=False, comment="the campaign's goal was reached"),
        sa.Column("dnc", sa.Boolean(), nullable=False, comment="must not be called again"),
        sa.Column(
            "scheduled_callback",
            sa.Boolean(),
            nullable=False,
            comment="asked to be called at another time",
        ),
        sa.Column("unworkable", sa.Boolean(), nullable=False, comment="this number is of no use"),
        sa.Column(
            "terminal",
            sa.Boolean(),
            nullable=False,
            comment="the lead is finished in this campaign",
        ),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_dispositions")),
        comment="Business outcomes; every rate is computed from the flags.",
    )
    op.create_table(
        "flow_requests",
        sa.Column(
            "id",
            sa.UUID(),
            server_default=sa.text("gen_random_uuid()"),
            nullable=False,
            comment="random id",
        ),
        sa.Column("flow", sa.Text(), nullable=False, comment="import, train, report …"),
        sa.Column(
            "parameters",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="what the flow is to work on",
        ),
        sa.Column(
            "state", sa.Text(), nullable=False, comment="asked, running, done, failed, cancelled"
        ),
        sa.Column("asked_by", sa.Text(), nullable=False, comment="who"),
        sa.Column("progress", sa.Float(), nullable=True, comment="0–1; NULL while unknown"),
        sa.Column(
            "message", sa.Text(), nullable=True, comment="what it is doing, or why it failed"
        ),
        sa.Column(
            "result",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="what came out",
        ),
        sa.Column("flow_run_id", sa.UUID(), nullable=True, comment="Prefect's run"),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False, comment="when"),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True, comment="start"),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True, comment="end"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flow_requests")),
        comment="A page or a command asks; the flows process runs and reports.",
    )
    op.create_index(
        "ix_flow_requests_open",
        "flow_requests",
        ["asked_at"],
        unique=False,
        postgresql_where=sa.text("state = 'asked'"),
    )
    op.create_table(
        "gate_results",
        sa.Column(
            "id", sa.BigInteger(), sa.Identity(always=False), nullable=False, comment="row id"
        ),
        sa.Column("task", sa.Text(), nullable=False, comment="intent, emotion …"),
        sa.Column("model_name", sa.Text(), nullable=False, comment="registered name"),
        sa.Column("model_version", sa.Text(), nullable=False, comment="registry version"),
        sa.Column("artifact_sha256", sa.Text(), nullable=False, comment="what exactly was judged"),
        sa.Column("passed", sa.Boolean(), nullable=False, comment="may carry an alias"),
        sa.Column(
            "checks",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="each check with its figure and its limit",
        ),
        sa.Column("judged_at", sa.DateTime(timezone=True), nullable=False, comment="when"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gate_results")),
        comment="An alias is honoured only for a version that passed.",
    )
    op.create_table(
        "leads",
        sa.Column(
            "id", sa.BigInteger(), sa.Identity(always=False), nullable=False, comment="row id"
        ),
        sa.Column("list_id", sa.UUID(), nullable=False, comment="its list (lead_lists.id)"),
        sa.Column(
            "number_id", sa.BigInteger(), nullable=False, comment="its phone number (numbers.id)"
        ),
        sa.Column(
            "run_id", sa.UUID(), nullable=False, comment="import that made it (import_runs.id)"
        ),
        sa.Column("line", sa.BigInteger(), nullable=False, comment="line in that file"),
        sa.Column("position", sa.BigInteger(), nullable=False, comment="order in the list"),
        sa.Column(
            "zones",
            postgresql.ARRAY(sa.Text()),
            nullable=False,
            comment="every candidate IANA time zone",
        ),
        sa.Column(
            "states",
            postgresql.ARRAY(sa.Text()),
            nullable=False,
            comment="every candidate US state",
        ),
        sa.Column(
            "country", sa.Text(), nullable=True, comment="ISO 3166-1 alpha-2, NULL when unknown"
        ),
        sa.Column(
            "person_sealed",
            postgresql.BYTEA(),
            nullable=True,
            comment="name, address and all other columns as JSON; NULL once erased (AES-256-GCM)",
        ),
        sa.Column(
            "external_id_fingerprint",
            postgresql.BYTEA(),
            nullable=True,
            comment="HMAC of the file's own id, for matching",
        ),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), nullable=False, comment="when it was imported"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_leads")),
        sa.UniqueConstraint("number_id", "list_id", name=op.f("uq_leads_number_id_list_id")),
        comment="A person or business on a list.",
    )
    op.create_index("ix_leads_list_id", "leads", ["list_id"], unique=False, postgresql_using="brin")
    op.create_index("ix_leads_run_id", "leads", ["run_id"], unique=False, postgresql_using="brin")
    op.create_table(
        "list_snapshots",
        sa.Column(
            "id", sa.BigInteger(), sa.Identity(always=False), nullable=False, comment="row id"
        ),
        sa.Column(
            "source", sa.Text(), nullable=False, comment="us_national_dnc, uk_tps, us_reassigned …"
        ),
        sa.Column("country", sa.Text(), nullable=False, comment="ISO 3166-1 alpha-2"),
        sa.Column("sha256", sa.Text(), nullable=False, comment="hash of the list"),
        sa.Column("rows", sa.BigInteger(), nullable=False, comment="numbers on it"),
        sa.Column(
            "taken_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="date of the list itself",
        ),
        sa.Column(
            "loaded_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="when it was loaded here",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_list_snapshots")),
        comment="Which version of which outside do-not-call list is in force.",
    )
    op.create_table(
        "model_predictions",
        sa.Column("attempt_id", sa.UUID(), nullable=False, comment="the dial"),
        sa.Column("turn_index", sa.Integer(), nullable=False, comment="the turn"),
        sa.Column("task", sa.Text(), nullable=False, comment="intent, emotion …"),
        sa.Column("model_name", sa.Text(), nullable=False, comment="registered name, or keywords"),
        sa.Column("model_version", sa.Text(), nullable=False, comment="registry version"),
        sa.Column("label", sa.Text(), nullable=False, comment="what it heard"),
        sa.Column(
            "score",
            sa.Float(),
            nullable=True,
            comment="probability; NULL where the source gives none",
        ),
        sa.Column(
            "scores",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="every label's probability",
        ),
        sa.Column("latency_us", sa.Float(), nullable=True, comment="inference time"),
        sa.Column("predicted_at", sa.DateTime(timezone=True), nullable=False, comment="when"),
        sa.PrimaryKeyConstraint(
            "attempt_id", "turn_index", "task", name=op.f("pk_model_predictions")
        ),
        comment="What a model said of a turn, and which version said it.",
    )
    op.create_table(
        "numbers",
        sa.Column(
            "id",
            sa.BigInteger(),
            sa.Identity(always=False),
            nullable=False,
            comment="what everything refers to",
        ),
        sa.Column(
            "fingerprint", postgresql.BYTEA(), nullable=False, comment="HMAC-SHA256 of E.164"
        ),
        sa.Column(
            "number_sealed",
            postgresql.BYTEA(),
            nullable=True,
            comment="the E.164 number; NULL once erased (AES-256-GCM)",
        ),
        sa.Column(
            "key_id", sa.Text(), nullable=False, comment="which secret sealed and fingerprinted it"
        ),
        sa.Column(
            "person_key",
            sa.UUID(),
            server_default=sa.text("gen_random_uuid()"),
            nullable=False,
            comment="random pseudonym for analytics; its mapping dies with an erasure",
        ),
        sa.Column(
            "country",
            sa.Text(),
            nullable=True,
            comment="ISO 3166-1 alpha-2 of the number, NULL when unknown",
        ),
        sa.Column(
            "line_type",
            sa.Text(),
            nullable=True,
            comment="fixed_line, mobile, fixed_line_or_mobile, voip …",
        ),
        sa.Column(
            "zones",
            postgresql.ARRAY(sa.Text()),
            nullable=False,
            comment="every time zone the number may be in",
        ),
        sa.Column(
            "states",
            postgresql.ARRAY(sa.Text()),
            nullable=False,
            comment="every state the number may be in",
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, comment="first seen"),
        sa.Column(
            "erased_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when the person asked to be erased",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_numbers")),
        sa.UniqueConstraint("fingerprint", name=op.f("uq_numbers_fingerprint")),
        comment="One row per phone number: encrypted once, matched by keyed fingerprint.",
    )
    op.create_table(
        "outbox",
        sa.Column(
            "id",
            sa.BigInteger(),
            sa.Identity(always=False),
            nullable=False,
            comment="row id, order of facts",
        ),
        sa.Column("topic", sa.Text(), nullable=False, comment="call.ended, person.opted_out …"),
        sa.Column("person_key", sa.UUID(), nullable=True, comment="order is kept per person"),
        sa.Column(
            "payload",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="the fact; never personal data",
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, comment="when"),
        sa.Column(
            "delivered_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when every receiver had it",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        comment="Facts to be told to other systems, written with the fact itself.",
    )
    op.create_index(
        "ix_outbox_open",
        "outbox",
        ["id"],
        unique=False,
        postgresql_where=sa.text("delivered_at IS NULL"),
    )
    op.create_table(
        "prices",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False, comment="row id"),
        sa.Column(
            "item", sa.Text(), nullable=False, comment="carrier_minute, tts_character, stt_minute …"
        ),
        sa.Column("country", sa.Text(), nullable=True, comment="NULL: everywhere"),
        sa.Column("amount", sa.Numeric(precision=12, scale=6), nullable=False, comment="per unit"),
        sa.Column("currency", sa.Text(), nullable=False, comment="ISO 4217"),
        sa.Column(
            "valid_from", sa.DateTime(timezone=True), nullable=False, comment="in force from"
        ),
        sa.Column("valid_to", sa.DateTime(timezone=True), nullable=True, comment="in force until"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prices")),
        comment="What things cost, with dates.",
    )
    op.create_table(
        "prompts",
        sa.Column("sha256", sa.Text(), nullable=False, comment="of voice, model, format and text"),
        sa.Column("voice", sa.Text(), nullable=False, comment="voice id"),
        sa.Column("model", sa.Text(), nullable=False, comment="speech model"),
        sa.Column(
            "audio_sealed",
            postgresql.BYTEA(),
            nullable=True,
            comment="mu-law 8 kHz audio; sealed because a prompt may hold a name (AES-256-GCM)",
        ),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), nullable=False, comment="when it was rendered"
        ),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_prompts")),
        comment="Rendered prompts, so that a fixed sentence is synthesised once.",
    )
    op.create_table(
        "rehearsal_clock",
        sa.Column(
            "one", sa.Boolean(), server_default=sa.text("true"), nullable=False, comment="one row"
        ),
        sa.Column(
            "anchor_real",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="the system's time at the anchor",
        ),
        sa.Column(
            "anchor",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="the rehearsal's time at the anchor",
        ),
        sa.Column("speed", sa.Float(), nullable=False, comment="rehearsal seconds per real second"),
        sa.CheckConstraint("one", name=op.f("ck_rehearsal_clock_one_row")),
        sa.PrimaryKeyConstraint("one", name=op.f("pk_rehearsal_clock")),
        comment="The clock that every process of a rehearsal shares.",
    )
    op.create_table(
        "shadow_predictions",
        sa.Column(
            "id", sa.BigInteger(), sa.Identity(always=False), nullable=False, comment="row id"
        ),
        sa.Column("attempt_id", sa.UUID(), nullable=False, comment="the dial"),
        sa.Column("turn_index", sa.Integer(), nullable=False, comment="the turn"),
        sa.Column("task", sa.Text(), nullable=False, comment="intent, emotion …"),
        sa.Column("model_name", sa.Text(), nullable=False, comment="registered name"),
        sa.Column("model_version", sa.Text(), nullable=False, comment="registry version"),
        sa.Column("label", sa.Text(), nullable=False, comment="what it would have heard"),
        sa.Column("score", sa.Float(), nullable=True, comment="probability"),
        sa.Column("predicted_at", sa.DateTime(timezone=True), nullable=False, comment="when"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shadow_predictions")),
        comment="What a candidate model would have said; never acted on.",
    )
    op.create_table(
        "switches",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False, comment="row id"),
        sa.Column(
            "kind", sa.Text(), nullable=False, comment="global, campaign, caller_id, country, rule"
        ),
        sa.Column("key", sa.Text(), nullable=False, comment="what it stops; * for global"),
        sa.Column("reason", sa.Text(), nullable=False, comment="why"),
        sa.Column("set_by", sa.Text(), nullable=False, comment="who"),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False, comment="since when"),
        sa.Column("cleared_by", sa.Text(), nullable=True, comment="who lifted it"),
        sa.Column(
            "cleared_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="until when; NULL: it stops calls now",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_switches")),
        comment="Kill switches, read at every dial.",
    )
    op.create_index(
        "ix_switches_on",
        "switches",
        ["kind", "key"],
        unique=False,
        postgresql_where=sa.text("cleared_at IS NULL"),
    )
    op.create_table(
        "users",
        sa.Column(
            "id",
            sa.UUID(),
            server_default=sa.text("gen_random_uuid()"),
            nullable=False,
            comment="random id",
        ),
        sa.Column("login", sa.Text(), nullable=False, comment="sign-in name"),
        sa.Column("password_hash", sa.Text(), nullable=True, comment="argon2id"),
        sa.Column(
            "totp_sealed", postgresql.BYTEA(), nullable=True, comment="second factor (AES-256-GCM)"
        ),
        sa.Column(
            "roles",
            postgresql.ARRAY(sa.Text()),
            nullable=False,
            comment="viewer, analyst, operator …",
        ),
        sa.Column("active", sa.Boolean(), nullable=False, comment="may sign in"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, comment="when"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("login", name=op.f("uq_users_login")),
        comment="People who sign in.",
    )
    op.create_table(
        "workers",
        sa.Column(
            "id",
            sa.UUID(),
            server_default=sa.text("gen_random_uuid()"),
            nullable=False,
            comment="random id",
        ),
        sa.Column(
            "kind", sa.Text(), nullable=False, comment="dialer, server, app, flows, simulator"
        ),
        sa.Column("host", sa.Text(), nullable=False, comment="machine it runs on"),
        sa.Column("pid", sa.Integer(), nullable=False, comment="its process id there"),
        sa.Column(
            "lock_key",
            sa.BigInteger(),
            nullable=False,
            comment="advisory lock it holds while it lives and reaches the database",
        ),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False, comment="start"),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False, comment="last heartbeat"),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True, comment="clean end"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workers")),
        comment="Processes: their heartbeats prove them alive, their lost locks prove them dead.",
    )
    op.create_table(
        "sellers",
        sa.Column(
            "id",
            sa.UUID(),
            server_default=sa.text("gen_random_uuid()"),
            nullable=False,
            comment="random id",
        ),
        sa.Column("name", sa.Text(), nullable=False, comment="short name, unique"),
        sa.Column(
            "legal_name", sa.Text(), nullable=False, comment="registered name, said first in a call"
        ),
        sa.Column(
            "callback_number_id",
            sa.BigInteger(),
            nullable=True,
            comment="number said in calls; takes opt-outs",
        ),
        sa.Column(
            "rehearsal", sa.Boolean(), nullable=False, comment="only ever calls the simulator"
        ),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), nullable=False, comment="when it was set up"
        ),
        sa.ForeignKeyConstraint(
            ["callback_number_id"], ["numbers.id"], name=op.f("fk_sellers_callback_number_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sellers")),
        sa.UniqueConstraint("name", name=op.f("uq_sellers_name")),
        comment="The business that calls; suppression, caps and consent hang on seller and number.",
    )
    op.create_table(
        "caller_ids",
        sa.Column(
            "number_id",
            sa.BigInteger(),
            nullable=False,
            comment="the number shown to the called person",
        ),
        sa.Column("seller_id", sa.UUID(), nullable=False, comment="who owns it"),
        sa.Column("label", sa.Text(), nullable=False, comment="a name for tables and charts"),
        sa.Column("active", sa.Boolean(), nullable=False, comment="may be used"),
        sa.Column(
            "verified_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when ownership was verified",
        ),
        sa.ForeignKeyConstraint(
            ["number_id"], ["numbers.id"], name=op.f("fk_caller_ids_number_id")
        ),
        sa.ForeignKeyConstraint(
            ["seller_id"], ["sellers.id"], name=op.f("fk_caller_ids_seller_id")
        ),
        sa.PrimaryKeyConstraint("number_id", name=op.f("pk_caller_ids")),
        comment="The numbers that a seller may call from.",
    )
    op.create_table(
        "consents",
        sa.Column(
            "id", sa.BigInteger(), sa.Identity(always=False), nullable=False, comment="row id"
        ),
        sa.Column("number_id", sa.BigInteger(), nullable=False, comment="who consented"),
        sa.Column("seller_id", sa.UUID(), nullable=False, comment="to be called by whom"),
        sa.Column(
            "kind",
            sa.Text(),
            nullable=False,
            comment="written, express, uk_automated, eu_automated",
        ),
        sa.Column("purpose", sa.Text(), nullable=False, comment="informational or telemarketing"),
        sa.Column("channel", sa.Text(), nullable=False, comment="web, paper, call, sms, import"),
        sa.Column(
            "evidence",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="disclosure hash, address of the proof …",
        ),
        sa.Column(
            "obtained_at", sa.DateTime(timezone=True), nullable=False, comment="when it was given"
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True, comment="when it ends"),
        sa.Column(
            "revoked_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when it was taken back",
        ),
        sa.ForeignKeyConstraint(["number_id"], ["numbers.id"], name=op.f("fk_consents_number_id")),
        sa.ForeignKeyConstraint(["seller_id"], ["sellers.id"], name=op.f("fk_consents_seller_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consents")),
        comment="Consent given by a person for a seller and a purpose.",
    )
    op.create_index(op.f("ix_consents_number_id"), "consents", ["number_id"], unique=False)
    op.create_table(
        "lead_lists",
        sa.Column(
            "id",
            sa.UUID(),
            server_default=sa.text("gen_random_uuid()"),
            nullable=False,
            comment="random id",
        ),
        sa.Column("seller_id", sa.UUID(), nullable=False, comment="whose list it is"),
        sa.Column("name", sa.Text(), nullable=False, comment="unique for the seller"),
        sa.Column(
            "consent_kind",
            sa.Text(),
            nullable=True,
            comment="consent attested for the whole list: written, express, rehearsal; NULL: none",
        ),
        sa.Column("consent_attested_by", sa.Text(), nullable=True, comment="who attested it"),
        sa.Column(
            "consent_attested_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when it was attested",
        ),
        sa.Column(
            "rehearsal",
            sa.Boolean(),
            nullable=False,
            comment="never counts in live caps or metrics",
        ),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), nullable=False, comment="when it was made"
        ),
        sa.ForeignKeyConstraint(
            ["seller_id"], ["sellers.id"], name=op.f("fk_lead_lists_seller_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lead_lists")),
        sa.UniqueConstraint("seller_id", "name", name=op.f("uq_lead_lists_seller_id_name")),
        comment="A named list of leads.",
    )
    op.create_table(
        "campaigns",
        sa.Column(
            "id",
            sa.UUID(),
            server_default=sa.text("gen_random_uuid()"),
            nullable=False,
            comment="random id",
        ),
        sa.Column("seller_id", sa.UUID(), nullable=False, comment="on whose behalf"),
        sa.Column("name", sa.Text(), nullable=False, comment="unique name"),
        sa.Column(
            "state",
            sa.Text(),
            nullable=False,
            comment="draft, running, paused, draining, stopped, emergency_stopped, completed",
        ),
        sa.Column("version", sa.Integer(), nullable=False, comment="the version in force"),
        sa.Column("list_id", sa.UUID(), nullable=False, comment="whom it calls"),
        sa.Column(
            "rehearsal", sa.Boolean(), nullable=False, comment="only ever calls the simulator"
        ),
        sa.Column(
            "max_leads",
            sa.Integer(),
            nullable=True,
            comment="leads it may start in all; NULL: no limit",
        ),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), nullable=False, comment="when it was made"
        ),
        sa.Column(
            "state_since",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="since when it is in this state",
        ),
        sa.CheckConstraint(
            "state IN ('draft','running','paused','draining','stopped','emergency_stopped','completed')",
            name=op.f("ck_campaigns_state"),
        ),
        sa.ForeignKeyConstraint(["list_id"], ["lead_lists.id"], name=op.f("fk_campaigns_list_id")),
        sa.ForeignKeyConstraint(["seller_id"], ["sellers.id"], name=op.f("fk_campaigns_seller_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaigns")),
        sa.UniqueConstraint("name", name=op.f("uq_campaigns_name")),
        comment="A script, a list and the rules by which the one is said to the other.",
    )
    op.create_table(
        "import_runs",
        sa.Column(
            "id",
            sa.UUID(),
            server_default=sa.text("gen_random_uuid()"),
            nullable=False,
            comment="random id",
        ),
        sa.Column("list_id", sa.UUID(), nullable=False, comment="where the leads went"),
        sa.Column(
            "file_name", sa.Text(), nullable=False, comment="name of the file, without its folder"
        ),
        sa.Column("file_sha256", sa.Text(), nullable=False, comment="hash of its bytes"),
        sa.Column(
            "mapping_sha256", sa.Text(), nullable=False, comment="hash of the column mapping"
        ),
        sa.Column(
            "mapping",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="field to column",
        ),
        sa.Column(
            "report",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="the ImportReport",
        ),
        sa.Column("rows_read", sa.BigInteger(), nullable=False, comment="data rows in the file"),
        sa.Column("rows_accepted", sa.BigInteger(), nullable=False, comment="leads made"),
        sa.Column(
            "rows_rejected",
            sa.BigInteger(),
            nullable=False,
            comment="rows refused, with a reason each",
        ),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False, comment="start"),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=False, comment="commit"),
        sa.Column(
            "undone_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when the import was taken back",
        ),
        sa.ForeignKeyConstraint(
            ["list_id"], ["lead_lists.id"], name=op.f("fk_import_runs_list_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_runs")),
        comment="One file loaded into one list; the same file again is the same run.",
    )
    op.create_index(
        "uq_import_runs_file",
        "import_runs",
        ["list_id", "file_sha256", "mapping_sha256"],
        unique=True,
        postgresql_where=sa.text("undone_at IS NULL"),
    )
    op.create_table(
        "alerts",
        sa.Column(
            "id", sa.BigInteger(), sa.Identity(always=False), nullable=False, comment="row id"
        ),
        sa.Column("name", sa.Text(), nullable=False, comment="rule"),
        sa.Column("severity", sa.Text(), nullable=False, comment="page or ticket"),
        sa.Column("campaign_id", sa.UUID(), nullable=True, comment="about which campaign"),
        sa.Column("summary", sa.Text(), nullable=False, comment="one sentence"),
        sa.Column("acknowledged_by", sa.Text(), nullable=True, comment="who took it"),
        sa.Column("count", sa.Integer(), nullable=False, comment="times it fired"),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False, comment="first"),
        sa.Column("cleared_at", sa.DateTime(timezone=True), nullable=True, comment="over"),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name=op.f("fk_alerts_campaign_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alerts")),
        comment="What wants attention.",
    )
    op.create_table(
        "attempts",
        sa.Column("id", sa.UUID(), nullable=False, comment="made by the dialer beforehand"),
        sa.Column(
            "month", sa.Date(), nullable=False, comment="first day of the month of its intent (UTC)"
        ),
        sa.Column("campaign_id", sa.UUID(), nullable=False, comment="the campaign"),
        sa.Column("lead_id", sa.BigInteger(), nullable=False, comment="the lead"),
        sa.Column("number_id", sa.BigInteger(), nullable=False, comment="the number dialed"),
        sa.Column(
            "attempt_no",
            sa.Integer(),
            nullable=False,
            comment="1, 2, 3 … for campaign, lead, number",
        ),
        sa.Column("caller_id_number", sa.BigInteger(), nullable=False, comment="numbers.id shown"),
        sa.Column("worker_id", sa.UUID(), nullable=False, comment="the dialer that intends it"),
        sa.Column(
            "state",
            sa.Text(),
            nullable=False,
            comment="intended, unknown, placed, ringing, in_progress, ended",
        ),
        sa.Column("event_seq", sa.Integer(), nullable=False, comment="events written so far"),
        sa.Column(
            "version", sa.BigInteger(), nullable=False, comment="counts changes, for the lake"
        ),
        sa.Column(
            "slot_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="when its turn at the carrier is (pacing)",
        ),
        sa.Column(
            "intended_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="when the intent was committed",
        ),
        sa.Column(
            "sent_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when the request was handed to the carrier's library",
        ),
        sa.Column(
            "placed_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when the carrier accepted it",
        ),
        sa.Column(
            "answered_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when it was picked up",
        ),
        sa.Column(
            "ended_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when its one terminal event was written",
        ),
        sa.Column(
            "heard_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="last sign of life: a callback or an answer from the carrier",
        ),
        sa.Column(
            "checked_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when the reconciler last asked the carrier",
        ),
        sa.Column(
            "carrier_status",
            sa.Text(),
            nullable=True,
            comment="the carrier's own last word, as it stood",
        ),
        sa.Column(
            "answer_class",
            sa.Text(),
            nullable=True,
            comment="human, machine, fax, unknown; NULL: nobody said",
        ),
        sa.Column(
            "outcome",
            sa.Text(),
            nullable=True,
            comment="disposition that the conversation itself arrived at",
        ),
        sa.Column("end_reason", sa.Text(), nullable=True, comment="who or what ended it"),
        sa.Column(
            "disposition", sa.Text(), nullable=True, comment="business outcome (dispositions.code)"
        ),
        sa.Column(
            "ended_by",
            sa.Text(),
            nullable=True,
            comment="callback, reconciler or dialer: who brought the end",
        ),
        sa.Column(
            "late", sa.Boolean(), nullable=False, comment="called after it was given up; cancelled"
        ),
        sa.Column("rehearsal", sa.Boolean(), nullable=False, comment="at the simulator"),
        sa.CheckConstraint(
            "state IN ('intended','unknown','placed','ringing','in_progress','ended')",
            name=op.f("ck_attempts_state"),
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name=op.f("fk_attempts_campaign_id")
        ),
        sa.ForeignKeyConstraint(["lead_id"], ["leads.id"], name=op.f("fk_attempts_lead_id")),
        sa.ForeignKeyConstraint(["number_id"], ["numbers.id"], name=op.f("fk_attempts_number_id")),
        sa.ForeignKeyConstraint(["worker_id"], ["workers.id"], name=op.f("fk_attempts_worker_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempts")),
        sa.UniqueConstraint(
            "campaign_id",
            "lead_id",
            "number_id",
            "attempt_no",
            name=op.f("uq_attempts_campaign_id_lead_id_number_id_attempt_no"),
        ),
        comment="One dial each. A number has at most one that has not ended.",
    )
    op.create_index(
        "ix_attempts_campaign_time", "attempts", ["campaign_id", "intended_at"], unique=False
    )
    op.create_index(op.f("ix_attempts_lead_id"), "attempts", ["lead_id"], unique=False)
    op.create_index(
        "ix_attempts_live",
        "attempts",
        ["campaign_id"],
        unique=False,
        postgresql_where=sa.text("state <> 'ended'"),
    )
    op.create_index(
        "ix_attempts_number_time", "attempts", ["number_id", "intended_at"], unique=False
    )
    op.create_index(
        "uq_attempts_live_number",
        "attempts",
        ["number_id"],
        unique=True,
        postgresql_where=sa.text("state <> 'ended'"),
    )
    op.create_table(
        "campaign_leads",
        sa.Column("campaign_id", sa.UUID(), nullable=False, comment="the campaign"),
        sa.Column("lead_id", sa.BigInteger(), nullable=False, comment="the lead"),
        sa.Column("number_id", sa.BigInteger(), nullable=False, comment="the lead's number"),
        sa.Column("state", sa.Text(), nullable=False, comment="ready, calling, done"),
        sa.Column("priority", sa.Float(), nullable=False, comment="higher is called first"),
        sa.Column(
            "position", sa.BigInteger(), nullable=False, comment="tie-break: order in the list"
        ),
        sa.Column(
            "attempts", sa.Integer(), nullable=False, comment="dials that reached the carrier"
        ),
        sa.Column(
            "next_allowed_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="not before; NULL: any time",
        ),
        sa.Column("disposition", sa.Text(), nullable=True, comment="of the last attempt"),
        sa.Column(
            "decision_key",
            sa.Text(),
            nullable=True,
            comment="last decision's answer and reasons, to see a change",
        ),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, comment="last change"),
        sa.CheckConstraint(
            "state IN ('ready','calling','done')", name=op.f("ck_campaign_leads_state")
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name=op.f("fk_campaign_leads_campaign_id")
        ),
        sa.ForeignKeyConstraint(["lead_id"], ["leads.id"], name=op.f("fk_campaign_leads_lead_id")),
        sa.PrimaryKeyConstraint("campaign_id", "lead_id", name=op.f("pk_campaign_leads")),
        comment="A lead's standing in a campaign.",
    )
    op.create_index("ix_campaign_leads_lead", "campaign_leads", ["lead_id"], unique=False)
    op.create_index(
        "ix_campaign_leads_ready",
        "campaign_leads",
        ["campaign_id", sa.literal_column("priority DESC"), "position"],
        unique=False,
        postgresql_where=sa.text("state = 'ready'"),
    )
    op.create_index(
        "ix_campaign_leads_started",
        "campaign_leads",
        ["campaign_id", "next_allowed_at"],
        unique=False,
        postgresql_where=sa.text("state = 'ready' AND disposition IS NOT NULL"),
    )
    op.create_table(
        "campaign_versions",
        sa.Column("campaign_id", sa.UUID(), nullable=False, comment="the campaign"),
        sa.Column("version", sa.Integer(), nullable=False, comment="1, 2, 3 …"),
        sa.Column(
            "config",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="the campaign file as data: schedule, pacing, retries, caller ids, arms",
        ),
        sa.Column("script", sa.Text(), nullable=False, comment="the conversation script (YAML)"),
        sa.Column("script_name", sa.Text(), nullable=False, comment="name of the script"),
        sa.Column(
            "caller_ids",
            postgresql.ARRAY(sa.BigInteger()),
            nullable=False,
            comment="numbers.id it may show",
        ),
        sa.Column("config_sha256", sa.Text(), nullable=False, comment="hash of config and script"),
        sa.Column("created_by", sa.Text(), nullable=False, comment="who made it"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, comment="when"),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name=op.f("fk_campaign_versions_campaign_id")
        ),
        sa.PrimaryKeyConstraint("campaign_id", "version", name=op.f("pk_campaign_versions")),
        comment="What a campaign was at a time; never changed.",
    )
    op.create_table(
        "commands",
        sa.Column(
            "id", sa.BigInteger(), sa.Identity(always=False), nullable=False, comment="row id"
        ),
        sa.Column(
            "campaign_id", sa.UUID(), nullable=True, comment="the campaign; NULL: all of them"
        ),
        sa.Column(
            "kind",
            sa.Text(),
            nullable=False,
            comment="start, pause, resume, drain, stop, emergency_stop",
        ),
        sa.Column("asked_by", sa.Text(), nullable=False, comment="who"),
        sa.Column("reason", sa.Text(), nullable=True, comment="why"),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False, comment="when"),
        sa.Column(
            "obeyed_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when it was in force; NULL: not yet",
        ),
        sa.Column(
            "outcome",
            sa.Text(),
            nullable=True,
            comment="what came of it, stragglers by name of their call",
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name=op.f("fk_commands_campaign_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_commands")),
        comment="What people asked of campaigns; the dialer obeys.",
    )
    op.create_index(
        "ix_commands_open",
        "commands",
        ["id"],
        unique=False,
        postgresql_where=sa.text("obeyed_at IS NULL"),
    )
    op.create_table(
        "decisions",
        sa.Column(
            "id", sa.BigInteger(), sa.Identity(always=False), nullable=False, comment="row id"
        ),
        sa.Column("campaign_id", sa.UUID(), nullable=False, comment="the campaign"),
        sa.Column("lead_id", sa.BigInteger(), nullable=False, comment="the lead"),
        sa.Column("number_id", sa.BigInteger(), nullable=False, comment="the number asked about"),
        sa.Column(
            "attempt_id",
            sa.UUID(),
            nullable=True,
            comment="the dial it allowed; NULL for a refusal",
        ),
        sa.Column(
            "stage", sa.Text(), nullable=False, comment="claim: when chosen; send: in the send gate"
        ),
        sa.Column("allow", sa.Boolean(), nullable=False, comment="may be called now"),
        sa.Column(
            "reasons",
            postgresql.ARRAY(sa.Text()),
            nullable=False,
            comment="stable codes; empty when allowed",
        ),
        sa.Column("policy_hash", sa.Text(), nullable=False, comment="which rules said so"),
        sa.Column(
            "next_allowed_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when asking again makes sense; NULL: never or unknown",
        ),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False, comment="when"),
        sa.Column("rehearsal", sa.Boolean(), nullable=False, comment="about the simulator"),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name=op.f("fk_decisions_campaign_id")
        ),
        sa.ForeignKeyConstraint(["lead_id"], ["leads.id"], name=op.f("fk_decisions_lead_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decisions")),
        comment="The ledger: a row when the answer or its reasons change, and one for every dial.",
    )
    op.create_index(
        "ix_decisions_campaign", "decisions", ["campaign_id", "decided_at"], unique=False
    )
    op.create_index(op.f("ix_decisions_lead_id"), "decisions", ["lead_id"], unique=False)
    op.create_table(
        "experiments",
        sa.Column(
            "id",
            sa.UUID(),
            server_default=sa.text("gen_random_uuid()"),
            nullable=False,
            comment="random id",
        ),
        sa.Column("campaign_id", sa.UUID(), nullable=False, comment="the campaign"),
        sa.Column("name", sa.Text(), nullable=False, comment="short name"),
        sa.Column(
            "arms",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="arm names with their shares",
        ),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True, comment="start"),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True, comment="end"),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name=op.f("fk_experiments_campaign_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_experiments")),
        comment="A comparison of script or pacing versions.",
    )
    op.create_table(
        "import_rejects",
        sa.Column(
            "id", sa.BigInteger(), sa.Identity(always=False), nullable=False, comment="row id"
        ),
        sa.Column("run_id", sa.UUID(), nullable=False, comment="the import"),
        sa.Column(
            "line", sa.BigInteger(), nullable=False, comment="line in the file, the first is 1"
        ),
        sa.Column("field", sa.Text(), nullable=False, comment="which field was wrong"),
        sa.Column("reason", sa.Text(), nullable=False, comment="stable code, e.g. invalid_number"),
        sa.Column("explanation", sa.Text(), nullable=False, comment="one sentence"),
        sa.Column(
            "value_masked", sa.Text(), nullable=True, comment="the value with its digits hidden"
        ),
        sa.Column(
            "value_sealed",
            postgresql.BYTEA(),
            nullable=True,
            comment="the value as it stood (AES-256-GCM)",
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["import_runs.id"], name=op.f("fk_import_rejects_run_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_rejects")),
        comment="Every refused row of every import.",
    )
    op.create_index(op.f("ix_import_rejects_run_id"), "import_rejects", ["run_id"], unique=False)
    op.create_table(
        "lead_scores",
        sa.Column("campaign_id", sa.UUID(), nullable=False, comment="the campaign"),
        sa.Column("lead_id", sa.BigInteger(), nullable=False, comment="the lead"),
        sa.Column("priority", sa.Float(), nullable=False, comment="what the claim sorts by"),
        sa.Column("model_version", sa.Text(), nullable=True, comment="which model said so"),
        sa.Column("scored_at", sa.DateTime(timezone=True), nullable=False, comment="when"),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name=op.f("fk_lead_scores_campaign_id")
        ),
        sa.ForeignKeyConstraint(["lead_id"], ["leads.id"], name=op.f("fk_lead_scores_lead_id")),
        sa.PrimaryKeyConstraint("campaign_id", "lead_id", name=op.f("pk_lead_scores")),
        comment="Written by a flow; the dialer only reads it.",
    )
    op.create_table(
        "suppressions",
        sa.Column(
            "id", sa.BigInteger(), sa.Identity(always=False), nullable=False, comment="row id"
        ),
        sa.Column("number_id", sa.BigInteger(), nullable=False, comment="who must not be called"),
        sa.Column("scope", sa.Text(), nullable=False, comment="all, seller or campaign"),
        sa.Column("seller_id", sa.UUID(), nullable=True, comment="for scope seller"),
        sa.Column("campaign_id", sa.UUID(), nullable=True, comment="for scope campaign"),
        sa.Column(
            "source", sa.Text(), nullable=False, comment="call, import, sms, inbound, page, file"
        ),
        sa.Column(
            "reason", sa.Text(), nullable=False, comment="opt_out, wrong_number, complaint …"
        ),
        sa.Column(
            "attempt_id", sa.UUID(), nullable=True, comment="the attempt in which it was said"
        ),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), nullable=False, comment="effective from"
        ),
        sa.CheckConstraint(
            "(scope = 'all') OR (scope = 'seller' AND seller_id IS NOT NULL) OR (scope = 'campaign' AND campaign_id IS NOT NULL)",
            name=op.f("ck_suppressions_scope"),
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name=op.f("fk_suppressions_campaign_id")
        ),
        sa.ForeignKeyConstraint(
            ["number_id"], ["numbers.id"], name=op.f("fk_suppressions_number_id")
        ),
        sa.ForeignKeyConstraint(
            ["seller_id"], ["sellers.id"], name=op.f("fk_suppressions_seller_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suppressions")),
        comment="Who said no. Never expires, never deleted: erasure keeps the fingerprint.",
    )
    op.create_index(op.f("ix_suppressions_number_id"), "suppressions", ["number_id"], unique=False)
    op.create_table(
        "assignments",
        sa.Column("experiment_id", sa.UUID(), nullable=False, comment="the experiment"),
        sa.Column("lead_id", sa.BigInteger(), nullable=False, comment="the lead"),
        sa.Column("arm", sa.Text(), nullable=False, comment="sticky over retries"),
        sa.Column("assigned_at", sa.DateTime(timezone=True), nullable=False, comment="when"),
        sa.ForeignKeyConstraint(
            ["experiment_id"], ["experiments.id"], name=op.f("fk_assignments_experiment_id")
        ),
        sa.ForeignKeyConstraint(["lead_id"], ["leads.id"], name=op.f("fk_assignments_lead_id")),
        sa.PrimaryKeyConstraint("experiment_id", "lead_id", name=op.f("pk_assignments")),
        comment="Which lead is in which arm.",
    )
    op.create_table(
        "calls",
        sa.Column("carrier_sid", sa.Text(), nullable=False, comment="the carrier's id of the call"),
        sa.Column("attempt_id", sa.UUID(), nullable=False, comment="our dial"),
        sa.Column("carrier", sa.Text(), nullable=False, comment="which carrier"),
        sa.Column("status", sa.Text(), nullable=False, comment="carrier status, monotonic"),
        sa.Column(
            "last_sequence",
            sa.Integer(),
            nullable=True,
            comment="highest callback sequence applied",
        ),
        sa.Column(
            "answered_by",
            sa.Text(),
            nullable=True,
            comment="the carrier's answering-machine verdict as it stood",
        ),
        sa.Column("detection_ms", sa.Float(), nullable=True, comment="time to that verdict"),
        sa.Column(
            "duration_s",
            sa.Float(),
            nullable=True,
            comment="the carrier's duration; NULL while unknown",
        ),
        sa.Column(
            "queue_time_ms",
            sa.Float(),
            nullable=True,
            comment="time in the carrier's queue, as announced",
        ),
        sa.Column("sip_code", sa.Integer(), nullable=True, comment="final SIP response"),
        sa.Column("error_code", sa.Integer(), nullable=True, comment="the carrier's error"),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), nullable=False, comment="first heard of"
        ),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, comment="last change"),
        sa.ForeignKeyConstraint(["attempt_id"], ["attempts.id"], name=op.f("fk_calls_attempt_id")),
        sa.PrimaryKeyConstraint("carrier_sid", name=op.f("pk_calls")),
        comment="The carrier's object for an attempt.",
    )
    op.create_index(op.f("ix_calls_attempt_id"), "calls", ["attempt_id"], unique=False)
    op.create_table(
        "cost_lines",
        sa.Column(
            "id", sa.BigInteger(), sa.Identity(always=False), nullable=False, comment="row id"
        ),
        sa.Column("attempt_id", sa.UUID(), nullable=False, comment="the dial"),
        sa.Column("price_id", sa.Integer(), nullable=True, comment="the price used; NULL: unknown"),
        sa.Column("item", sa.Text(), nullable=False, comment="what was used"),
        sa.Column("quantity", sa.Float(), nullable=False, comment="how much"),
        sa.Column(
            "amount",
            sa.Numeric(precision=12, scale=6),
            nullable=True,
            comment="NULL where the price is unknown, never 0",
        ),
        sa.Column("currency", sa.Text(), nullable=True, comment="ISO 4217"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, comment="when"),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["attempts.id"], name=op.f("fk_cost_lines_attempt_id")
        ),
        sa.ForeignKeyConstraint(["price_id"], ["prices.id"], name=op.f("fk_cost_lines_price_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cost_lines")),
        comment="Cost of an attempt, leg by leg.",
    )
    op.create_index(op.f("ix_cost_lines_attempt_id"), "cost_lines", ["attempt_id"], unique=False)
    op.create_table(
        "recordings",
        sa.Column("recording_sid", sa.Text(), nullable=False, comment="the carrier's id"),
        sa.Column("attempt_id", sa.UUID(), nullable=False, comment="the dial"),
        sa.Column(
            "status", sa.Text(), nullable=False, comment="in-progress, completed, absent, failed"
        ),
        sa.Column("duration_s", sa.Float(), nullable=True, comment="length"),
        sa.Column("channels", sa.Integer(), nullable=True, comment="1 or 2"),
        sa.Column(
            "path",
            sa.Text(),
            nullable=True,
            comment="sealed file under the home; NULL while at the carrier",
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, comment="when"),
        sa.Column(
            "purged_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when retention removed it",
        ),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["attempts.id"], name=op.f("fk_recordings_attempt_id")
        ),
        sa.PrimaryKeyConstraint("recording_sid", name=op.f("pk_recordings")),
        comment="Audio of calls.",
    )
    op.create_index(op.f("ix_recordings_attempt_id"), "recordings", ["attempt_id"], unique=False)
    op.create_table(
        "turns",
        sa.Column("attempt_id", sa.UUID(), nullable=False, comment="the dial"),
        sa.Column("index", sa.Integer(), nullable=False, comment="0, 1, 2 … in the call"),
        sa.Column("speaker", sa.Text(), nullable=False, comment="agent or caller"),
        sa.Column("node", sa.Text(), nullable=True, comment="script node"),
        sa.Column(
            "prompt_key",
            sa.Text(),
            nullable=True,
            comment="which fixed prompt; NULL when free or heard",
        ),
        sa.Column(
            "text_sealed", postgresql.BYTEA(), nullable=True, comment="what was said (AES-256-GCM)"
        ),
        sa.Column(
            "text_redacted",
            sa.Text(),
            nullable=True,
            comment="what was said, without names and numbers",
        ),
        sa.Column(
            "heard_fraction",
            sa.Float(),
            nullable=True,
            comment="share of an agent turn that was played out, 0–1",
        ),
        sa.Column(
            "interrupted",
            sa.Boolean(),
            nullable=True,
            comment="agent turn: the person spoke over it",
        ),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False, comment="first audio"),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False, comment="last audio"),
        sa.Column(
            "endpoint_ms",
            sa.Float(),
            nullable=True,
            comment="end of speech to end-of-turn decision",
        ),
        sa.Column(
            "stt_tail_ms",
            sa.Float(),
            nullable=True,
            comment="end-of-turn decision to final transcript",
        ),
        sa.Column("mind_ms", sa.Float(), nullable=True, comment="final transcript to what to say"),
        sa.Column(
            "tts_first_byte_ms",
            sa.Float(),
            nullable=True,
            comment="text to first synthesised byte; NULL when cached",
        ),
        sa.Column(
            "response_ms",
            sa.Float(),
            nullable=True,
            comment="end of the person's speech to first audio sent",
        ),
        sa.CheckConstraint("speaker IN ('agent','caller')", name=op.f("ck_turns_speaker")),
        sa.ForeignKeyConstraint(["attempt_id"], ["attempts.id"], name=op.f("fk_turns_attempt_id")),
        sa.PrimaryKeyConstraint("attempt_id", "index", name=op.f("pk_turns")),
        comment="Who said what, when, and how long each stage took; unmeasured is NULL.",
    )


def downgrade() -> None:

    op.drop_table("turns")
    op.drop_index(op.f("ix_recordings_attempt_id"), table_name="recordings")
    op.drop_table("recordings")
    op.drop_index(op.f("ix_cost_lines_attempt_id"), table_name="cost_lines")
    op.drop_table("cost_lines")
    op.drop_index(op.f("ix_calls_attempt_id"), table_name="calls")
    op.drop_table("calls")
    op.drop_table("assignments")
    op.drop_index(op.f("ix_suppressions_number_id"), table_name="suppressions")
    op.drop_table("suppressions")
    op.drop_table("lead_scores")
    op.drop_index(op.f("ix_import_rejects_run_id"), table_name="import_rejects")
    op.drop_table("import_rejects")
    op.drop_table("experiments")
    op.drop_index(op.f("ix_decisions_lead_id"), table_name="decisions")
    op.drop_index("ix_decisions_campaign", table_name="decisions")
    op.drop_table("decisions")
    op.drop_index(
        "ix_commands_open", table_name="commands", postgresql_where=sa.text("obeyed_at IS NULL")
    )
    op.drop_table("commands")
    op.drop_table("campaign_versions")
    op.drop_index(
        "ix_campaign_leads_started",
        table_name="campaign_leads",
        postgresql_where=sa.text("state = 'ready' AND disposition IS NOT NULL"),
    )
    op.drop_index(
        "ix_campaign_leads_ready",
        table_name="campaign_leads",
        postgresql_where=sa.text("state = 'ready'"),
    )
    op.drop_index("ix_campaign_leads_lead", table_name="campaign_leads")
    op.drop_table("campaign_leads")
    op.drop_index(
        "uq_attempts_live_number",
        table_name="attempts",
        postgresql_where=sa.text("state <> 'ended'"),
    )
    op.drop_index("ix_attempts_number_time", table_name="attempts")
    op.drop_index(
        "ix_attempts_live", table_name="attempts", postgresql_where=sa.text("state <> 'ended'")
    )
    op.drop_index(op.f("ix_attempts_lead_id"), table_name="attempts")
    op.drop_index("ix_attempts_campaign_time", table_name="attempts")
    op.drop_table("attempts")
    op.drop_table("alerts")
    op.drop_index(
        "uq_import_runs_file",
        table_name="import_runs",
        postgresql_where=sa.text("undone_at IS NULL"),
    )
    op.drop_table("import_runs")
    op.drop_table("campaigns")
    op.drop_table("lead_lists")
    op.drop_index(op.f("ix_consents_number_id"), table_name="consents")
    op.drop_table("consents")
    op.drop_table("caller_ids")
    op.drop_table("sellers")
    op.drop_table("workers")
    op.drop_table("users")
    op.drop_index(
        "ix_switches_on", table_name="switches", postgresql_where=sa.text("cleared_at IS NULL")
    )
    op.drop_table("switches")
    op.drop_table("shadow_predictions")
    op.drop_table("rehearsal_clock")
    op.drop_table("prompts")
    op.drop_table("prices")
    op.drop_index(
        "ix_outbox_open", table_name="outbox", postgresql_where=sa.text("delivered_at IS NULL")
    )
    op.drop_table("outbox")
    op.drop_table("numbers")
    op.drop_table("model_predictions")
    op.drop_table("list_snapshots")
    op.drop_index("ix_leads_run_id", table_name="leads", postgresql_using="brin")
    op.drop_index("ix_leads_list_id", table_name="leads", postgresql_using="brin")
    op.drop_table("leads")
    op.drop_table("gate_results")
    op.drop_index(
        "ix_flow_requests_open",
        table_name="flow_requests",
        postgresql_where=sa.text("state = 'asked'"),
    )
    op.drop_table("flow_requests")
    op.drop_table("dispositions")
    op.drop_table("carrier_pace")
    op.drop_index("ix_call_events_kind", table_name="call_events")
    op.drop_table("call_events")
    op.drop_table("audit_log")
