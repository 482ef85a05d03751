"""What the emotion model heard in caller turns, in all and along the call."""

import polars as pl

from pipelines.metrics.calls import in_order
from pipelines.metrics.intervals import with_rates, with_shares

EMOTION_ORDER = ("joy", "surprise", "neutral", "sadness", "fear", "anger", "disgust")
THIRDS = ("start", "middle", "end")
_THIRD_NAMES = pl.DataFrame(
    {"place": [0, 1, 2], "third": list(THIRDS)}, schema={"place": pl.Int64, "third": pl.String}
)


def emotion_counts(turns: pl.DataFrame) -> pl.DataFrame:
    """emotion, turns: caller turns by what was heard; a null emotion where nothing was."""
    caller = turns.filter(pl.col("speaker") == "caller")
    return caller.group_by("emotion").agg(turns=pl.len().cast(pl.Int64))


def emotions(counts: pl.DataFrame) -> pl.DataFrame:
    """emotion, turns, n, rate, low, high."""
    heard = counts.filter(pl.col("emotion").is_not_null())
    return with_shares(in_order(heard, "emotion", EMOTION_ORDER), "turns")


def unheard(counts: pl.DataFrame) -> int:
    """Caller turns without an emotion."""
    return int(counts.filter(pl.col("emotion").is_null())["turns"].sum())


def along_counts(turns: pl.DataFrame) -> pl.DataFrame:
    """third, emotion, turns: a caller turn's place among the caller turns of its call."""
    caller = turns.filter(pl.col("speaker") == "caller")
    size = pl.len().over("attempt_id")
    rank = pl.col("turn_index").rank("ordinal").over("attempt_id").cast(pl.Int64) - 1
    placed = caller.with_columns(size=size).filter(pl.col("size") >= len(THIRDS))
    return (
        placed.with_columns(place=rank * len(THIRDS) // pl.col("size").cast(pl.Int64))
        .filter(pl.col("emotion").is_not_null())
        .group_by("place", "emotion")
        .agg(turns=pl.len().cast(pl.Int64))
        .join(_THIRD_NAMES, on="place")
        .select("third", "emotion", "turns")
    )


def emotions_along_call(counts: pl.DataFrame) -> pl.DataFrame:
    """third, emotion, turns, n (turns of that third), rate, low, high."""
    sized = in_order(counts, "emotion", EMOTION_ORDER).with_columns(
        n=pl.col("turns").sum().over("third")
    )
    return with_rates(in_stable_order(sized), "turns")


def in_stable_order(frame: pl.DataFrame) -> pl.DataFrame:
    rank = {third: place for place, third in enumerate(THIRDS)}
    return frame.sort(
        pl.col("third").replace_strict(rank, return_dtype=pl.Int64), maintain_order=True
    )
