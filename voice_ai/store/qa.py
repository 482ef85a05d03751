"""Listening: the conversations of a day with their automatic scores, and what people score."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Literal
from uuid import UUID

from psycopg.types.json import Jsonb

from voice_ai.conversation.notice import notice_of
from voice_ai.conversation.script import load_script
from voice_ai.db import queries
from voice_ai.db.connect import Db, Row
from voice_ai.errors import BadInput
from voice_ai.qa.agreement import Agreement, agreement
from voice_ai.qa.auto import SCORER, CallFacts, TurnFact, auto_gates, auto_scores
from voice_ai.qa.card import Card, GateMark, Gates, Judgement, Scores, judge
from voice_ai.qa.sampling import Candidate, Pick, sample
from voice_ai.transports import for_transport

MOST_CALLS = 3_000
MOST_NOTE = 2_000
_SQL = queries("qa")
Scorer = Literal["human", "auto"]


@dataclass(frozen=True)
class AutoScored:
    """One conversation, judged by facts alone."""

    row: Row
    gates: Mapping[str, GateMark | None]
    scores: Mapping[str, float | None]
    judgement: Judgement

    @property
    def attempt_id(self) -> UUID:
        return UUID(str(self.row["attempt_id"]))

    @property
    def candidate(self) -> Candidate:
        row = self.row
        return Candidate(
            self.attempt_id,
            self.judgement.total,
            self.judgement.passed is False,
            row["opted_out"],
            row["seconds"],
            row["negative"],
            row["value"],
        )


@dataclass(frozen=True)
class Listening:
    """`calls` are those of the day, by id; `picks` whom somebody should listen to."""

    day: date
    calls: Mapping[UUID, AutoScored]
    picks: tuple[Pick, ...]


def listening(db: Db, card: Card, day: date, *, rehearsal: bool) -> Listening:
    """Every conversation of the day is judged by facts; the day is the seed of the sample."""
    calls = _judged(db, card, day=day, rehearsal=rehearsal)
    picks = sample([call.candidate for call in calls.values()], f"{day:%F}")
    return Listening(day, calls, picks)


def score_by_facts(
    db: Db, card: Card, attempt_ids: list[UUID], *, rehearsal: bool, now: datetime
) -> int:
    """Keeps what facts say of these conversations as automatic scores; how many were judged."""
    if not attempt_ids:
        return 0
    calls = _judged(db, card, attempt_ids=attempt_ids, rehearsal=rehearsal)
    with db.transaction():
        for call in calls.values():
            _save_auto(db, card, call, now)
    return len(calls)


def _judged(
    db: Db,
    card: Card,
    *,
    rehearsal: bool,
    day: date | None = None,
    attempt_ids: list[UUID] | None = None,
) -> dict[UUID, AutoScored]:
    asked = {"day": day, "attempt_ids": attempt_ids, "rehearsal": rehearsal, "most": MOST_CALLS}
    with db.transaction():
        rows = db.execute(_SQL.conversations_of_day, asked).fetchall()
        ids = {"attempt_ids": [row["attempt_id"] for row in rows]}
        turns: dict[UUID, list[TurnFact]] = {row["attempt_id"]: [] for row in rows}
        for one in db.execute(_SQL.turns_of_day, ids):
            turns[one.pop("attempt_id")].append(TurnFact(**one))
    return {
        row["attempt_id"]: _auto_scored(card, row, tuple(turns[row["attempt_id"]])) for row in rows
    }


def last_day(db: Db, *, rehearsal: bool) -> date | None:
    """The newest day with a conversation."""
    row = db.execute(_SQL.last_day, {"rehearsal": rehearsal}).fetchone()
    return None if row is None else row["day"]


def save_score(
    db: Db,
    card: Card,
    attempt_id: UUID,
    *,
    scorer: Scorer,
    by: str,
    gates: Gates,
    scores: Scores,
    note: str | None,
    now: datetime,
) -> Judgement:
    """Adds a score; nothing is overwritten. Raises BadInput."""
    judgement = judge(card, gates, scores)
    if scorer == "human" and judgement.judged == 0 and not any(gates.values()):
        raise BadInput("nothing is judged yet: mark a gate or an item")
    values = {
        "attempt_id": attempt_id,
        "scorer": scorer,
        "scored_by": by,
        "card": card.name,
        "card_version": card.version,
        "gates": Jsonb({gate.key: gates.get(gate.key) for gate in card.gates}),
        "scores": Jsonb({item.key: scores.get(item.key) for item in card.items}),
        "total": judgement.total,
        "passed": judgement.passed,
        "note": (note or "").strip()[:MOST_NOTE] or None,
        "scored_at": now,
    }
    db.execute(_SQL.insert_score, values)
    return judgement


def save_with_auto(
    db: Db,
    card: Card,
    call: AutoScored,
    *,
    by: str,
    gates: Gates,
    scores: Scores,
    note: str | None,
    now: datetime,
) -> Judgement:
    """A person's score, and beside it what facts said, so that the two can be compared."""
    with db.transaction():
        judgement = save_score(
            db,
            card,
            call.attempt_id,
            scorer="human",
            by=by,
            gates=gates,
            scores=scores,
            note=note,
            now=now,
        )
        _save_auto(db, card, call, now)
    return judgement


def _save_auto(db: Db, card: Card, call: AutoScored, now: datetime) -> None:
    save_score(
        db,
        card,
        call.attempt_id,
        scorer="auto",
        by=SCORER,
        gates=call.gates,
        scores=call.scores,
        note=None,
        now=now,
    )


def scores_of(db: Db, attempt_ids: list[UUID]) -> list[Row]:
    """The newest score of each scorer of these calls."""
    return db.execute(_SQL.scores_of, {"attempt_ids": attempt_ids}).fetchall()


def agreements(db: Db, card: Card) -> dict[str, Agreement]:
    """`people`: two listeners; `facts`: a listener and the facts. Over gates that both judged."""
    pairs: dict[str, list[tuple[str, str]]] = {"people": [], "facts": []}
    asked: dict[str, Any] = {"card": card.name, "card_version": card.version}
    for row in db.execute(_SQL.scored_twice, asked):
        kinds = {row["scorer"], row["other"]}
        if kinds == {"auto"}:
            continue
        both = ((mark, row["others"].get(gate)) for gate, mark in sorted(row["gates"].items()))
        pairs["people" if kinds == {"human"} else "facts"] += [
            (one, other) for one, other in both if one is not None and other is not None
        ]
    return {kind: agreement(found) for kind, found in pairs.items()}


def _auto_scored(card: Card, row: Row, turns: tuple[TurnFact, ...]) -> AutoScored:
    start, opening, notice = _opening(row["script"], row["script_name"], row["transport"])
    facts = CallFacts(
        start=start,
        opening=opening,
        notice=notice,
        turns=turns,
        opted_out=row["opted_out"],
        suppressed=row["suppressed"],
        dialed_after_opt_out=row["dialed_after"],
        allowed=row["allowed"],
        refused_hours=row["refused_hours"],
        disposition=row["disposition"],
        end_reason=row["end_reason"],
    )
    keys = {gate.key for gate in card.gates} | {item.key for item in card.items}
    gates = {key: mark for key, mark in auto_gates(facts).items() if key in keys}
    scores = {key: score for key, score in auto_scores(facts).items() if key in keys}
    return AutoScored(row, gates, scores, judge(card, gates, scores))


@lru_cache(maxsize=64)
def _opening(
    script: str, name: str, transport: str
) -> tuple[str | None, tuple[str, ...], str | None]:
    """Start node, the parts of its opening, which of them is the notice; nothing when the stored

    script is not one that can be read any more.
    """
    try:
        read = for_transport(load_script(script, source=name), transport)
    except BadInput:
        return None, (), None
    parts = tuple(part for part, _ in read.nodes[read.start].opening)
    return read.start, parts, notice_of(read)
