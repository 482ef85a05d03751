"""Running the place: requests to flows, outbox, audit, users, alerts."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Float,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, UUID

from voice_ai.db.schema.base import METADATA, document, moment, ref, sealed, uuid_key

flow_requests = Table(
    "flow_requests",
    METADATA,
    uuid_key(),
    Column("flow", Text, nullable=False, comment="import, train, report …"),
    document("parameters", "what the flow is to work on"),
    Column(
        "state",
        Text,
        nullable=False,
        comment="asked, running, done, failed, cancelled, interrupted (its process ended)",
    ),
    Column("asked_by", Text, nullable=False, comment="who"),
    Column("progress", Float, comment="0–1; NULL while unknown"),
    Column("message", Text, comment="what it is doing, or why it failed"),
    document("result", "what came out"),
    Column("flow_run_id", UUID(as_uuid=True), comment="Prefect's run"),
    Column("worker_id", UUID(as_uuid=True), comment="the flows process (workers.id) that runs it"),
    moment("asked_at", "when", nullable=False),
    moment("started_at", "start"),
    moment("finished_at", "end"),
    Index("ix_flow_requests_open", "asked_at", postgresql_where=text("state = 'asked'")),
    comment="A page or a command asks; the flows process runs and reports.",
)

daily_summaries = Table(
    "daily_summaries",
    METADATA,
    ref("campaign_id", "campaigns.id", "the campaign", primary_key=True),
    Column("day", Date, primary_key=True, comment="day of the dials' intents, UTC"),
    document("figures", "counts of the day by metric name", nullable=False),
    moment("made_at", "when the flow last counted", nullable=False),
    comment="A campaign's day in figures, counted by a flow.",
)

report_archive = Table(
    "report_archive",
    METADATA,
    uuid_key(),
    Column("kind", Text, nullable=False, comment="campaign, interim, daily, model, compliance"),
    Column("title", Text, nullable=False, comment="the title of its page"),
    # No foreign key: a lake may hold a history that was made up, whose campaigns are nowhere else.
    Column("campaign_id", UUID(as_uuid=True), comment="whose (campaigns.id); NULL: of everything"),
    Column("rehearsal", Boolean, nullable=False, comment="of calls at the simulator"),
    moment("as_of", "up to when, on the clock of campaigns", nullable=False),
    Column("lake_commit", Integer, nullable=False, comment="the lake's commit of its figures"),
    document("facts", "rows of the database that it tells beside the lake", nullable=False),
    Column("path", Text, nullable=False, comment="of the HTML file, under the home"),
    Column("sha256", Text, nullable=False, comment="hash of the HTML file"),
    Column("bytes", BigInteger, nullable=False, comment="size of the HTML file"),
    Column("made_by", Text, nullable=False, comment="who asked for it"),
    moment("made_at", "when", nullable=False),
    Column("sent_to", Text, comment="channels and receivers; NULL: never sent"),
    moment("sent_at", "when it was sent last"),
    Column("send_error", Text, comment="why the last try to send it failed; NULL: it did not"),
    Index("ix_report_archive_made_at", "made_at"),
    comment="Reports that were made, each with what it can be built again from.",
)

outbox = Table(
    "outbox",
    METADATA,
    Column("id", BigInteger, Identity(), primary_key=True, comment="row id, order of facts"),
    Column("topic", Text, nullable=False, comment="call.ended, person.opted_out …"),
    Column("person_key", UUID(as_uuid=True), comment="order is kept per person"),
    document("payload", "the fact; never personal data", nullable=False),
    moment("created_at", "when", nullable=False),
    moment("delivered_at", "when every receiver had it"),
    Index("ix_outbox_open", "id", postgresql_where=text("delivered_at IS NULL")),
    comment="Facts to be told to other systems, written with the fact itself.",
)

audit_log = Table(
    "audit_log",
    METADATA,
    Column("id", BigInteger, Identity(), primary_key=True, comment="row id"),
    Column("actor", Text, nullable=False, comment="who"),
    Column("action", Text, nullable=False, comment="what, e.g. campaign.start"),
    Column("subject", Text, comment="on what; ids only"),
    document("details", "never personal data"),
    Column("previous_hash", BYTEA, comment="chain: hash of the row before"),
    Column("hash", BYTEA, nullable=False, comment="SHA-256 over this row and the one before"),
    moment("at", "when", nullable=False),
    comment="Append-only and chained.",
)

users = Table(
    "users",
    METADATA,
    uuid_key(),
    Column("login", Text, nullable=False, unique=True, comment="sign-in name"),
    Column("password_hash", Text, comment="argon2id"),
    sealed("totp_sealed", "second factor"),
    Column("roles", ARRAY(Text), nullable=False, comment="viewer, analyst, operator …"),
    Column("active", Boolean, nullable=False, comment="may sign in"),
    moment("created_at", "when", nullable=False),
    comment="People who sign in.",
)

alerts = Table(
    "alerts",
    METADATA,
    Column("id", BigInteger, Identity(), primary_key=True, comment="row id"),
    Column("name", Text, nullable=False, comment="rule"),
    Column("severity", Text, nullable=False, comment="page or ticket"),
    ref("campaign_id", "campaigns.id", "about which campaign", nullable=True),
    Column("summary", Text, nullable=False, comment="one sentence"),
    Column("acknowledged_by", Text, comment="who took it"),
    Column("count", Integer, nullable=False, comment="times it fired"),
    moment("raised_at", "first", nullable=False),
    moment("cleared_at", "over"),
    comment="What wants attention.",
)
