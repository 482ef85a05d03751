"""Campaigns, their immutable versions, where each lead stands, and the ledger of decisions."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
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
from sqlalchemy.dialects.postgresql import ARRAY, UUID

from voice_ai.db.schema.base import METADATA, document, moment, ref, sealed, uuid_key
from voice_ai.db.schema.lake import stamp, stamp_index

campaigns = Table(
    "campaigns",
    METADATA,
    uuid_key(),
    ref("seller_id", "sellers.id", "on whose behalf"),
    Column("name", Text, nullable=False, unique=True, comment="unique name"),
    Column(
        "state",
        Text,
        nullable=False,
        comment="draft, running, paused, draining, stopped, emergency_stopped, completed",
    ),
    Column("version", Integer, nullable=False, comment="the version in force"),
    ref("list_id", "lead_lists.id", "whom it calls"),
    Column("rehearsal", Boolean, nullable=False, comment="only ever calls the simulator"),
    Column("max_leads", Integer, comment="leads it may start in all; NULL: no limit"),
    moment("created_at", "when it was made", nullable=False),
    moment("state_since", "since when it is in this state", nullable=False),
    moment("drain_until", "a drain ends the calls that are still live then; NULL: no drain"),
    CheckConstraint(
        "state IN ('draft','running','paused','draining','stopped',"
        "'emergency_stopped','completed')",
        name="state",
    ),
    comment="A script, a list and the rules by which the one is said to the other.",
)

campaign_versions = Table(
    "campaign_versions",
    METADATA,
    ref("campaign_id", "campaigns.id", "the campaign", primary_key=True),
    Column("version", Integer, primary_key=True, comment="1, 2, 3 …"),
    document("config", "the campaign file as data: schedule, pacing, retries, caller ids, arms"),
    Column("script", Text, nullable=False, comment="the conversation script (YAML)"),
    Column("script_name", Text, nullable=False, comment="name of the script"),
    Column("caller_ids", ARRAY(BigInteger), nullable=False, comment="numbers.id it may show"),
    Column(
        "transfer_to",
        ARRAY(BigInteger),
        nullable=False,
        server_default="{}",
        comment="numbers.id of the colleagues it hands calls to, in the order of asking",
    ),
    Column("config_sha256", Text, nullable=False, comment="hash of config and script"),
    Column("created_by", Text, nullable=False, comment="who made it"),
    moment("created_at", "when", nullable=False),
    comment="What a campaign was at a time; never changed.",
)

caller_ids = Table(
    "caller_ids",
    METADATA,
    ref("number_id", "numbers.id", "the number shown to the called person", primary_key=True),
    ref("seller_id", "sellers.id", "who owns it"),
    Column("label", Text, nullable=False, comment="a name for tables and charts"),
    Column("active", Boolean, nullable=False, comment="may be used"),
    moment("verified_at", "when ownership was verified"),
    Column("country", Text, comment="ISO 3166-1 alpha-2 of the number; NULL when unknown"),
    Column("states", ARRAY(Text), nullable=False, server_default="{}", comment="its states"),
    Column(
        "standing",
        Text,
        nullable=False,
        server_default="active",
        comment="warming, active, cooling, burned",
    ),
    moment("standing_since", "since when it is in this standing"),
    moment("cool_until", "rests until then; NULL: it does not rest"),
    Column("daily_ceiling", Integer, comment="dials a day at most; NULL: the campaign's default"),
    moment("inbound_ok_at", "when a call to it was last answered with an opt-out"),
    CheckConstraint("standing IN ('warming','active','cooling','burned')", name="standing"),
    comment="The numbers that a seller may call from.",
)

campaign_leads = Table(
    "campaign_leads",
    METADATA,
    ref("campaign_id", "campaigns.id", "the campaign", primary_key=True),
    ref("lead_id", "leads.id", "the lead", primary_key=True),
    Column("number_id", BigInteger, nullable=False, comment="the lead's number"),
    Column("state", Text, nullable=False, comment="ready, calling, done"),
    Column("priority", Float, nullable=False, comment="higher is called first"),
    Column("position", BigInteger, nullable=False, comment="tie-break: order in the list"),
    Column("attempts", Integer, nullable=False, comment="dials that reached the carrier"),
    moment("next_allowed_at", "not before; NULL: any time"),
    moment("callback_at", "time agreed with the person; NULL: none"),
    Column("callback_by", Text, comment="who agreed it: a login, or call; NULL: no callback"),
    moment("callback_noted_at", "when it was agreed; NULL: no callback"),
    moment("rotate_from", "dial whose part of the day is to be left; NULL: any part will do"),
    Column("disposition", Text, comment="of the last attempt"),
    Column("decision_key", Text, comment="last decision's answer and reasons, to see a change"),
    moment("updated_at", "last change", nullable=False),
    stamp(),
    stamp_index("campaign_leads"),
    CheckConstraint("state IN ('ready','calling','done')", name="state"),
    Index(
        "ix_campaign_leads_fresh",
        "campaign_id",
        text("priority DESC"),
        "position",
        postgresql_where=text("state = 'ready' AND next_allowed_at IS NULL"),
    ),
    Index(
        "ix_campaign_leads_waiting",
        "campaign_id",
        "next_allowed_at",
        text("priority DESC"),
        "position",
        postgresql_where=text("state = 'ready' AND next_allowed_at IS NOT NULL"),
    ),
    Index(
        "ix_campaign_leads_started",
        "campaign_id",
        "next_allowed_at",
        postgresql_where=text("state = 'ready' AND disposition IS NOT NULL"),
    ),
    Index(
        "ix_campaign_leads_callbacks",
        "campaign_id",
        "callback_at",
        postgresql_where=text("state = 'ready' AND callback_at IS NOT NULL"),
    ),
    Index("ix_campaign_leads_lead", "lead_id"),
    comment="A lead's standing in a campaign.",
)

lead_scores = Table(
    "lead_scores",
    METADATA,
    ref("campaign_id", "campaigns.id", "the campaign", primary_key=True),
    ref("lead_id", "leads.id", "the lead", primary_key=True),
    Column("priority", Float, nullable=False, comment="what the claim sorts by"),
    Column("rule", Text, comment="which rule made it"),
    Column("model_version", Text, comment="lead model that took part; NULL: none did"),
    Column("chance", Float, comment="that a person picks up, 0 to 1, before anything is taken off"),
    Column("slot_day", Date, comment="day, by the called party's clock, of the hour; NULL: none"),
    Column("slot_hour", Integer, comment="hour of that day at which it comes first"),
    Column("slot_arm", Text, comment="chosen, or random: the hold-out; for ever by person"),
    Column("slot_share", Float, comment="share of persons in the hold-out when it was drawn"),
    Column("slot_chance", Float, comment="that a person picks up at that hour, as estimated then"),
    moment("slot_since", "since when it has hours of this arm and share"),
    moment("scored_at", "when it last changed", nullable=False),
    CheckConstraint("slot_arm IN ('chosen','random')", name="slot_arm"),
    comment="Written by a flow; the dialer only reads it.",
)

decisions = Table(
    "decisions",
    METADATA,
    Column("id", BigInteger, Identity(), primary_key=True, comment="row id"),
    ref("campaign_id", "campaigns.id", "the campaign"),
    ref("lead_id", "leads.id", "the lead", index=True),
    Column("number_id", BigInteger, nullable=False, comment="the number asked about"),
    Column("attempt_id", UUID(as_uuid=True), comment="the dial it allowed; NULL for a refusal"),
    Column("stage", Text, nullable=False, comment="claim: when chosen; send: in the send gate"),
    Column("allow", Boolean, nullable=False, comment="may be called now"),
    Column("reasons", ARRAY(Text), nullable=False, comment="stable codes; empty when allowed"),
    Column("policy_hash", Text, nullable=False, comment="which rules said so"),
    moment("next_allowed_at", "when asking again makes sense; NULL: never or unknown"),
    moment("decided_at", "when", nullable=False),
    Column("rehearsal", Boolean, nullable=False, comment="about the simulator"),
    stamp(),
    stamp_index("decisions"),
    Index("ix_decisions_campaign", "campaign_id", "decided_at"),
    comment="The ledger: a row when the answer or its reasons change, and one for every dial.",
)

commands = Table(
    "commands",
    METADATA,
    Column("id", BigInteger, Identity(), primary_key=True, comment="row id"),
    ref("campaign_id", "campaigns.id", "the campaign; NULL: all of them", nullable=True),
    Column(
        "kind",
        Text,
        nullable=False,
        comment="start, pause, resume, drain, stop, emergency_stop, clear",
    ),
    document("parameters", "e.g. limit_s, how long a drain may take; NULL: the defaults"),
    Column("asked_by", Text, nullable=False, comment="who"),
    Column("reason", Text, comment="why"),
    moment("asked_at", "when", nullable=False),
    moment("obeyed_at", "when it was in force; NULL: not yet"),
    Column("outcome", Text, comment="what came of it, stragglers by name of their call"),
    Column(
        "attempt_id",
        UUID(as_uuid=True),
        comment="the call it is about; NULL: about campaigns",
    ),
    Index("ix_commands_open", "id", postgresql_where=text("obeyed_at IS NULL")),
    comment="What people asked of campaigns; the dialer obeys.",
)

preflights = Table(
    "preflights",
    METADATA,
    uuid_key(),
    ref("campaign_id", "campaigns.id", "the campaign", index=True),
    ref("command_id", "commands.id", "the start that waits for it", nullable=True, unique=True),
    Column("asked_by", Text, nullable=False, comment="who"),
    moment("asked_at", "when", nullable=False),
    moment("started_at", "when a worker took it"),
    moment("finished_at", "when every check had answered"),
    Column("light", Text, comment="green, amber or red: the worst check; NULL: not finished"),
    document("checks", "each check with its light, what was seen and how to mend it"),
    Index("ix_preflights_open", "asked_at", postgresql_where=text("finished_at IS NULL")),
    comment="Checks before a campaign starts; a red one blocks the start.",
)

campaign_pace = Table(
    "campaign_pace",
    METADATA,
    ref("campaign_id", "campaigns.id", "the campaign", primary_key=True),
    moment("next_slot_at", "earliest moment of its next dial", nullable=False),
    Column("ramp_step", Integer, nullable=False, comment="0, 1, 2 …: which share of the full pace"),
    moment("ramp_since", "since when it is on this step", nullable=False),
    moment("held_until", "no dial before: the failure breaker is open; NULL: it is closed"),
    Column("throttle", Text, comment="why it goes slower than its step allows; NULL: it does not"),
    moment("judged_at", "when step and throttle were last judged"),
    comment="How fast a campaign may go now; written under the account's pace lock.",
)

pace_changes = Table(
    "pace_changes",
    METADATA,
    Column("id", BigInteger, Identity(), primary_key=True, comment="row id"),
    ref("campaign_id", "campaigns.id", "the campaign"),
    Column(
        "kind",
        Text,
        nullable=False,
        comment="step_up, step_down, throttle, release, hold, pause, cool, burn, recover",
    ),
    Column("subject", BigInteger, comment="numbers.id of a caller id; NULL: the campaign itself"),
    Column("reason", Text, nullable=False, comment="stable code, e.g. ABANDON_RATE"),
    document("figures", "the counts and limits that led to it", nullable=False),
    moment("at", "when", nullable=False),
    Index("ix_pace_changes_campaign", "campaign_id", "at"),
    comment="Why a campaign or a caller id goes slower or faster.",
)

rehearsal_clock = Table(
    "rehearsal_clock",
    METADATA,
    Column("one", Boolean, primary_key=True, server_default=text("true"), comment="one row"),
    moment("anchor_real", "the system's time at the anchor", nullable=False),
    moment("anchor", "the rehearsal's time at the anchor", nullable=False),
    Column("speed", Float, nullable=False, comment="rehearsal seconds per real second"),
    CheckConstraint("one", name="one_row"),
    comment="The clock that every process of a rehearsal shares.",
)

prompts = Table(
    "prompts",
    METADATA,
    Column("sha256", Text, primary_key=True, comment="of voice, model, format and text"),
    Column("voice", Text, nullable=False, comment="voice id"),
    Column("model", Text, nullable=False, comment="speech model"),
    sealed("audio_sealed", "mu-law 8 kHz audio; sealed because a prompt may hold a name"),
    Column(
        "ends_ms",
        ARRAY(Integer),
        comment="when each character has been said; NULL: the vendor did not tell",
    ),
    moment("created_at", "when it was rendered", nullable=False),
    comment="Rendered prompts, so that a fixed sentence is synthesised once.",
)
