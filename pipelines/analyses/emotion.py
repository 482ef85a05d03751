"""What was felt in calls, asked of the cubes."""

import polars as pl

from pipelines.analyses.conversations import sums
from pipelines.lake.read import Lake
from pipelines.metrics import trajectory
from pipelines.metrics.slices import Slice


def feelings(lake: Lake, part: Slice) -> pl.DataFrame:
    """outcome, decile, emotion, turns: what `trajectory` draws."""
    return sums(lake, part, "feelings", "outcome", "decile", "emotion")


def transitions(lake: Lake, part: Slice) -> pl.DataFrame:
    """Which emotion follows which (`trajectory.transitions`)."""
    pairs = sums(lake, part, "feeling_pairs", "from_emotion", "to_emotion")
    return trajectory.transitions(pairs)


def outcomes(lake: Lake, part: Slice, k: str = "goals") -> pl.DataFrame:
    """Share of goals (or opted_out) by the emotion heard last, and by the one heard most often."""
    counts = sums(lake, part, "feeling_calls", "chosen_by", "emotion")
    return trajectory.outcomes_of_emotions(counts, k)


def unheard_by_day(lake: Lake, part: Slice) -> pl.DataFrame:
    """day, k (caller turns without an emotion), n, rate, low, high, thin."""
    return trajectory.unheard_by(sums(lake, part, "feelings", "day", "emotion"), "day")


def valence_by_day(lake: Lake, part: Slice) -> pl.DataFrame:
    """day, n, value, low, high, thin: mean valence of caller turns."""
    return trajectory.valence(sums(lake, part, "feelings", "day", "emotion"), "day")


def versions(lake: Lake, part: Slice) -> pl.DataFrame:
    """model, version, first, last (days on which it heard a turn), turns; the oldest first."""
    named = "emotion_version IS NOT NULL"
    by_day = sums(lake, part, "feelings", "day", "emotion_model", "emotion_version", where=named)
    return trajectory.versions(by_day)
