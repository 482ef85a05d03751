"""Which lead is called before which: a pure score. `docs/campaigns.md` says it in words.

An agreed callback that is due goes before everything (the claim sorts by it first). Then the
fresher lead: its freshness falls by one each time its age doubles. Among equally fresh ones the one
that is likelier to pick up, less a little for each time it was dialed, and a little more in the
hour of the day that was chosen for it (`ml/slots`). Equals keep their place, which takes the
imports of a list in turn.
"""

import math
from datetime import timedelta

# Ages of less than a day, 1 to 3 days, 3 to 7, 7 to 15, 15 to 31, 31 to 63, and older.
FRESHEST = 6
FATIGUE = 0.05
# Added in a lead's own hour. Less than a step of freshness, so that no lead waits for ever behind
# others whose hour it is; and order is all that it changes: when a lead may be called is not asked.
FAVOUR = 0.10
# The score of a lead about which nothing is known.
EVEN = 0.5
# Within one step of freshness: a tired lead never falls behind a staler one.
MOST = 0.99


def freshness(age: timedelta) -> int:
    days = max(age / timedelta(days=1), 0.0)
    return max(0, FRESHEST - math.floor(math.log2(1 + days)))


def priority(age: timedelta, score: float, attempts: int, *, favoured: bool = False) -> float:
    """`score`: the share of such leads that pick up, 0 to 1; `favoured`: in the lead's own hour."""
    within = min(max(score - FATIGUE * attempts, 0.0) + FAVOUR * favoured, MOST)
    return freshness(age) + round(within, 2)


def tired(known: float) -> float:
    """The priority after one more dial."""
    return round(max(math.floor(known), known - FATIGUE), 2)
