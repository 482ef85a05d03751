"""Candidates on their way to being champion: where each stands, and every step it took."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    Identity,
    Index,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from voice_ai.db.schema.base import METADATA, document, moment, ref

_STAGES = "('shadow','canary')"

rollouts = Table(
    "rollouts",
    METADATA,
    Column("id", BigInteger, Identity(), primary_key=True, comment="row id"),
    Column("task", Text, nullable=False, comment="intent, emotion …"),
    Column("model_name", Text, nullable=False, comment="registered name"),
    Column("model_version", Text, nullable=False, comment="the candidate"),
    Column("champion_version", Text, comment="what it is held against; NULL: nothing was served"),
    Column("stage", Text, nullable=False, comment="shadow or canary; of an ended one, its last"),
    Column("share", Float, nullable=False, comment="percent of the calls it answers; shadow: 0"),
    Column("campaigns", ARRAY(Text), comment="ids of campaigns it may touch; NULL: all"),
    Column("rehearsal", Boolean, nullable=False, comment="judged by calls at the simulator"),
    moment("stage_since", "since when it is at this stage and share", nullable=False),
    Column("started_by", Text, nullable=False, comment="who"),
    moment("started_at", "when", nullable=False),
    moment("looked_at", "when it was last judged"),
    document("standing", "the last judgement with its figures"),
    Column("outcome", Text, comment="champion, rolled_back, stopped; NULL: under way"),
    Column("why", Text, comment="one sentence on the outcome"),
    moment("ended_at", "when it was over"),
    CheckConstraint(f"stage IN {_STAGES}", name="stage"),
    CheckConstraint("outcome IN ('champion','rolled_back','stopped')", name="outcome"),
    CheckConstraint("(outcome IS NULL) = (ended_at IS NULL)", name="ended"),
    CheckConstraint("share >= 0 AND share <= 100", name="share"),
    Index("uq_rollouts_open", "task", unique=True, postgresql_where=text("ended_at IS NULL")),
    comment="One candidate from its first shadow turn to its outcome; one at a time of a task.",
)

rollout_steps = Table(
    "rollout_steps",
    METADATA,
    Column("id", BigInteger, Identity(), primary_key=True, comment="row id"),
    ref("rollout_id", "rollouts.id", "whose", index=True),
    Column("decision", Text, nullable=False, comment="start, advance, roll_back, stop"),
    Column("stage", Text, comment="where it is after it; NULL: nowhere, it is over"),
    Column("share", Float, comment="percent of the calls after it; NULL: it is over"),
    Column("why", Text, nullable=False, comment="one sentence"),
    document("evidence", "the figures by which it was decided", nullable=False),
    Column("decided_by", Text, nullable=False, comment="who; judge: by itself"),
    moment("decided_at", "when", nullable=False),
    CheckConstraint("decision IN ('start','advance','roll_back','stop')", name="decision"),
    comment="Every step of a rollout with its evidence; append-only.",
)
