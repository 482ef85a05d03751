"""What the carrier and we tell of dials: the calls, and about five events each."""

import polars as pl

from pipelines.lake.tables import TABLES

SIP = {"completed": 200, "no-answer": 487, "busy": 486, "failed": 503, "canceled": 487}
_US = pl.Datetime("us", "UTC")


def calls(attempts: pl.DataFrame, words: pl.DataFrame) -> pl.DataFrame:
    """The carrier's objects, in the lake's schema. `words`: answered_by and queue_time_ms, a row
    per attempt."""
    told = attempts.hstack(words).filter(pl.col("carrier_call_sid").is_not_null())
    return told.with_columns(
        carrier=pl.lit("twilio"),
        status=pl.col("carrier_status"),
        duration_s=pl.col("carrier_s"),
        sip_code=pl.col("carrier_status").replace_strict(SIP, return_dtype=pl.Int32),
        error_code=pl.lit(None, dtype=pl.Int32),
        created_at=pl.col("placed_at"),
        updated_at=pl.col("ended_at"),
    ).select(TABLES["calls"].schema.names())


def events(attempts: pl.DataFrame, words: pl.DataFrame, turns: pl.DataFrame) -> pl.DataFrame:
    """Everything that happened, in the lake's schema, by attempt and seq. `words` as in `calls`;
    `turns` in the lake's schema."""
    rows = attempts.hstack(words).with_columns(place=pl.int_range(pl.len(), dtype=pl.Int32))
    spoken = turns.join(rows.select("attempt_id", "place"), on="attempt_id", how="left")
    parts = [*_of_attempts(rows), *_of_turns(spoken)]
    order = pl.concat(parts).sort("place", "at", "rank", "key")
    numbered = order.with_columns(
        seq=(pl.int_range(pl.len()).over("place") + 1).cast(pl.Int32),
        occurred_at="at",
        recorded_at=pl.col("at") + pl.duration(milliseconds=2),
    )
    whom = rows.select(
        "attempt_id", "campaign_id", "campaign", "lead_id", "person_key", "attempt_no", "rehearsal"
    )
    dealt = whom.select(pl.all().gather(numbered["place"]))
    return pl.concat([numbered.drop("place", "at", "rank"), dealt], how="horizontal").select(
        TABLES["events"].schema.names()
    )


def _of_attempts(rows: pl.DataFrame) -> list[pl.DataFrame]:
    sid, placed = pl.col("carrier_call_sid"), rows.filter(pl.col("placed_at").is_not_null())
    rang = placed.filter(pl.col("carrier_status").is_in(["completed", "no-answer"]))
    answered = placed.filter(pl.col("answer_class").is_not_null())
    judged = pl.duration(microseconds=(1000 * pl.col("detection_ms")).cast(pl.Int64))
    why = (_quoted("answer_class"), _quoted("carrier_status"))
    return [
        _kind(
            rows, "dial_intended", "intended_at", 0,
            '{"attempt_no": {}, "caller_id": 1}', pl.col("attempt_no"),
        ),
        _kind(placed, "call_placed", "placed_at", 1, '{"carrier_call_sid": "{}"}', sid),
        _kind(
            rang, "carrier_status", pl.col("placed_at") + pl.duration(milliseconds=900), 2,
            '{"status": "ringing", "sequence": 1, "carrier_call_sid": "{}"}', sid,
            key=pl.format("status:{}:1", sid),
        ),
        _kind(
            answered, "answer_classified", pl.col("answered_at") + judged, 3,
            '{"answered_by": "{}", "detection_ms": {}}', "answered_by", "detection_ms",
        ),
        _kind(
            rows.filter("opted_out"), "opt_out_heard", "ended_at", 5, '{"evidence": "{}"}',
            pl.lit("intent"),
        ),
        _kind(
            rows.filter("conversed"), "outcome_reached", "ended_at", 6,
            '{"disposition": "{}", "end_reason": "{}"}', "disposition", "end_reason",
        ),
        _kind(
            rows, "call_ended", "ended_at", 7,
            '{"ended_by": "{}", "end_reason": "{}", "disposition": "{}", "answer_class": {},'
            ' "carrier_status": {}}',
            "ended_by", "end_reason", "disposition", *why,
            key=pl.lit("terminal"),
        ),
    ]  # fmt: skip


def _of_turns(turns: pl.DataFrame) -> list[pl.DataFrame]:
    return [
        _kind(
            turns, "turn_taken", "ended_at", 4,
            '{"node": "{}", "index": {}, "intent": {}, "emotion": {}, "speaker": "{}"}',
            "node", "turn_index", _quoted("intent"), _quoted("emotion"), "speaker",
            key=pl.format("turn:{}", "turn_index"),
        ),
        _kind(
            turns.filter("interrupted"), "barge_in", "ended_at", 4,
            '{"index": {}, "heard_fraction": {}}', "turn_index", "heard_fraction",
            key=pl.format("barge_in:{}", "turn_index"),
        ),
    ]  # fmt: skip


def _kind(
    rows: pl.DataFrame,
    kind: str,
    at: str | pl.Expr,
    rank: int,
    payload: str,
    *values: str | pl.Expr,
    key: pl.Expr | None = None,
) -> pl.DataFrame:
    """`payload` with its `{}` (no other braces but the outermost) filled in, row by row."""
    inner = payload[1:-1]
    text = pl.concat_str(pl.lit("{"), pl.format(inner, *values), pl.lit("}"))
    return rows.select(
        "place",
        at=(pl.col(at) if isinstance(at, str) else at).cast(_US),
        rank=pl.lit(rank, dtype=pl.Int8),
        kind=pl.lit(kind),
        key=pl.lit(kind) if key is None else key,
        payload=text,
    )


def _quoted(name: str) -> pl.Expr:
    return pl.format('"{}"', name).fill_null("null")
