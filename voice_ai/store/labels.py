"""Turns drawn for people to label, their labels, and what goes into the next training."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby

from voice_ai.db import queries
from voice_ai.db.connect import Db, Row
from voice_ai.errors import BadInput, NotFound
from voice_ai.labelling.sampling import BANDS, SIZE, Stratum, allocate
from voice_ai.labelling.standing import Said, Standing, check, standing

_SQL = queries("labels")
MOST_NAME = 60


@dataclass(frozen=True)
class Sample:
    """The turns of one week that were drawn for one task."""

    task: str
    week: date
    rehearsal: bool


@dataclass(frozen=True)
class Turn:
    """A turn to be labelled; `agent` is what the agent said before it, None: nothing."""

    id: int
    text: str
    agent: str | None
    node: str | None


@dataclass(frozen=True)
class Labelled:
    """A drawn turn with all its labels."""

    id: int
    text: str
    agent: str | None
    said: tuple[Said, ...]

    @property
    def standing(self) -> Standing:
        return standing(self.said)


def draw(
    db: Db,
    sample: Sample,
    *,
    seed: str,
    now: datetime,
    size: int = SIZE,
    until: datetime | None = None,
) -> int:
    """Draws the week's turns, once; how many. 0: it was drawn before, or nothing was said.

    `until` cuts a week that is not over. The same turns and seed give the same sample.
    """
    begun = datetime.combine(sample.week, time(), UTC)
    ended = begun + timedelta(days=7)
    asked = {
        **vars(sample),
        "since": begun,
        "until": ended if until is None else min(ended, until),
        "bands": list(BANDS),
        "seed": f"{seed} {sample.task} {sample.week:%F} ",
        "now": now,
    }
    with db.transaction():
        db.execute("SELECT pg_advisory_xact_lock(hashtext('voice_ai label_samples'))")
        before = db.execute(_SQL.drawn, asked).fetchone()
        if before and before["n"]:
            return 0
        strata = [
            Stratum(r["label"], r["band"], r["turns"]) for r in db.execute(_SQL.strata, asked)
        ]
        takes = allocate(strata, size)
        values = {
            **asked,
            "labels": [one.label for one in strata],
            "band_of": [one.band for one in strata],
            "takes": takes,
        }
        return db.execute(_SQL.draw, values).rowcount


def weeks(db: Db, task: str, *, rehearsal: bool) -> list[Row]:
    """`week` and `turns` of every sample, the newest first."""
    return db.execute(_SQL.weeks, {"task": task, "rehearsal": rehearsal}).fetchall()


def next_turn(db: Db, sample: Sample, labeller: str, skipped: Sequence[int] = ()) -> Turn | None:
    """What that person should label now, the skipped ones last; None: nothing is left for them.

    Raises BadInput.
    """
    asked = {**vars(sample), "labeller": named(labeller), "skipped": list(skipped)}
    row = db.execute(_SQL.next_turn, asked).fetchone()
    if row is None:
        return None
    return Turn(row["id"], row["text"], row["agent"], row["node"])


def turns_of(db: Db, sample: Sample) -> list[Labelled]:
    """All turns of a sample with their labels, in the order in which they are shown."""
    rows = db.execute(_SQL.labels_of_week, vars(sample)).fetchall()
    return [
        Labelled(number, found[0]["text"], found[0]["agent"], _said(found))
        for number, found in _by_turn(rows)
    ]


def label(
    db: Db,
    sample_id: int,
    value: str | None,
    *,
    by: str,
    now: datetime,
    labels: Sequence[str],
    decides: bool = False,
) -> None:
    """Adds one person's word on a turn; None: could not tell.

    Raises BadInput for a label that is not among `labels` or for no name, NotFound, and Refused
    when their word is not wanted (any more).
    """
    if value is not None and value not in labels:
        raise BadInput(f"{value!r} is not a label here; choose one of {', '.join(labels)}")
    with db.transaction():
        db.execute(_SQL.lock_turn, {"sample_id": sample_id})
        if db.execute(_SQL.task_of, {"sample_id": sample_id}).fetchone() is None:
            raise NotFound("this turn is no longer in a sample; go on with the next")
        before = db.execute(_SQL.standing_of, {"sample_id": sample_id}).fetchall()
        who = named(by)
        check(_said(before), who, decides=decides)
        values = {"sample_id": sample_id, "labeller": who, "label": value, "decides": decides}
        db.execute(_SQL.insert_label, {**values, "now": now})


def take_back(db: Db, sample: Sample, *, by: str, now: datetime) -> int | None:
    """Withdraws that person's newest label in the sample; the turn's id, None: there is none."""
    with db.transaction():
        row = db.execute(
            _SQL.withdraw_last, {**vars(sample), "labeller": named(by), "now": now}
        ).fetchone()
    return None if row is None else int(row["sample_id"])


def agreed_texts(db: Db, task: str, *, rehearsal: bool) -> list[tuple[str, str]]:
    """(redacted text, label) of every turn with an agreed label, of people who were not erased."""
    rows = db.execute(_SQL.labels_of_task, {"task": task, "rehearsal": rehearsal}).fetchall()
    found = []
    for _, labels in _by_turn(rows):
        settled = standing(_said(labels)).label
        if settled is not None:
            found.append((str(labels[0]["text"]), settled))
    return found


def named(labeller: str) -> str:
    """The name that labels are kept under. Raises BadInput for none."""
    name = " ".join(labeller.split())[:MOST_NAME].casefold()
    if not name:
        raise BadInput("say who labels; two people's labels are compared")
    return name


def _by_turn(rows: Sequence[Row]) -> list[tuple[int, list[Row]]]:
    return [(number, list(found)) for number, found in groupby(rows, key=lambda row: row["id"])]


def _said(rows: Sequence[Row]) -> tuple[Said, ...]:
    return tuple(
        Said(row["labeller"], row["label"], row["decides"])
        for row in rows
        if row["labeller"] is not None
    )
