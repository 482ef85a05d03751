"""What the pages on conversations and emotions ask of the lake, kept for a moment for all
sessions."""

from dataclasses import dataclass

import polars as pl
import streamlit as st

from app.slice_picker import Picked
from pipelines.analyses import conversations as talk
from pipelines.analyses import emotion
from pipelines.lake.read import Lake
from pipelines.metrics.slices import Slice

_KEPT = 60.0


@dataclass(frozen=True)
class Talk:
    """Sums of the cubes; each is told where it is computed (`pipelines.analyses.conversations`)."""

    ratios: pl.DataFrame  # by ratio, outcome, day
    lengths: pl.DataFrame  # seconds of conversations, by day
    longest: pl.DataFrame
    shares: pl.DataFrame
    waits: pl.DataFrame  # by day
    waits_by_hour: pl.DataFrame
    false_cuts: pl.DataFrame
    scripts: pl.DataFrame
    verdicts: pl.DataFrame
    own_ms: pl.DataFrame
    carrier_ms: pl.DataFrame
    judged: pl.DataFrame
    abandoned: pl.DataFrame
    rolling: pl.DataFrame
    names: pl.DataFrame  # campaign_id, campaign


@dataclass(frozen=True)
class Felt:
    """Sums and rates of `pipelines.analyses.emotion`."""

    counts: pl.DataFrame
    transitions: pl.DataFrame
    goals: pl.DataFrame
    opt_outs: pl.DataFrame
    unheard: pl.DataFrame
    valence: pl.DataFrame
    versions: pl.DataFrame


def talked(picked: Picked) -> Talk:
    """Raises VoiceAIError."""
    return _talked(picked.lake, picked.state, picked.part)


def flow(picked: Picked, script: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Nodes and ways of a script. Raises VoiceAIError."""
    return _flow(picked.lake, picked.state, picked.part, script)


def felt(picked: Picked) -> Felt:
    """Raises VoiceAIError."""
    return _felt(picked.lake, picked.state, picked.part)


@st.cache_data(ttl=_KEPT, max_entries=64, show_spinner="Adding up conversations …")
def _talked(_lake: Lake, state: tuple[int, int], part: Slice) -> Talk:
    lake = _lake
    return Talk(
        ratios=talk.sums(lake, part, "ratios", "ratio", "outcome", "day"),
        lengths=talk.call_steps(lake, part, "talk_s", "day"),
        longest=talk.call_steps(lake, part, "longest_turn_s"),
        shares=talk.call_steps(lake, part, "agent_share"),
        waits=talk.wait_steps(lake, part, "day"),
        waits_by_hour=talk.waits_by(lake, part, "local_hour"),
        false_cuts=talk.false_interruptions(lake, part),
        scripts=talk.scripts(lake, part),
        verdicts=talk.verdicts(lake, part),
        own_ms=talk.call_steps(lake, part, "own_verdict_ms"),
        carrier_ms=talk.call_steps(lake, part, "carrier_verdict_ms"),
        judged=talk.judged(lake, part),
        abandoned=talk.abandoned(lake, part),
        rolling=talk.abandoned_rolling(lake, part),
        names=lake.sql("SELECT campaign_id, campaign FROM campaigns"),
    )


@st.cache_data(ttl=_KEPT, max_entries=64, show_spinner=False)
def _flow(
    _lake: Lake, state: tuple[int, int], part: Slice, script: str
) -> tuple[pl.DataFrame, pl.DataFrame]:
    return talk.nodes(_lake, part, script), talk.ways(_lake, part, script)


@st.cache_data(ttl=_KEPT, max_entries=64, show_spinner="Adding up feelings …")
def _felt(_lake: Lake, state: tuple[int, int], part: Slice) -> Felt:
    lake = _lake
    return Felt(
        counts=emotion.feelings(lake, part),
        transitions=emotion.transitions(lake, part),
        goals=emotion.outcomes(lake, part, "goals"),
        opt_outs=emotion.outcomes(lake, part, "opted_out"),
        unheard=emotion.unheard_by_day(lake, part),
        valence=emotion.valence_by_day(lake, part),
        versions=emotion.versions(lake, part),
    )
