"""The cubes of what happens inside calls say what the functions over rows say, whatever was written
anew since."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from pipelines.analyses import conversations as talk
from pipelines.analyses import emotion
from pipelines.lake import manifest as commits
from pipelines.lake.batch import Batch
from pipelines.lake.read import Lake
from pipelines.lake.store import open_store
from pipelines.lake.tables import SMALL, TABLES
from pipelines.lake.write import gone_keys, write_batch
from pipelines.metrics import (
    abandonment,
    answering,
    conversations,
    latency,
    quality,
    script_nodes,
    trajectory,
)
from pipelines.metrics.slices import Slice
from tests.talk_rows import CAMPAIGN, START, attempts, turns

PART = Slice(rehearsal=True)
_NODES = ("opening", "rate", "happy", None)
_FEELINGS = ("joy", "anger", "neutral", None)


def made(dice: random.Random, keys: range) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Calls of every kind with turns at odd microseconds, many of their values unmeasured."""
    rows, spoken = [], []
    for key in keys:
        human, answered = dice.random() < 0.7, True
        conversed = human and dice.random() < 0.7
        goal = conversed and dice.random() < 0.4
        opted_out = human and not goal and dice.random() < 0.2
        rows.append(
            {
                "attempt_id": str(key),
                "list": dice.choice(["A", "B"]),
                "local_day": START.date() - timedelta(days=dice.randrange(3)),
                "local_hour": dice.choice([9, 17, None]),
                "answered": answered,
                "human_answered": human,
                "machine": not human,
                "conversed": conversed,
                "goal": goal,
                "opted_out": opted_out,
                "right_party": dice.choice([None, True, False]) if conversed else None,
                "disposition": dice.choice(["abandoned", "human_hangup", None]),
                "answer_class": dice.choice(["human", "machine", None]),
                "own_answer_class": dice.choice(["human", "machine", None]),
                "end_reason": dice.choice(["human_hangup", "script_end", None]),
                "last_node": dice.choice(_NODES),
                "interruptions": dice.choice([0, 1, None]),
                "agent_turns": dice.choice([0, 2, 3]),
                "qa_passed": dice.choice([None, True, False]),
                "qa_total": some(dice, 100),
                "first_audio_ms": some(dice, 4000),
                "own_answer_at_ms": some(dice, 4000),
                "detection_ms": some(dice, 40_000),
                **{
                    name: some(dice, 60)
                    for name in (
                        "talk_s",
                        "agent_speech_s",
                        "caller_speech_s",
                        "overlap_s",
                        "longest_turn_s",
                    )  # fmt: skip
                },
            }
        )
        spoken.append(conversation(dice, str(key)))
    return attempts(*rows), turns(*spoken)


def some(dice: random.Random, most: float) -> float | None:
    return None if dice.random() < 0.2 else round(dice.uniform(0, most), 2)


def conversation(dice: random.Random, key: str) -> list[dict[str, Any]]:
    at, rows = START, []
    for index in range(dice.randrange(7)):
        agent, feeling = dice.random() < 0.5, dice.choice(_FEELINGS)
        # sometimes in the same millisecond as the turn before
        began = at + timedelta(microseconds=dice.choice([300, 700_123, 1_250_777]))
        at = began + timedelta(microseconds=dice.choice([200, 900_000]))
        heard = None if agent else feeling
        rows.append(
            {
                "attempt_id": key,
                "campaign_id": CAMPAIGN,
                "turn_index": index,
                "speaker": "agent" if agent else "caller",
                "node": dice.choice(_NODES),
                "interrupted": dice.choice([True, False, None]) if agent else None,
                "started_at": began,
                "ended_at": at if dice.random() < 0.9 else None,
                "response_ms": some(dice, 2000) if agent else None,
                "emotion": heard,
                "emotion_model": None if heard is None else "emotion",
                "emotion_version": None if heard is None else dice.choice("12"),
            }
        )
        at = began if dice.random() < 0.2 else at
    return rows


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Two commits: the second writes thirty calls anew, takes ten away, and brings more."""
    dice = random.Random(5)
    store = open_store(None, tmp_path_factory.mktemp("lake"))
    small = {name: TABLES[name].schema.to_frame() for name in SMALL}
    campaign = {
        "campaign_id": CAMPAIGN,
        "campaign": "Survey",
        "script": "survey",
        "rehearsal": True,
    }
    schema = TABLES["campaigns"].schema
    small["campaigns"] = pl.DataFrame([{c: campaign.get(c) for c in schema}], schema=schema)
    for number, (keys, gone) in enumerate(
        ((range(150), []), (range(120, 220), range(110, 150))), 1
    ):
        rows, spoken = made(dice, keys)
        names = [str(key) for key in gone]
        write_batch(
            store,
            commits.newest(store),
            Batch(
                bound=number,
                as_of=datetime(2026, 11, 25, tzinfo=UTC),
                rows={"attempts": rows, "turns": spoken, **small},
                gone={
                    "attempts": gone_keys(
                        {
                            "key": names,
                            "month": ["2026-11"] * len(names),
                            "campaign": [CAMPAIGN] * len(names),
                        }
                    )
                },
            ),
            source="test",
            why="test",
            made_at=START,
        )
    return Lake(store, commits.newest(store))


@pytest.fixture(scope="module")
def rows(lake: Lake) -> tuple[pl.DataFrame, pl.DataFrame]:
    found = lake.rows("attempts"), lake.rows("turns")
    assert found[0].height == 150 - 40 + 100
    return found


Rows = tuple[pl.DataFrame, pl.DataFrame]


def same(one: pl.DataFrame, other: pl.DataFrame) -> None:
    assert one.height > 1
    assert_frame_equal(
        one.filter(_any(one)),
        other.filter(_any(other)),
        check_row_order=False,
        check_column_order=False,
        check_dtypes=False,
    )


def _any(frame: pl.DataFrame) -> pl.Expr:
    """Groups that went with a commit stay as zeros."""
    counts = ["calls", "turns", "pairs", "reached", "human", "responses", "judged"]
    known = [pl.col(c) > 0 for c in counts if c in frame.columns]
    return pl.any_horizontal(known or [pl.lit(value=True)])


def test_speech_and_lengths(lake: Lake, rows: Rows) -> None:
    found = talk.sums(lake, PART, "ratios", "ratio", "outcome")
    same(found, conversations.ratio_sums(rows[0]))
    for quantity in conversations.QUANTITIES:
        counts = talk.call_steps(lake, PART, quantity, "outcome")
        same(counts, conversations.step_counts(rows[0], quantity))


def test_one_list_on_one_day(lake: Lake, rows: Rows) -> None:
    day = START.date()
    part = Slice(CAMPAIGN, rehearsal=True, lists=("A",), since=day, until=day)
    mine = rows[0].filter(pl.col("list") == "A", pl.col("local_day") == day)
    same(
        talk.call_steps(lake, part, "talk_s", "outcome"), conversations.step_counts(mine, "talk_s")
    )
    assert talk.quotients(lake, Slice(rehearsal=False)).is_empty()


def test_waits(lake: Lake, rows: Rows) -> None:
    answers = latency.responses(rows[1])
    found = talk.waits(talk.wait_steps(lake, PART))
    exact = latency.latency_of(answers)
    assert (found.n, found.unmeasured) == (exact.n, exact.unmeasured)
    assert found.unmeasured > 0
    for step, one in zip(found.percentiles, exact.percentiles, strict=True):
        floors = [10 * (v // 10) for v in (one.value, one.low, one.high)]
        assert [step.value, step.low, step.high] == floors
    by_hour = talk.waits_by(lake, PART, "local_hour")
    assert by_hour.filter(p=0.5)["n"].sum() == found.n


def test_nodes(lake: Lake, rows: Rows) -> None:
    same(talk.sums(lake, PART, "nodes", "node"), script_nodes.node_counts(*rows))
    same(talk.ways(lake, PART, "survey"), script_nodes.way_counts(*rows))
    assert talk.scripts(lake, PART)["script"].to_list() == ["survey"]
    table = talk.nodes(lake, PART, "survey")
    same(table, script_nodes.node_table(script_nodes.node_counts(*rows)))
    assert talk.nodes(lake, PART, "another").is_empty()


def test_verdicts_quality_and_abandonment(lake: Lake, rows: Rows) -> None:
    same(talk.verdicts(lake, PART), answering.verdict_counts(rows[0]))
    assert talk.agreement(lake, PART) == answering.both(answering.verdict_counts(rows[0]))
    same(talk.judged(lake, PART), quality.qa_counts(rows[0]))
    counts = talk.abandoned(lake, PART)
    same(counts, abandonment.abandonment_counts(rows[0]))
    rolled = talk.abandoned_rolling(lake, Slice(rehearsal=True, since=START.date()))
    assert rolled.select("k", "n").row(0) == (counts["abandoned"].sum(), counts["human"].sum())


def test_feelings(lake: Lake, rows: Rows) -> None:
    counts = trajectory.feeling_counts(*rows)
    whole = ("outcome", "decile", "emotion", "emotion_model", "emotion_version")
    same(talk.sums(lake, PART, "feelings", *whole), counts)
    along = trajectory.valence_along(counts)
    same(trajectory.valence_along(emotion.feelings(lake, PART)), along)
    same(talk.sums(lake, PART, "feeling_pairs", "from_emotion", "to_emotion"),
         trajectory.pair_counts(*rows))  # fmt: skip
    same(emotion.outcomes(lake, PART),
         trajectory.outcomes_of_emotions(trajectory.call_counts(*rows)))  # fmt: skip
    assert emotion.versions(lake, PART)["version"].to_list() == ["1", "2"]
    by_day = emotion.unheard_by_day(lake, PART)
    assert by_day["n"].sum() == counts["turns"].sum()
    assert by_day["k"].sum() == counts.filter(pl.col("emotion").is_null())["turns"].sum()
