"""Dials and what became of them: attempts, calls, events, turns, recordings, outcomes, costs."""

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
    Numeric,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import UUID

from voice_ai.db.schema.base import METADATA, document, moment, ref, sealed, uuid_key
from voice_ai.db.schema.lake import WRITTEN, stamp, stamp_index

OWN_ANSWER_CLASS = (
    "by our own ears: human, machine, screening, ivr, fax, unknown; NULL: too short to tell"
)

workers = Table(
    "workers",
    METADATA,
    uuid_key(),
    Column("kind", Text, nullable=False, comment="dialer, server, app, flows, simulator"),
    Column("host", Text, nullable=False, comment="machine it runs on"),
    Column("pid", Integer, nullable=False, comment="its process id there"),
    Column(
        "lock_key",
        BigInteger,
        nullable=False,
        comment="advisory lock it holds while it lives and reaches the database",
    ),
    moment("started_at", "start", nullable=False),
    moment("seen_at", "last heartbeat", nullable=False),
    moment("stopped_at", "clean end"),
    document("vitals", "CPU, memory and what else it says of itself; NULL: nothing yet"),
    comment="Processes: their heartbeats prove them alive, their lost locks prove them dead.",
)

attempts = Table(
    "attempts",
    METADATA,
    Column("id", UUID(as_uuid=True), primary_key=True, comment="made by the dialer beforehand"),
    Column("month", Date, nullable=False, comment="first day of the month of its intent (UTC)"),
    ref("campaign_id", "campaigns.id", "the campaign"),
    ref("lead_id", "leads.id", "the lead", index=True),
    ref("number_id", "numbers.id", "the number dialed"),
    Column("attempt_no", Integer, nullable=False, comment="1, 2, 3 … for campaign, lead, number"),
    Column("caller_id_number", BigInteger, nullable=False, comment="numbers.id shown"),
    ref("worker_id", "workers.id", "the dialer that intends it"),
    Column(
        "state",
        Text,
        nullable=False,
        comment="intended, unknown, placed, ringing, in_progress, ended",
    ),
    Column("event_seq", Integer, nullable=False, comment="events written so far"),
    Column("version", BigInteger, nullable=False, comment="counts changes, for the lake"),
    moment("slot_at", "when its turn at the carrier is (pacing)", nullable=False),
    moment("intended_at", "when the intent was committed", nullable=False),
    moment("sent_at", "when the request was handed to the carrier's library"),
    moment("placed_at", "when the carrier accepted it"),
    moment("rang_at", "when the carrier first said that it rang; NULL: it did not"),
    moment("answered_at", "when it was picked up"),
    Column("first_audio_ms", Float, comment="from answer to our first audio; NULL: unmeasured"),
    moment("ended_at", "when its one terminal event was written"),
    moment("heard_at", "last sign of life: a callback or an answer from the carrier"),
    moment("checked_at", "when the reconciler last asked the carrier"),
    Column("carrier_status", Text, comment="the carrier's own last word, as it stood"),
    Column("answer_class", Text, comment="human, machine, fax, unknown; NULL: nobody said"),
    Column("own_answer_class", Text, comment=OWN_ANSWER_CLASS),
    Column("own_answer_confidence", Float, comment="how sure we are of that, 0 to 1"),
    Column("own_answer_at_ms", Float, comment="audio from pick-up to that verdict"),
    Column("outcome", Text, comment="disposition that the conversation itself arrived at"),
    Column("end_reason", Text, comment="who or what ended it"),
    Column("disposition", Text, comment="business outcome (dispositions.code)"),
    Column("ended_by", Text, comment="callback, reconciler or dialer: who brought the end"),
    Column("late", Boolean, nullable=False, comment="called after it was given up; cancelled"),
    Column("rehearsal", Boolean, nullable=False, comment="at the simulator"),
    stamp("transaction that wrote it last once it had ended, before: that added it"),
    Column(
        "settled_xid",
        BigInteger,
        comment="transaction in which it ended; NULL: it is live. An older one is in the lake",
    ),
    stamp_index("attempts"),
    UniqueConstraint("campaign_id", "lead_id", "number_id", "attempt_no"),
    CheckConstraint(
        "state IN ('intended','unknown','placed','ringing','in_progress','ended')",
        name="state",
    ),
    Index(
        "uq_attempts_live_number",
        "number_id",
        unique=True,
        postgresql_where=text("state <> 'ended'"),
    ),
    Index("ix_attempts_live", "campaign_id", postgresql_where=text("state <> 'ended'")),
    Index("ix_attempts_number_time", "number_id", "intended_at"),
    Index("ix_attempts_campaign_time", "campaign_id", "intended_at"),
    Index("ix_attempts_caller_id_time", "caller_id_number", "intended_at"),
    Index("ix_attempts_ended", "ended_at", postgresql_where=text("state = 'ended'")),
    Index(
        "ix_attempts_answered",
        "campaign_id",
        "answered_at",
        postgresql_include=["disposition", "first_audio_ms", "number_id"],
        postgresql_where=text("answered_at IS NOT NULL"),
    ),
    comment="One dial each. A number has at most one that has not ended.",
)

calls = Table(
    "calls",
    METADATA,
    Column("carrier_sid", Text, primary_key=True, comment="the carrier's id of the call"),
    ref("attempt_id", "attempts.id", "our dial", index=True),
    Column("carrier", Text, nullable=False, comment="which carrier"),
    Column("status", Text, nullable=False, comment="carrier status, monotonic"),
    Column("last_sequence", Integer, comment="highest callback sequence applied"),
    Column("answered_by", Text, comment="the carrier's answering-machine verdict as it stood"),
    Column("detection_ms", Float, comment="time to that verdict"),
    Column("duration_s", Float, comment="the carrier's duration; NULL while unknown"),
    Column("queue_time_ms", Float, comment="time in the carrier's queue, as announced"),
    Column("sip_code", Integer, comment="final SIP response"),
    Column("error_code", Integer, comment="the carrier's error"),
    moment("created_at", "first heard of", nullable=False),
    moment("updated_at", "last change", nullable=False),
    stamp(WRITTEN),
    stamp_index("calls"),
    comment="The carrier's object for an attempt.",
)

call_events = Table(
    "call_events",
    METADATA,
    Column("month", Date, nullable=False, comment="the attempt's month: the partition"),
    Column("attempt_id", UUID(as_uuid=True), nullable=False, comment="the dial"),
    Column("seq", Integer, nullable=False, comment="order within the attempt"),
    Column("kind", Text, nullable=False, comment="type, see docs/events.md"),
    Column("key", Text, nullable=False, comment="what makes it the same event when told again"),
    document("payload", "fields of the type; never personal data", nullable=False),
    moment("occurred_at", "when it happened", nullable=False),
    moment("recorded_at", "when it was written", nullable=False, now=True),
    PrimaryKeyConstraint("month", "attempt_id", "key"),
    Index("ix_call_events_kind", "kind", "occurred_at"),
    comment="Append-only, typed; a terminal event has the key 'terminal', so there is one.",
    postgresql_partition_by="RANGE (month)",
)

turns = Table(
    "turns",
    METADATA,
    ref("attempt_id", "attempts.id", "the dial", primary_key=True),
    Column("index", Integer, primary_key=True, comment="0, 1, 2 … in the call"),
    Column("speaker", Text, nullable=False, comment="agent or caller"),
    Column("node", Text, comment="script node"),
    Column("prompt_key", Text, comment="which fixed prompt; NULL when free or heard"),
    sealed("text_sealed", "what was said"),
    Column("text_redacted", Text, comment="what was said, without names and numbers"),
    Column("heard_fraction", Float, comment="share of an agent turn that was played out, 0–1"),
    Column("interrupted", Boolean, comment="agent turn: the person spoke over it"),
    moment("started_at", "first audio", nullable=False),
    moment("ended_at", "last audio", nullable=False),
    Column("endpoint_ms", Float, comment="end of speech to end-of-turn decision"),
    Column("stt_tail_ms", Float, comment="end-of-turn decision to final transcript"),
    Column("mind_ms", Float, comment="final transcript to what to say"),
    Column("tts_first_byte_ms", Float, comment="text to first synthesised byte; NULL when cached"),
    Column("response_ms", Float, comment="end of the person's speech to first audio sent"),
    stamp(WRITTEN),
    stamp_index("turns"),
    CheckConstraint("speaker IN ('agent','caller')", name="speaker"),
    comment="Who said what, when, and how long each stage took; unmeasured is NULL.",
)

model_predictions = Table(
    "model_predictions",
    METADATA,
    Column("attempt_id", UUID(as_uuid=True), primary_key=True, comment="the dial"),
    Column("turn_index", Integer, primary_key=True, comment="the turn"),
    Column("task", Text, primary_key=True, comment="intent, emotion …"),
    Column("model_name", Text, nullable=False, comment="registered name, or keywords"),
    Column("model_version", Text, nullable=False, comment="registry version"),
    Column("label", Text, nullable=False, comment="what it heard"),
    Column("score", Float, comment="probability; NULL where the source gives none"),
    document("scores", "every label's probability"),
    Column("latency_us", Float, comment="inference time"),
    moment("predicted_at", "when", nullable=False),
    Column(
        "slot",
        Text,
        comment="whose answer in a call of a canary: champion or challenger; NULL: no such call",
    ),
    stamp(),
    stamp_index("model_predictions"),
    comment="What a model said of a turn, and which version said it.",
)

shadow_predictions = Table(
    "shadow_predictions",
    METADATA,
    Column("id", BigInteger, Identity(), primary_key=True, comment="row id"),
    Column("attempt_id", UUID(as_uuid=True), nullable=False, comment="the dial"),
    Column("turn_index", Integer, nullable=False, comment="the turn"),
    Column("task", Text, nullable=False, comment="intent, emotion …"),
    Column("model_name", Text, nullable=False, comment="registered name"),
    Column("model_version", Text, nullable=False, comment="registry version"),
    Column("label", Text, nullable=False, comment="what it would have heard"),
    Column("score", Float, comment="probability"),
    moment("predicted_at", "when", nullable=False),
    Column("slot", Text, nullable=False, comment="shadow, or challenger: in a canary"),
    Column("champion_version", Text, comment="registry version it is held against, or 1"),
    Column("champion_label", Text, comment="what that heard; NULL: nothing"),
    Column("champion_score", Float, comment="probability; NULL: it gives none"),
    Column("acted_on", Boolean, nullable=False, comment="the call went by the candidate's word"),
    Index("ix_shadow_predictions_version", "task", "model_version", "predicted_at"),
    comment="What a candidate said of a turn beside the champion, in the shadow or as challenger.",
)

gate_results = Table(
    "gate_results",
    METADATA,
    Column("id", BigInteger, Identity(), primary_key=True, comment="row id"),
    Column("task", Text, nullable=False, comment="intent, emotion …"),
    Column("model_name", Text, nullable=False, comment="registered name"),
    Column("model_version", Text, nullable=False, comment="registry version"),
    Column("artifact_sha256", Text, nullable=False, comment="what exactly was judged"),
    Column("passed", Boolean, nullable=False, comment="may carry an alias"),
    document("checks", "each check with its figure and its limit"),
    moment("judged_at", "when", nullable=False),
    comment="An alias is honoured only for a version that passed.",
)

recordings = Table(
    "recordings",
    METADATA,
    Column("recording_sid", Text, primary_key=True, comment="the carrier's id"),
    ref("attempt_id", "attempts.id", "the dial", index=True),
    Column("status", Text, nullable=False, comment="in-progress, completed, absent, failed"),
    Column("duration_s", Float, comment="length"),
    Column("channels", Integer, comment="1 or 2"),
    Column("path", Text, comment="sealed file under the home; NULL while at the carrier"),
    moment("created_at", "when", nullable=False),
    moment("purged_at", "when retention removed it"),
    comment="Audio of calls.",
)

qa_scores = Table(
    "qa_scores",
    METADATA,
    Column("id", BigInteger, Identity(), primary_key=True, comment="row id"),
    ref("attempt_id", "attempts.id", "the call that was judged", index=True),
    Column("scorer", Text, nullable=False, comment="human or auto"),
    Column("scored_by", Text, nullable=False, comment="who; auto: what judged"),
    Column("card", Text, nullable=False, comment="the scorecard's name"),
    Column("card_version", Integer, nullable=False, comment="and its version"),
    document("gates", "gate to pass, fail or n/a; null: not known", nullable=False),
    document("scores", "item to 0–1; null: not judged", nullable=False),
    Column("total", Float, comment="0–100 over the judged items; NULL: none was judged"),
    Column("passed", Boolean, comment="false: a gate failed; NULL: no gate was judged"),
    Column("note", Text, comment="what the listener wrote"),
    moment("scored_at", "when", nullable=False),
    stamp(),
    stamp_index("qa_scores"),
    CheckConstraint("scorer IN ('human','auto')", name="scorer"),
    comment="How calls sounded, by scorecard; never changed, the newest of a scorer counts.",
)

dispositions = Table(
    "dispositions",
    METADATA,
    Column("code", Text, primary_key=True, comment="stable code"),
    Column("label", Text, nullable=False, comment="for people"),
    *(
        Column(flag, Boolean, nullable=False, comment=comment)
        for flag, comment in (
            ("reached_carrier", "the carrier took the dial"),
            ("answered", "anything picked up"),
            ("human_answered", "a person picked up"),
            ("machine", "a machine picked up"),
            ("conversed", "a conversation took place"),
            ("goal", "the campaign's goal was reached"),
            ("dnc", "must not be called again"),
            ("scheduled_callback", "asked to be called at another time"),
            ("unworkable", "this number is of no use"),
            ("terminal", "the lead is finished in this campaign"),
        )
    ),
    comment="Business outcomes; every rate is computed from the flags.",
)

prices = Table(
    "prices",
    METADATA,
    Column("id", Integer, Identity(), primary_key=True, comment="row id"),
    Column("item", Text, nullable=False, comment="carrier_minute, tts_character, stt_minute …"),
    Column("country", Text, comment="NULL: everywhere"),
    Column("amount", Numeric(12, 6), nullable=False, comment="per unit"),
    Column("currency", Text, nullable=False, comment="ISO 4217"),
    moment("valid_from", "in force from", nullable=False),
    moment("valid_to", "in force until"),
    comment="What things cost, with dates.",
)

cost_lines = Table(
    "cost_lines",
    METADATA,
    Column("id", BigInteger, Identity(), primary_key=True, comment="row id"),
    ref("attempt_id", "attempts.id", "the dial", index=True),
    ref("price_id", "prices.id", "the price used; NULL: unknown", nullable=True),
    Column("item", Text, nullable=False, comment="what was used"),
    Column("quantity", Float, nullable=False, comment="how much"),
    Column("amount", Numeric(12, 6), comment="NULL where the price is unknown, never 0"),
    Column("currency", Text, comment="ISO 4217"),
    moment("created_at", "when", nullable=False),
    comment="Cost of an attempt, leg by leg.",
)

carrier_pace = Table(
    "carrier_pace",
    METADATA,
    Column("account", Text, primary_key=True, comment="the carrier account"),
    moment("next_slot_at", "earliest moment of the next dial", nullable=False),
    comment="Calls per second over all workers: slots are handed out in the claim transaction.",
)

carrier_limits = Table(
    "carrier_limits",
    METADATA,
    Column("account", Text, primary_key=True, comment="the carrier account"),
    Column(
        "max_concurrent", Integer, comment="live calls at once over all campaigns; NULL: no cap"
    ),
    Column("calls_per_second", Float, comment="new calls a second over all; NULL: the default"),
    Column("daily_spend", Numeric(12, 2), comment="most that 24 hours may cost; NULL: no cap"),
    Column("per_minute", Numeric(12, 6), comment="what a started minute costs; with daily_spend"),
    Column("set_by", Text, nullable=False, comment="who"),
    moment("set_at", "when", nullable=False),
    comment="What an account may do, whatever its campaigns ask for.",
)
