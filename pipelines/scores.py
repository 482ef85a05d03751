"""The order in which leads are called: likelier to pick up first.

A lead's chance is, by the rule "answer-rate-1", the share of dials that a person picked up among
dials of the same seller in the last ninety days to the same time zone after as many dials before
(none, one, more). A small group is pulled towards the seller's whole share, as if it had made
twenty more dials that went like all others, and the result is rounded to a percent. Where a model
learnt from the seller's own dials has passed its gate ("lead-model-1"), the chance is the model's,
with its level set to the seller's whole share.

Each dial that a lead had already takes a little off, and the hour of the day that was drawn for
the lead adds a little while it lasts (`pipelines/lead_slots.py`). Fresher leads come first whatever
it says (`voice_ai/priorities.py`). Leads of equal priority keep the list's order, so nobody is put
last for being rare; a rehearsal learns from rehearsals only.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np

from ml.slots.choose import HOLD_OUT
from ml.table.figures import logit, shift_to, sigmoid
from ml.table.history import waiting_leads
from ml.table.kept import LeadModel
from pipelines.lead_slots import LeadSlot, Slots, hours_of
from voice_ai.day_parts import Window
from voice_ai.db import queries
from voice_ai.db.connect import Db, Row, connect
from voice_ai.errors import NotFound
from voice_ai.priorities import priority

_SQL = queries("scores")
RULE = "answer-rate-1"
MODEL_RULE = "lead-model-1"
WINDOW = timedelta(days=90)
PRIOR_DIALS = 20
_STRETCH = 20_000

Told = Callable[[float, str], None]
# The model of a seller's live or rehearsed dials; None: none has passed its gate.
Served = Callable[[UUID, bool], LeadModel | None]


def score_leads(
    url: str,
    *,
    now: datetime,
    campaign: str | None = None,
    served: Served = lambda seller, rehearsal: None,
    hold_out: float = HOLD_OUT,
    progress: Told = lambda share, sentence: None,
) -> dict[str, Any]:
    """Scores the waiting leads of one campaign, or of all that are not over.

    The answer lists the campaigns with how many leads were scored, how many moved and how many have
    an hour. Raises NotFound, NotAvailable.
    """
    with connect(url, name="voice-ai score-leads", autocommit=True) as db:
        if campaign and db.execute(_SQL.known_campaign, {"campaign": campaign}).fetchone() is None:
            raise NotFound(f"there is no campaign {campaign!r}; `voice-ai campaign list` names all")
        rows = db.execute(_SQL.campaigns_to_score, {"campaign": campaign or None}).fetchall()
        told = []
        for place, row in enumerate(rows):
            progress(place / len(rows), f"scoring {row['name']}")
            model = served(row["seller_id"], row["rehearsal"])
            told.append(_score_one(db, row, now, model, hold_out))
    return {"rule": RULE, "campaigns": told, "scored": sum(one["scored"] for one in told)}


def _score_one(
    db: Db, campaign: Row, now: datetime, model: LeadModel | None, hold_out: float
) -> dict[str, Any]:
    facts = {
        "seller_id": campaign["seller_id"],
        "rehearsal": campaign["rehearsal"],
        "since": now - WINDOW,
        "now": now,
    }
    history = db.execute(_SQL.answer_history, facts).fetchall()
    dials = sum(row["dials"] for row in history)
    answer = {
        "campaign": campaign["name"],
        "dials": dials,
        "scored": 0,
        "moved": 0,
        "with_hour": 0,
        "rule": MODEL_RULE if model else RULE,
        "model_version": model.version if model else None,
    }
    if dials == 0:  # nothing to learn from: the list's order stands
        return answer
    whole = sum(row["human"] for row in history) / dials
    window = Window.of(campaign["schedule"], campaign["profile"])
    chances: Chances = GroupChances.of(history, whole)
    if model is not None:
        chances = ModelChances(db, model, campaign, now, whole)
    work = _Work(chances, Slots(hours_of(db, facts), window, hold_out), now)
    last = db.execute(_SQL.last_position, {"campaign_id": campaign["id"]}).fetchone()
    for first in range(0, (last["last"] if last else -1) + 1, _STRETCH):
        _score_stretch(db, campaign["id"], work, first, answer)
    return answer


def _score_stretch(
    db: Db, campaign_id: UUID, work: "_Work", first: int, answer: dict[str, Any]
) -> None:
    place = {"campaign_id": campaign_id, "first": first, "end": first + _STRETCH}
    scores = work.scores(db.execute(_SQL.leads_to_score, place).fetchall())
    values = {
        "campaign_id": campaign_id,
        "scores": json.dumps(scores),
        "rule": answer["rule"],
        "model_version": answer["model_version"],
        "share": work.slots.hold_out,
        "now": work.now,
    }
    made = db.execute(_SQL.write_scores, values).fetchone()
    assert made is not None
    answer["scored"] += made["scored"]
    answer["moved"] += made["moved"]
    answer["with_hour"] += sum(score["slot_hour"] is not None for score in scores)


@dataclass(frozen=True)
class _Work:
    """What scoring a lead needs, learnt once for a campaign."""

    chances: "Chances"
    slots: Slots
    now: datetime

    def scores(self, leads: Sequence[Row]) -> list[dict[str, Any]]:
        chances = self.chances.of_leads(leads)
        return [self._score(lead, chance) for lead, chance in zip(leads, chances, strict=True)]

    def _score(self, lead: Row, chance: float) -> dict[str, Any]:
        slot = self.slots.of(lead, self.now)
        favoured = slot is not None and slot.favoured
        age = self.now - lead["created_at"]
        return {
            "lead_id": lead["lead_id"],
            "attempts": lead["attempts"],
            "priority": priority(age, chance, lead["attempts"], favoured=favoured),
            "chance": chance,
            **_told(slot),
        }


def _told(slot: LeadSlot | None) -> dict[str, Any]:
    if slot is None:
        return {"slot_day": None, "slot_hour": None, "slot_arm": None, "slot_chance": None}
    return {
        "slot_day": slot.day.isoformat(),
        "slot_hour": slot.hour,
        "slot_arm": slot.arm,
        "slot_chance": slot.chance,
    }


class GroupChances:
    """By time zone and dials before: counting, no model."""

    def __init__(self, shares: Mapping[tuple[str, int], float], otherwise: float) -> None:
        self._shares, self._otherwise = shares, otherwise

    @classmethod
    def of(cls, history: Sequence[Row], whole: float) -> "GroupChances":
        groups = [(row["zone"], row["dials_before"]) for row in history]
        return cls(dict(zip(groups, priorities(history, whole), strict=True)), round(whole, 2))

    def of_leads(self, leads: Sequence[Row]) -> list[float]:
        return [
            self._shares.get((lead["zone"], min(lead["attempts"], 2)), self._otherwise)
            for lead in leads
        ]


class ModelChances:
    """By the seller's model; its level is set once, so that all of a list are on one scale."""

    def __init__(
        self, db: Db, model: LeadModel, campaign: Row, now: datetime, whole: float
    ) -> None:
        self._db, self._model, self._campaign, self._now = db, model, campaign, now
        self._level = min(max(whole, 0.001), 0.999)
        self._shift: float | None = None

    def of_leads(self, leads: Sequence[Row]) -> list[float]:
        facts = waiting_leads(
            self._db,
            [lead["lead_id"] for lead in leads],
            campaign_id=self._campaign["id"],
            seller_id=self._campaign["seller_id"],
            rehearsal=self._campaign["rehearsal"],
            now=self._now,
        )
        rows = [facts.get(lead["lead_id"], {}) for lead in leads]
        p = self._model.chances(rows)
        if self._shift is None:
            self._shift = shift_to(p, self._level) if len(p) else 0.0
        return [float(chance) for chance in np.round(sigmoid(logit(p) + self._shift), 4)]


Chances = GroupChances | ModelChances


def priorities(history: Sequence[Row], whole: float) -> list[float]:
    """Per group of the history the shrunken share, to the percent."""
    return [
        round((row["human"] + PRIOR_DIALS * whole) / (row["dials"] + PRIOR_DIALS), 2)
        for row in history
    ]
