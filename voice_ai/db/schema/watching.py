"""Models in production: what is measured of them day by day, and what people say of their turns."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Float,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from voice_ai.db.schema.base import METADATA, document, moment, ref

model_watch = Table(
    "model_watch",
    METADATA,
    Column("day", Date, primary_key=True, comment="the day (UTC) up to whose end was measured"),
    Column("rehearsal", Boolean, primary_key=True, comment="turns at the simulator, or live ones"),
    Column("task", Text, primary_key=True, comment="intent, emotion …"),
    Column(
        "model_version", Text, primary_key=True, comment="registry version; any: of no single one"
    ),
    Column("measure", Text, primary_key=True, comment="psi_score, missing, accuracy …"),
    Column("value", Float, comment="NULL: could not be computed"),
    Column("low", Float, comment="lower 95 % bound; NULL: none is computed"),
    Column("high", Float, comment="upper 95 % bound; NULL: none is computed"),
    Column("n", Integer, nullable=False, comment="turns (words, labels) it rests on"),
    Column("verdict", Text, nullable=False, comment="stable, watch, act, too_few"),
    Column("reference", Text, comment="held against: held-out, first turns; NULL: nothing"),
    document("detail", "shares by bin or label, of the reference and now", nullable=False),
    moment("made_at", "when the flow last measured it", nullable=False),
    CheckConstraint("verdict IN ('stable','watch','act','too_few')", name="verdict"),
    comment="Drift of served models, measured by a flow once a day; the same day is replaced.",
)

model_references = Table(
    "model_references",
    METADATA,
    Column("task", Text, primary_key=True, comment="intent, emotion …"),
    Column("model_version", Text, primary_key=True, comment="registry version"),
    Column("rehearsal", Boolean, primary_key=True, comment="turns at the simulator, or live ones"),
    document("reference", "counts by bin and label of its first turns", nullable=False),
    moment("until", "end of the last call in it: later ones are held against it", nullable=False),
    moment("made_at", "when", nullable=False),
    comment="What a version said in its first turns of calls; fixed once they are enough.",
)

label_samples = Table(
    "label_samples",
    METADATA,
    Column("id", BigInteger, Identity(), primary_key=True, comment="row id"),
    Column("task", Text, nullable=False, comment="what is to be labelled"),
    Column("week", Date, nullable=False, comment="Monday of the week (UTC) of the turns"),
    Column("rehearsal", Boolean, nullable=False, comment="turns at the simulator, or live ones"),
    ref("attempt_id", "attempts.id", "the dial", index=True),
    Column("turn_index", Integer, nullable=False, comment="the turn"),
    Column("place", Integer, nullable=False, comment="order in which it is shown, by chance"),
    Column("stratum", Text, nullable=False, comment="predicted label and band of its score"),
    Column("weight", Float, nullable=False, comment="turns it stands for: one over its chance"),
    Column("model_name", Text, nullable=False, comment="whose answer is checked"),
    Column("model_version", Text, nullable=False, comment="and which version"),
    Column("predicted", Text, nullable=False, comment="what it heard; never shown to a labeller"),
    Column("score", Float, nullable=False, comment="with which probability"),
    moment("drawn_at", "when", nullable=False),
    UniqueConstraint("task", "week", "rehearsal", "attempt_id", "turn_index"),
    comment="Turns of a week drawn to be labelled by people.",
)

turn_labels = Table(
    "turn_labels",
    METADATA,
    Column("id", BigInteger, Identity(), primary_key=True, comment="row id"),
    ref("sample_id", "label_samples.id", "the drawn turn"),
    Column("labeller", Text, nullable=False, comment="who"),
    Column("label", Text, comment="what they heard; NULL: could not tell"),
    Column("decides", Boolean, nullable=False, comment="settles a disagreement of two others"),
    moment("labelled_at", "when", nullable=False),
    moment("withdrawn_at", "taken back"),
    Index(
        "uq_turn_labels_standing",
        "sample_id",
        "labeller",
        unique=True,
        postgresql_where=text("withdrawn_at IS NULL"),
    ),
    comment="What people heard in drawn turns, blind to the model and to each other.",
)

turn_scores = Table(
    "turn_scores",
    METADATA,
    Column(
        "attempt_id",
        ForeignKey("attempts.id"),
        primary_key=True,
        nullable=False,
        comment="the dial",
    ),
    Column("turn_index", Integer, primary_key=True, comment="the turn"),
    Column("task", Text, primary_key=True, comment="intent, emotion …"),
    Column("model_version", Text, primary_key=True, comment="registry version"),
    Column("model_name", Text, nullable=False, comment="registered name"),
    Column("label", Text, nullable=False, comment="what it hears"),
    Column("score", Float, nullable=False, comment="probability"),
    moment("scored_at", "when", nullable=False),
    comment="Turns scored afterwards by a flow, so that old calls are told by one version.",
)
