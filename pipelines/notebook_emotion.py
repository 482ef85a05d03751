"""What the notebook on emotions holds its lines against: the ends that a generated history has."""

import polars as pl

from pipelines.generate import planted
from pipelines.metrics.contract import THIN_BELOW

# What the generator tells apart, in the words of `pipelines.metrics.calls.outcome`.
_OUTCOMES = {"goal": "goal", "opt_out": "opted_out", "other": "conversed"}

_FEWEST = 5  # the usual least for a normal approximation of a share


def planted_lines() -> pl.DataFrame:
    """outcome, emotion, planted_start, planted_end: shares at the first and the last turn."""
    rows = [
        (_OUTCOMES[group], emotion, start, end)
        for group, ends in planted.EMOTION_AT_END.items()
        for emotion, start, end in zip(
            planted.EMOTIONS, planted.EMOTION_AT_START, ends, strict=True
        )
    ]
    schema = ("outcome", "emotion", "planted_start", "planted_end")
    return pl.DataFrame(rows, schema=schema, orient="row")


def held_against_planted(lines: pl.DataFrame) -> pl.DataFrame:
    """`trajectory.lines_along` with the planted ends and whether each lies in its interval
    (start_found, end_found; null where the emotion was heard too seldom for an interval)."""

    def found(end: str) -> pl.Expr:
        away = (pl.col(f"at_{end}") - pl.col(f"planted_{end}")).abs()
        told = (pl.col("hits") >= _FEWEST) & (pl.col("n") >= THIN_BELOW)
        return pl.when(told).then(away <= pl.col(f"{end}_half")).alias(f"{end}_found")

    joined = lines.join(planted_lines(), on=["outcome", "emotion"], maintain_order="left")
    return joined.with_columns(found("start"), found("end"))
