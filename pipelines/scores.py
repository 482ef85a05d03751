"""The order in which leads are called: likelier to pick up first. Counting, no model.

The rule ("answer-rate-1"): a lead's priority is the share of dials that a person picked up among
dials of the same seller in the last ninety days to the same time zone after as many dials before
(none, one, more). A small group is pulled towards the seller's whole share, as if it had made
twenty more dials that went like all others, and the result is rounded to a percent. Each dial
that a lead had already takes a little off it, and fresher leads come first whatever it says
(`voice_ai/priorities.py`).

What it does not use: anything about the person. Leads of equal priority keep the list's order, so
nobody is put last for being rare; a rehearsal learns from rehearsals only.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from voice_ai.db import queries
from voice_ai.db.connect import Db, Row, connect
from voice_ai.errors import NotFound
from voice_ai.priorities import FATIGUE, FRESHEST, MOST

_SQL = queries("scores")
RULE = "answer-rate-1"
WINDOW = timedelta(days=90)
PRIOR_DIALS = 20
_STRETCH = 20_000

Told = Callable[[float, str], None]


def score_leads(
    url: str,
    *,
    now: datetime,
    campaign: str | None = None,
    progress: Told = lambda share, sentence: None,
) -> dict[str, Any]:
    """Scores the waiting leads of one campaign, or of all that are not over.

    The answer lists the campaigns with how many leads were scored and how many moved.
    Raises NotFound, NotAvailable.
    """
    with connect(url, name="voice-ai score-leads", autocommit=True) as db:
        if campaign and db.execute(_SQL.known_campaign, {"campaign": campaign}).fetchone() is None:
            raise NotFound(f"there is no campaign {campaign!r}; `voice-ai campaign list` names all")
        rows = db.execute(_SQL.campaigns_to_score, {"campaign": campaign or None}).fetchall()
        told = []
        for place, row in enumerate(rows):
            progress(place / len(rows), f"scoring {row['name']}")
            told.append(_score_one(db, row, now))
    return {"rule": RULE, "campaigns": told, "scored": sum(one["scored"] for one in told)}


def _score_one(db: Db, campaign: Row, now: datetime) -> dict[str, Any]:
    facts = {
        "seller_id": campaign["seller_id"],
        "rehearsal": campaign["rehearsal"],
        "since": now - WINDOW,
        "now": now,
    }
    history = db.execute(_SQL.answer_history, facts).fetchall()
    dials = sum(row["dials"] for row in history)
    answer = {"campaign": campaign["name"], "dials": dials, "scored": 0, "moved": 0}
    if dials == 0:  # nothing to learn from: the list's order stands
        return answer
    whole = sum(row["human"] for row in history) / dials
    values = {
        "campaign_id": campaign["id"],
        "zones": [row["zone"] for row in history],
        "dials_before": [row["dials_before"] for row in history],
        "priorities": priorities(history, whole),
        "otherwise": round(whole, 2),
        "rule": RULE,
        "now": now,
        "freshest": FRESHEST,
        "fatigue": FATIGUE,
        "most": MOST,
    }
    last = db.execute(_SQL.last_position, values).fetchone()
    for first in range(0, (last["last"] if last else -1) + 1, _STRETCH):
        with db.transaction():
            stretch = {**values, "first": first, "end": first + _STRETCH}
            made = db.execute(_SQL.score_leads, stretch).fetchone()
        assert made is not None
        answer["scored"] += made["scored"]
        answer["moved"] += made["moved"]
    return answer


def priorities(history: Sequence[Row], whole: float) -> list[float]:
    """Per group of the history the shrunken share, to the percent."""
    return [
        round((row["human"] + PRIOR_DIALS * whole) / (row["dials"] + PRIOR_DIALS), 2)
        for row in history
    ]
