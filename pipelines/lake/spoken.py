"""What the turns of a call say of it: who spoke how long, over whom, where it ended."""

import polars as pl

_SECONDS = (pl.col("ended_at") - pl.col("started_at")).dt.total_microseconds() / 1e6
_AGENT, _CALLER = pl.col("speaker") == "agent", pl.col("speaker") == "caller"


def measures(turns: pl.DataFrame) -> pl.DataFrame:
    """One row per attempt of lake rows of `turns`: numbers of turns, seconds of speech, seconds
    that both spoke (each turn against the other side's turn before it), agent turns that were
    spoken over, characters synthesised in the call (cached prompts are not), the last node."""
    in_order = turns.sort("attempt_id", "turn_index")
    other = pl.col("speaker").shift() != pl.col("speaker")
    until = pl.min_horizontal(pl.col("ended_at").shift(), pl.col("ended_at"))
    over = (until - pl.col("started_at")).dt.total_microseconds() / 1e6
    fresh = _AGENT & pl.col("tts_first_byte_ms").is_not_null()
    return (
        in_order.with_columns(
            seconds=_SECONDS,
            over=pl.when(other).then(over.clip(lower_bound=0)).otherwise(0.0).over("attempt_id"),
        )
        .group_by("attempt_id", maintain_order=True)
        .agg(
            agent_turns=_AGENT.sum().cast(pl.Int32),
            caller_turns=_CALLER.sum().cast(pl.Int32),
            agent_speech_s=pl.col("seconds").filter(_AGENT).sum(),
            caller_speech_s=pl.col("seconds").filter(_CALLER).sum(),
            overlap_s=pl.col("over").sum(),
            longest_turn_s=pl.col("seconds").max(),
            interruptions=(_AGENT & pl.col("interrupted")).sum().cast(pl.Int32),
            synthesised_characters=pl.col("text")
            .filter(fresh)
            .str.len_chars()
            .sum()
            .cast(pl.Int32),
            last_node=pl.col("node").drop_nulls().last(),
        )
    )
