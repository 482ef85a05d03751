"""Who is called, on whose behalf, and who must not be: sellers, numbers, lists, leads, consent."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, UUID

from voice_ai.db.schema.base import METADATA, document, moment, ref, sealed, uuid_key
from voice_ai.db.schema.lake import stamp, stamp_index

sellers = Table(
    "sellers",
    METADATA,
    uuid_key(),
    Column("name", Text, nullable=False, unique=True, comment="short name, unique"),
    Column("legal_name", Text, nullable=False, comment="registered name, said first in a call"),
    ref("callback_number_id", "numbers.id", "number said in calls; takes opt-outs", nullable=True),
    Column("rehearsal", Boolean, nullable=False, comment="only ever calls the simulator"),
    moment("created_at", "when it was set up", nullable=False),
    comment="The business that calls; suppression, caps and consent hang on seller and number.",
)

numbers = Table(
    "numbers",
    METADATA,
    Column("id", BigInteger, Identity(), primary_key=True, comment="what everything refers to"),
    Column("fingerprint", BYTEA, nullable=False, unique=True, comment="HMAC-SHA256 of E.164"),
    sealed("number_sealed", "the E.164 number; NULL once erased"),
    Column("key_id", Text, nullable=False, comment="which secret sealed and fingerprinted it"),
    Column(
        "person_key",
        UUID(as_uuid=True),
        nullable=False,
        server_default=text("gen_random_uuid()"),
        comment="random pseudonym for analytics; its mapping dies with an erasure",
    ),
    Column("country", Text, comment="ISO 3166-1 alpha-2 of the number, NULL when unknown"),
    Column("line_type", Text, comment="fixed_line, mobile, fixed_line_or_mobile, voip …"),
    Column("zones", ARRAY(Text), nullable=False, comment="every time zone the number may be in"),
    Column("states", ARRAY(Text), nullable=False, comment="every state the number may be in"),
    moment("created_at", "first seen", nullable=False),
    moment("erased_at", "when the person asked to be erased"),
    comment="One row per phone number: encrypted once, matched by keyed fingerprint.",
)

lead_lists = Table(
    "lead_lists",
    METADATA,
    uuid_key(),
    ref("seller_id", "sellers.id", "whose list it is"),
    Column("name", Text, nullable=False, comment="unique for the seller"),
    Column(
        "consent_kind",
        Text,
        comment="consent attested for the whole list: written, express, rehearsal; NULL: none",
    ),
    Column("consent_attested_by", Text, comment="who attested it"),
    moment("consent_attested_at", "when it was attested"),
    Column("rehearsal", Boolean, nullable=False, comment="never counts in live caps or metrics"),
    moment("created_at", "when it was made", nullable=False),
    UniqueConstraint("seller_id", "name"),
    comment="A named list of leads.",
)

import_runs = Table(
    "import_runs",
    METADATA,
    uuid_key(),
    ref("list_id", "lead_lists.id", "where the leads went"),
    Column("file_name", Text, nullable=False, comment="name of the file, without its folder"),
    Column("file_sha256", Text, nullable=False, comment="hash of its bytes"),
    Column("mapping_sha256", Text, nullable=False, comment="hash of the column mapping"),
    document("mapping", "field to column"),
    document("report", "the ImportReport"),
    Column("rows_read", BigInteger, nullable=False, comment="data rows in the file"),
    Column("rows_accepted", BigInteger, nullable=False, comment="leads made"),
    Column("rows_rejected", BigInteger, nullable=False, comment="rows refused, with a reason each"),
    moment("started_at", "start", nullable=False),
    moment("finished_at", "commit", nullable=False),
    moment("undone_at", "when the import was taken back"),
    Index(
        "uq_import_runs_file",
        "list_id",
        "file_sha256",
        "mapping_sha256",
        unique=True,
        postgresql_where=text("undone_at IS NULL"),
    ),
    comment="One file loaded into one list; the same file again is the same run.",
)

import_rejects = Table(
    "import_rejects",
    METADATA,
    Column("id", BigInteger, Identity(), primary_key=True, comment="row id"),
    ref("run_id", "import_runs.id", "the import", index=True),
    Column("line", BigInteger, nullable=False, comment="line in the file, the first is 1"),
    Column("field", Text, nullable=False, comment="which field was wrong"),
    Column("reason", Text, nullable=False, comment="stable code, e.g. invalid_number"),
    Column("explanation", Text, nullable=False, comment="one sentence"),
    Column("value_masked", Text, comment="the value with its digits hidden"),
    sealed("value_sealed", "the value as it stood"),
    comment="Every refused row of every import.",
)

leads = Table(
    "leads",
    METADATA,
    Column("id", BigInteger, Identity(), primary_key=True, comment="row id"),
    # Checked by the trigger leads_refer, in sets: row by row, three foreign keys double an import.
    Column("list_id", UUID(as_uuid=True), nullable=False, comment="its list (lead_lists.id)"),
    Column("number_id", BigInteger, nullable=False, comment="its phone number (numbers.id)"),
    Column(
        "run_id", UUID(as_uuid=True), nullable=False, comment="import that made it (import_runs.id)"
    ),
    Column("line", BigInteger, nullable=False, comment="line in that file"),
    Column("position", BigInteger, nullable=False, comment="order in the list"),
    Column("zones", ARRAY(Text), nullable=False, comment="every candidate IANA time zone"),
    Column("states", ARRAY(Text), nullable=False, comment="every candidate US state"),
    Column("country", Text, comment="ISO 3166-1 alpha-2, NULL when unknown"),
    sealed("person_sealed", "name, address and all other columns as JSON; NULL once erased"),
    Column("external_id_fingerprint", BYTEA, comment="HMAC of the file's own id, for matching"),
    moment("created_at", "when it was imported", nullable=False),
    stamp(),
    stamp_index("leads"),
    UniqueConstraint("number_id", "list_id"),
    # An import writes its leads side by side, so a few kilobytes find a list or a run.
    Index("ix_leads_list_id", "list_id", postgresql_using="brin"),
    Index("ix_leads_run_id", "run_id", postgresql_using="brin"),
    comment="A person or business on a list.",
)

suppressions = Table(
    "suppressions",
    METADATA,
    Column("id", BigInteger, Identity(), primary_key=True, comment="row id"),
    ref("number_id", "numbers.id", "who must not be called", index=True),
    Column("scope", Text, nullable=False, comment="all, seller or campaign"),
    ref("seller_id", "sellers.id", "for scope seller", nullable=True),
    ref("campaign_id", "campaigns.id", "for scope campaign", nullable=True),
    Column(
        "source", Text, nullable=False, comment="call, import, sms, inbound, page, file, command"
    ),
    Column("reason", Text, nullable=False, comment="opt_out, wrong_number, complaint …"),
    Column("attempt_id", UUID(as_uuid=True), comment="the attempt in which it was said"),
    Column("added_by", Text, comment="who wrote it down; NULL: the person's own word"),
    moment("created_at", "effective from", nullable=False),
    stamp(),
    stamp_index("suppressions"),
    CheckConstraint(
        "(scope = 'all') OR (scope = 'seller' AND seller_id IS NOT NULL)"
        " OR (scope = 'campaign' AND campaign_id IS NOT NULL)",
        name="scope",
    ),
    comment="Who said no. Never expires, never deleted: erasure keeps the fingerprint.",
)

consents = Table(
    "consents",
    METADATA,
    Column("id", BigInteger, Identity(), primary_key=True, comment="row id"),
    ref("number_id", "numbers.id", "who consented", index=True),
    ref("seller_id", "sellers.id", "to be called by whom"),
    Column("kind", Text, nullable=False, comment="written, express, uk_automated, eu_automated"),
    Column("purpose", Text, nullable=False, comment="informational or telemarketing"),
    Column("channel", Text, nullable=False, comment="web, paper, call, sms, import"),
    document("evidence", "disclosure hash, address of the proof …"),
    moment("obtained_at", "when it was given", nullable=False),
    moment("expires_at", "when it ends"),
    moment("revoked_at", "when it was taken back"),
    Column("revoked_through", Text, comment="call, sms, inbound, page, file; NULL: not revoked"),
    comment="Consent given by a person for a seller and a purpose.",
)

list_snapshots = Table(
    "list_snapshots",
    METADATA,
    Column("id", BigInteger, Identity(), primary_key=True, comment="row id"),
    Column("source", Text, nullable=False, comment="us_national_dnc, uk_tps, us_reassigned …"),
    Column("country", Text, nullable=False, comment="ISO 3166-1 alpha-2"),
    Column("sha256", Text, nullable=False, comment="hash of the list"),
    Column("rows", BigInteger, nullable=False, comment="numbers on it"),
    moment("taken_at", "date of the list itself", nullable=False),
    moment("loaded_at", "when it was loaded here", nullable=False),
    comment="Which version of which outside do-not-call list is in force.",
)

list_entries = Table(
    "list_entries",
    METADATA,
    Column("source", Text, primary_key=True, comment="as in list_snapshots"),
    Column("fingerprint", BYTEA, primary_key=True, comment="as in numbers: HMAC-SHA256 of E.164"),
    # No foreign key: checked row by row, it would double the load of a national list.
    Column(
        "snapshot_id",
        BigInteger,
        nullable=False,
        comment="the snapshot it came with (list_snapshots.id)",
    ),
    comment="Numbers on outside lists, as the newest snapshot of each source has them.",
)

inbound_contacts = Table(
    "inbound_contacts",
    METADATA,
    Column("carrier_sid", Text, primary_key=True, comment="the carrier's id of message or call"),
    Column("kind", Text, nullable=False, comment="sms or call"),
    ref("number_id", "numbers.id", "who; NULL when the number was withheld", nullable=True),
    ref("caller_id_number", "numbers.id", "which of our numbers was reached", nullable=True),
    ref("seller_id", "sellers.id", "whose number that is", nullable=True),
    Column("heard", Text, comment="stop, help, start, other; NULL: nothing was said yet"),
    Column("suppressed", Boolean, nullable=False, comment="it took the person off the calls"),
    sealed("text_sealed", "the message, or what was pressed or said"),
    moment("received_at", "when", nullable=False),
    Index("ix_inbound_contacts_number", "number_id"),
    comment="Messages and calls to our numbers; each one counts once.",
)

switches = Table(
    "switches",
    METADATA,
    Column("id", Integer, Identity(), primary_key=True, comment="row id"),
    Column("kind", Text, nullable=False, comment="global, campaign, caller_id, country, rule"),
    Column("key", Text, nullable=False, comment="what it stops; * for global"),
    Column("reason", Text, nullable=False, comment="why"),
    Column("set_by", Text, nullable=False, comment="who"),
    moment("set_at", "since when", nullable=False),
    Column("cleared_by", Text, comment="who lifted it"),
    moment("cleared_at", "until when; NULL: it stops calls now"),
    Index("ix_switches_on", "kind", "key", postgresql_where=text("cleared_at IS NULL")),
    comment="Kill switches, read at every dial.",
)
