"""Rows of the lake as rows of the database: what a COPY takes."""

from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
import polars as pl

from pipelines.generate import dials
from pipelines.generate.frames import Campaign
from pipelines.generate.standing import standing_rows
from voice_ai.priorities import EVEN

ASSIGNED = ("experiment_id", "lead_id", "arm", "assigned_at")
_MOMENT = "%Y-%m-%dT%H:%M:%S%.6f+00"


@dataclass(frozen=True)
class Ids:
    """Ids in the database of the lead and the number that the history counts as 1; of caller ids by
    label; the dialer that is said to have dialed."""

    lead: int
    number: int
    callers: Mapping[str, int]
    worker: str


def of_month(rows: Mapping[str, pl.DataFrame], ids: Ids) -> dict[str, pl.DataFrame]:
    """attempts, calls, call_events, turns, model_predictions, qa_scores and decisions, in an order
    in which they may be written."""
    attempts = rows["attempts"].with_columns(
        month=pl.col("intended_at").dt.truncate("1mo").dt.date(),
        number_id=pl.col("lead_id") + ids.number - 1,
        lead_id=pl.col("lead_id") + ids.lead - 1,
    )
    months = attempts.select("attempt_id", "month")
    turns = rows["turns"]
    return {
        "attempts": _attempts(attempts, rows["events"], ids),
        "calls": rows["calls"].select(
            "attempt_id", "carrier", "status", "answered_by", "detection_ms", "duration_s",
            "queue_time_ms", "sip_code", "created_at", "updated_at",
            carrier_sid="carrier_call_sid",
        ),
        "call_events": rows["events"].join(
            months, on="attempt_id", how="left", maintain_order="left"
        ).select(
            "month", "attempt_id", "seq", "kind", "key", "payload", "occurred_at", "recorded_at",
        ),
        "turns": turns.select(
            "attempt_id", "speaker", "node", "heard_fraction", "interrupted", "started_at",
            "ended_at", "endpoint_ms", "stt_tail_ms", "mind_ms", "tts_first_byte_ms", "response_ms",
            index="turn_index", text_redacted="text",
        ),
        "model_predictions": pl.concat([_predicted(turns, task) for task in ("intent", "emotion")]),
        "qa_scores": attempts.filter(pl.col("qa_total").is_not_null()).select(
            "attempt_id", scorer=pl.lit("auto"), scored_by=pl.lit("voice-ai generate"),
            card=pl.lit("generated"), card_version=pl.lit(1), gates=pl.lit("{}"),
            scores=pl.lit("{}"), total="qa_total", passed="qa_passed", scored_at="ended_at",
        ),
        "decisions": rows["decisions"].select(
            "campaign_id", "attempt_id", "stage", "allow", "reasons", "policy_hash",
            "next_allowed_at", "decided_at", "rehearsal",
            lead_id=pl.col("lead_id") + ids.lead - 1,
            number_id=pl.col("lead_id") + ids.number - 1,
        ),
    }  # fmt: skip


def leads(
    rows: pl.DataFrame,
    numbers: pl.Series,
    offset: int,
    lists: Mapping[str, Any],
    runs: Mapping[str, Any],
) -> pl.DataFrame:
    """Rows of `leads`; `numbers` are their numbers' ids, `lists` and `runs` ids by list."""
    return rows.select(
        pl.col("lead_id").alias("id") + offset,
        pl.col("list").replace_strict(_texts(lists)).alias("list_id"),
        numbers.alias("number_id"),
        pl.col("list").replace_strict(_texts(runs)).alias("run_id"),
        "line",
        "position",
        "zones",
        "states",
        "country",
        pl.col("imported_at").alias("created_at"),
    )


def standings(of: Campaign, lead_offset: int, number_offset: int) -> pl.DataFrame:
    """Rows of `campaign_leads` at the end: who is done, who would have been called again."""
    final = [code in dials.FINAL for code in dials.CODES]
    last = of.dials.group_by("lead").agg(
        pl.col("code").last(),
        pl.col("at").last(),
        attempts=(pl.col("code") != dials.CODE["not_dialed"]).sum(),
    )
    members = standing_rows(of)["campaign_leads"].with_columns(
        lead=(pl.col("lead_id") - of.first_lead).cast(pl.Int32),
        never=pl.Series(of.people.never >= 0),
    )
    found = members.join(last, on="lead", how="left", maintain_order="left")
    code = found["code"].cast(pl.Int64)
    done = pl.Series(np.array(final)).gather(code).fill_null(value=False)
    finished = done | found["never"] | (found["attempts"].fill_null(0) >= dials.MOST)
    return found.select(
        "campaign_id",
        pl.col("lead_id") + lead_offset,
        (pl.col("lead_id") + number_offset).alias("number_id"),
        pl.when(finished).then(pl.lit("done")).otherwise(pl.lit("ready")).alias("state"),
        pl.lit(EVEN).alias("priority"),
        (pl.col("lead") + 0).alias("position"),
        pl.col("attempts").fill_null(0),
        pl.Series(dials.CODES).gather(code).alias("disposition"),
        pl.coalesce("at", "loaded_at").alias("updated_at"),
    )


def as_csv(frame: pl.DataFrame) -> bytes:
    """As PostgreSQL reads CSV: null is nothing, octets are hex, lists are in braces."""
    written = frame.with_columns(
        pl.col(pl.Binary).bin.encode("hex").name.keep(),
        pl.col(pl.List(pl.String)).list.join(",").name.keep(),
    ).with_columns(
        *(_around("\\x", name, "") for name, kind in frame.schema.items() if kind == pl.Binary),
        *(_around("{", name, "}") for name, kind in frame.schema.items() if kind == pl.List),
    )
    out = BytesIO()
    written.write_csv(out, include_header=False, datetime_format=_MOMENT)
    return out.getvalue()


def _around(before: str, name: str, after: str) -> pl.Expr:
    return pl.concat_str(pl.lit(before), pl.col(name), pl.lit(after)).alias(name)


def _attempts(attempts: pl.DataFrame, events: pl.DataFrame, ids: Ids) -> pl.DataFrame:
    told = events.group_by("attempt_id").agg(event_seq=pl.col("seq").max())
    talked = pl.col("disposition").is_in([*dials.TALKED, "wrong_number"])
    rang = pl.col("carrier_status").is_in(["completed", "no-answer"])
    return attempts.join(told, on="attempt_id", how="left", maintain_order="left").select(
        "month", "campaign_id", "lead_id", "number_id", "attempt_no", "state", "event_seq",
        "version", "intended_at", "sent_at", "placed_at", "answered_at", "first_audio_ms",
        "ended_at", "carrier_status", "answer_class", "own_answer_class", "own_answer_at_ms",
        "own_answer_confidence",
        "end_reason", "disposition", "ended_by", "late", "rehearsal",
        id="attempt_id",
        caller_id_number=pl.col("caller_id").replace_strict(dict(ids.callers)),
        worker_id=pl.lit(ids.worker),
        slot_at="intended_at",
        rang_at=pl.when(rang).then(pl.col("placed_at")),
        heard_at="ended_at",
        outcome=pl.when(talked).then("disposition"),
    )  # fmt: skip


def _predicted(turns: pl.DataFrame, task: str) -> pl.DataFrame:
    return turns.filter(pl.col(task).is_not_null()).select(
        "attempt_id",
        "turn_index",
        task=pl.lit(task),
        model_name=f"{task}_model",
        model_version=f"{task}_version",
        label=task,
        score=f"{task}_score",
        predicted_at="ended_at",
    )


def _texts(ids: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in ids.items()}
