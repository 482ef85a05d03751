"""Experiments of campaigns: their plan, what came of them, and which lead is in which arm."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Float, Integer, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY

from voice_ai.db.schema.base import METADATA, document, moment, ref, uuid_key
from voice_ai.db.schema.lake import stamp, stamp_index

experiments = Table(
    "experiments",
    METADATA,
    uuid_key(),
    ref("campaign_id", "campaigns.id", "the campaign"),
    Column("name", Text, nullable=False, comment="short name"),
    document("arms", "arm names with their shares"),
    moment("started_at", "start"),
    moment("stopped_at", "end"),
    Column(
        "metric",
        Text,
        nullable=False,
        server_default="goals_per_assigned_lead",
        comment="what is compared: goals_per_assigned_lead",
    ),
    Column("baseline", Float, comment="the control's share as expected, 0 to 1; NULL: unknown"),
    Column("minimal_effect", Float, comment="least absolute difference worth finding"),
    Column("alpha", Float, comment="chance to see a difference where there is none"),
    Column("power", Float, comment="chance to see the minimal effect where it is"),
    Column(
        "guardrails",
        ARRAY(Text),
        nullable=False,
        server_default="{}",
        comment="what an arm must not make worse: opt_outs, hang_ups",
    ),
    Column(
        "stop",
        Text,
        nullable=False,
        server_default="automatic",
        comment="who ends it: automatic, by hand; an arm that does harm always ends it",
    ),
    Column("planned_n", Integer, comment="leads per arm at which it may be given up; NULL: no end"),
    document("verdict", "what was found at the last look: kind, arm, why, figures"),
    moment("judged_at", "when it was last looked at; NULL: never"),
    Column("stopped_reason", Text, comment="why it ended; NULL: it goes on"),
    Column("stopped_by", Text, comment="who ended it: a login, or the flow"),
    Column("winner", Text, comment="arm that new leads hear since; NULL: the control"),
    Column(
        "harmful",
        ARRAY(Text),
        nullable=False,
        server_default="{}",
        comment="arms nobody hears any more, not even leads that are in them",
    ),
    CheckConstraint("stop IN ('automatic','by hand')", name="stop"),
    comment="A comparison of script or pacing versions.",
)

assignments = Table(
    "assignments",
    METADATA,
    ref("experiment_id", "experiments.id", "the experiment", primary_key=True),
    ref("lead_id", "leads.id", "the lead", primary_key=True),
    Column("arm", Text, nullable=False, comment="sticky over retries"),
    moment("assigned_at", "when", nullable=False),
    stamp(),
    Column("stratum", Text, comment="list and first time zone it was shared out in; NULL: none"),
    stamp_index("assignments"),
    comment="Which lead is in which arm.",
)

assignment_strata = Table(
    "assignment_strata",
    METADATA,
    ref("experiment_id", "experiments.id", "the experiment", primary_key=True),
    Column("stratum", Text, primary_key=True, comment="list (lead_lists.id) / first time zone"),
    Column("shares", Text, primary_key=True, comment="arms with their shares, JSON"),
    Column("drawn", BigInteger, nullable=False, comment="leads that got an arm here"),
    comment="How many leads of a stratum have an arm; the next one's follows from it.",
)
