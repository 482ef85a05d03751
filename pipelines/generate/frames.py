"""One campaign's month in the lake's schemas, from its dials, its talk and its ledger."""

from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
import polars as pl

from pipelines.generate import dials, ledger, planted, told
from pipelines.generate.plan import SELLER, Planned, uuids
from pipelines.generate.talk import Turns, turns
from pipelines.lake.tables import TABLES, TEXTS

_US = 1_000_000
_STATUS = {
    "machine": "completed", "dead_air": "completed", "no_answer": "no-answer", "busy": "busy",
    "failed_transient": "failed", "failed_permanent": "failed", "canceled": "canceled",
}  # fmt: skip
_END = {
    "human_hangup": "caller_hangup", "not_interested": "caller_hangup",
    "machine": "machine_answered", "no_answer": "carrier",
    "busy": "carrier", "failed_transient": "carrier",
    "failed_permanent": "carrier", "canceled": "canceled", "not_dialed": "not_sent",
    "dead_air": "silence",
}  # fmt: skip
# Seconds from the answer (nobody answered: from placing) to the end, at least and at most.
_LASTS = {
    "abandoned": (1.5, 4), "machine": (3, 7), "dead_air": (8, 15), "no_answer": (27, 32),
    "busy": (1, 2), "failed_transient": (0.3, 1), "failed_permanent": (0.3, 1), "canceled": (3, 6),
    "not_dialed": (0.1, 0.5),
}  # fmt: skip
_FLAGS = {
    "reached_carrier": ~pl.col("disposition").is_in(["not_dialed"]),
    "answered": pl.col("disposition").is_in([*dials.CODES[: dials.HUMANS], "machine", "dead_air"]),
    "human_answered": pl.col("disposition").is_in(dials.CODES[: dials.HUMANS]),
    "machine": pl.col("disposition") == "machine",
    "conversed": pl.col("disposition").is_in([*dials.TALKED, "wrong_number"]),
    "goal": pl.col("disposition") == "goal",
    "opted_out": pl.col("disposition") == "opt_out",
}
_CLASSES = ("human", "machine", "unknown")


@dataclass(frozen=True)
class Campaign:
    """Everything of one campaign that does not go month by month; ids go on from `first_lead` and
    `first_decision`."""

    plan: Planned
    people: dials.Leads
    persons: pl.Series
    dials: pl.DataFrame
    ledger: pl.DataFrame
    first_lead: int
    first_decision: int

    @property
    def last(self) -> datetime:
        """The moment of its last decision or the last dial's end, at the latest."""
        found = max(self.dials["at"].max(), self.ledger["at"].max())  # type: ignore[type-var]
        assert isinstance(found, datetime)
        return found


def campaign(plan: Planned, first_lead: int = 1, first_decision: int = 1) -> Campaign:
    people, rows = dials.of_campaign(plan)
    persons = pl.Series("person_key", uuids(plan.dice(4), len(people)))
    whole = ledger.of_campaign(plan, people, rows)
    return Campaign(plan, people, persons, rows, whole, first_lead, first_decision)


def month_rows(of: Campaign, month: date) -> dict[str, pl.DataFrame]:
    """attempts, calls, turns, events and decisions of that month (UTC)."""
    numbered = of.dials.with_columns(dial=pl.int_range(pl.len()))
    rows = dials.in_month(numbered, "at", month)
    if rows.is_empty():
        return {}
    dice = of.plan.dice(3, month.year * 12 + month.month)
    whole, words, spoken = _attempts(of, rows, dice)
    said = _turns(of.plan, whole, spoken)
    kept = shaped(whole, "attempts")
    return {
        "attempts": kept,
        "calls": told.calls(kept, words),
        "turns": said,
        "events": told.events(kept, words, said),
        "decisions": _decisions(of, month, whole.select("dial", "attempt_id")),
    }


def _attempts(
    of: Campaign, rows: pl.DataFrame, dice: np.random.Generator
) -> tuple[pl.DataFrame, pl.DataFrame, Turns]:
    """The attempts (with `dial`), answered_by and queue_time_ms beside them, and their turns."""
    plan, people, size = of.plan, of.people, rows.height
    lead, code = rows["lead"].to_numpy(), rows["code"].to_numpy().astype(np.int64)
    spoken = turns(plan.script, code, rows["first_audio_ms"].to_numpy() / 1000, dice)
    ids = pl.Series("attempt_id", uuids(dice, size))
    names = pl.Series(dials.CODES).gather(code)
    lasts = np.array([_LASTS.get(name, (0.4, 1.2)) for name in dials.CODES])[code]
    talk = _sums(spoken, size)
    rest = dice.uniform(lasts[:, 0], lasts[:, 1])
    ring = dice.uniform(4, 26, size)
    frame = (
        rows.hstack(talk)
        .with_columns(
            attempt_id=ids,
            campaign_id=pl.lit(plan.id),
            campaign=pl.lit(plan.name),
            lead_id=(pl.col("lead") + of.first_lead).cast(pl.Int64),
            person_key=of.persons.gather(lead),
            attempt_no="no",
            disposition=names,
            intended_at="at",
            local_hour=pl.col("local_at").dt.hour().cast(pl.Int32),
            local_weekday=pl.col("local_at").dt.weekday().cast(pl.Int32),
            local_day=pl.col("local_at").dt.date(),
            list=pl.Series(planted.LISTS).gather(people.list[lead]),
            zone=pl.Series(planted.ZONES).gather(people.zone[lead]),
            loaded_at=ledger.loaded_at(plan, people).gather(lead),
            caller_id=pl.Series(plan.caller_ids).gather(rows["caller"]),
            country=pl.lit("US"),
            experiment=pl.lit(plan.experiment, dtype=pl.String),
            arm=_arm(people.arm[lead]),
            rest=pl.Series(rest),
            ring=pl.Series(ring),
            **_verdicts(code, dice),
        )
        .with_columns(**_FLAGS)
    )
    return _timed(_judged(frame, dice), plan), _words(frame, dice), spoken


def _timed(frame: pl.DataFrame, plan: Planned) -> pl.DataFrame:
    """With the moments of each dial, and the columns that follow from them."""
    dialed, answered = pl.col("reached_carrier"), pl.col("answered")
    placed = pl.col("at") + pl.duration(milliseconds=140)
    picked = placed + _seconds(pl.col("ring"))
    talk_s = (pl.col("last_end").fill_null(0.0) + pl.col("rest")).round(2)
    ended = (
        pl.when(answered)
        .then(picked + _seconds(talk_s))
        .otherwise(placed + _seconds(pl.col("rest")))
    )
    humans = pl.col("human_answered")
    conversed = pl.col("conversed")
    return frame.with_columns(
        carrier_call_sid=pl.when(dialed).then(
            pl.lit("CA") + pl.col("attempt_id").str.replace_all("-", "", literal=True)
        ),
        state=pl.lit("ended"),
        terminal_events=pl.lit(1, pl.Int32),
        sent_at=pl.when(dialed).then(pl.col("at") + pl.duration(milliseconds=20)),
        placed_at=pl.when(dialed).then(placed),
        answered_at=pl.when(answered).then(picked),
        ended_at=ended,
        carrier_status=pl.when(dialed).then(
            pl.col("disposition").replace_strict(_STATUS, default="completed")
        ),
        end_reason=pl.col("disposition").replace_strict(_END, default="agent_hangup"),
        ended_by=pl.when(dialed).then(pl.lit("callback")).otherwise(pl.lit("dialer")),
        late=pl.lit(value=False),
        rehearsal=pl.lit(value=True),
        version=pl.lit(6, pl.Int64),
        seller=pl.lit(SELLER),
        campaign_version=pl.lit(1, pl.Int32),
        right_party=pl.when(conversed).then(pl.col("disposition") != "wrong_number"),
        first_audio_ms=pl.when(answered & (pl.col("disposition") != "abandoned")).then(
            pl.col("first_audio_ms").cast(pl.Float64).round(1)
        ),
        carrier_s=pl.when(dialed).then(pl.when(answered).then(talk_s.ceil()).otherwise(0.0)),
        talk_s=pl.when(humans).then(talk_s),
    )  # fmt: skip


def _judged(frame: pl.DataFrame, dice: np.random.Generator) -> pl.DataFrame:
    size = frame.height
    asked, luck = pl.Series(dice.random(size)), pl.Series(dice.random(size))
    total = pl.Series(np.round(100 * dice.beta(14, 2, size), 1))
    judged = pl.col("conversed") & (asked < planted.QA_JUDGED)
    return frame.with_columns(
        qa_total=pl.when(judged).then(total),
        qa_passed=pl.when(judged).then(luck >= planted.QA_FAILED),
    )


def _words(frame: pl.DataFrame, dice: np.random.Generator) -> pl.DataFrame:
    return frame.select(
        answered_by=pl.col("answer_class").replace({"machine": "machine_start"}),
        queue_time_ms=pl.Series(np.round(dice.exponential(40, frame.height), 1)),
    )


def _verdicts(code: dials.Ints, dice: np.random.Generator) -> dict[str, pl.Series]:
    """What the carrier and our own ears say of who answered, and when; null: nobody did."""
    human = code < dials.HUMANS
    machine = code == dials.CODE["machine"]
    made: dict[str, pl.Series] = {}
    for name, says in (
        ("answer_class", planted.CARRIER_SAYS),
        ("own_answer_class", planted.OWN_SAYS),
    ):
        up_to = np.cumsum(np.where(human[:, None], says["human"], says["machine"]), axis=1)
        drawn = np.minimum((dice.random(len(code))[:, None] > up_to).sum(1), 2)
        place = pl.Series(drawn).set(pl.Series(~human & ~machine), None)
        made[name] = pl.Series(_CLASSES).gather(place)
    for name, middle in (("detection_ms", 3200.0), ("own_answer_at_ms", 1100.0)):
        took = np.round(np.exp(dice.normal(np.log(middle), 0.25, len(code))), 1)
        made[name] = pl.Series(took).set(pl.Series(~human & ~machine), None)
    return made


def _sums(spoken: Turns, size: int) -> pl.DataFrame:
    """What a call's turns come to, a row per call; null where nobody talked."""
    length = spoken.end - spoken.start
    over = np.maximum(np.append(0.0, spoken.end[:-1] - spoken.start[1:]), 0) * (spoken.index > 0)
    frame = pl.DataFrame(
        {
            "call": spoken.call, "agent": spoken.agent, "length": length, "over": over,
            "end": spoken.end, "cut": spoken.interrupted,
        }
    ).hstack(spoken.texts().select("node", said=pl.col("text").str.len_chars()))  # fmt: skip
    agent = pl.col("agent")
    found = frame.group_by("call").agg(
        agent_turns=agent.sum().cast(pl.Int32),
        caller_turns=(~agent).sum().cast(pl.Int32),
        agent_speech_s=pl.col("length").filter(agent).sum().round(2),
        caller_speech_s=pl.col("length").filter(~agent).sum().round(2),
        overlap_s=pl.col("over").sum().round(2),
        longest_turn_s=pl.col("length").max().round(2),
        interruptions=pl.col("cut").sum().cast(pl.Int32),
        synthesised_characters=pl.col("said").filter(agent).sum().cast(pl.Int32),
        last_node=pl.col("node").last(),
        last_end=pl.col("end").max(),
    )
    all_calls = pl.DataFrame({"call": np.arange(size)})
    return all_calls.join(found, on="call", how="left", maintain_order="left").drop("call")


def _turns(plan: Planned, whole: pl.DataFrame, spoken: Turns) -> pl.DataFrame:
    of = whole.select("attempt_id", "campaign_id", "campaign", "person_key", "answered_at", "at")
    heard = pl.Series(spoken.emotion) >= 0
    caller = ~pl.Series(spoken.agent)
    version = pl.when(pl.col("at").dt.day() < 15).then(pl.lit("1")).otherwise(pl.lit("2"))
    frame = (
        of.select(pl.all().gather(spoken.call))
        .hstack(spoken.texts())
        .with_columns(
            turn_index=pl.Series(spoken.index).cast(pl.Int32),
            heard_fraction=_known(spoken.heard),
            interrupted=pl.when(~caller).then(pl.Series(spoken.interrupted)),
            started_at=pl.col("answered_at") + _seconds(pl.Series(spoken.start)),
            ended_at=pl.col("answered_at") + _seconds(pl.Series(spoken.end)),
            intent_score=pl.when(caller).then(pl.Series(spoken.scores[::-1])),
            intent_model=pl.when(caller).then(pl.lit("voice-ai-intent")),
            intent_version=pl.when(caller).then(version),
            emotion=spoken.emotions(),
            emotion_score=pl.when(heard).then(pl.Series(spoken.scores)),
            emotion_model=pl.when(heard).then(pl.lit("voice-ai-emotion")),
            emotion_version=pl.when(heard).then(version),
            endpoint_ms=_known(spoken.endpoint),
            stt_tail_ms=_known(spoken.tail),
            mind_ms=_known(spoken.mind),
            tts_first_byte_ms=_known(spoken.first_byte),
            response_ms=_known(spoken.response),
            rehearsal=pl.lit(value=True),
        )
    )
    return shaped(frame, "turns")


def _decisions(of: Campaign, month: date, ids: pl.DataFrame) -> pl.DataFrame:
    numbered = of.ledger.with_columns(decision_id=pl.int_range(pl.len()) + of.first_decision)
    rows = dials.in_month(numbered, "at", month)
    reasons = pl.Series([[], *([reason] for reason in ledger.REASONS)], dtype=TEXTS)
    why = reasons.gather(rows["reason"].cast(pl.Int64) + 1)
    before = reasons.gather(rows["reason_before"].cast(pl.Int64) + 1)
    frame = rows.join(ids, on="dial", how="left", maintain_order="left").with_columns(
        campaign_id=pl.lit(of.plan.id),
        campaign=pl.lit(of.plan.name),
        lead_id=(pl.col("lead") + of.first_lead).cast(pl.Int64),
        person_key=of.persons.gather(rows["lead"]),
        list=pl.Series(planted.LISTS).gather(of.people.list[rows["lead"].to_numpy()]),
        stage=pl.lit("claim"),
        allow=pl.col("reason") == ledger.ALLOWED,
        reasons=why,
        policy_hash=pl.lit("0" * 64),
        next_allowed_at="next",
        decided_at="at",
        rehearsal=pl.lit(value=True),
        allow_before=pl.col("reason_before") == ledger.ALLOWED,
        reasons_before=before,
    )
    return shaped(frame, "decisions")


def _arm(place: dials.Ints) -> pl.Series:
    known = pl.Series(place)
    return pl.Series(planted.ARMS).gather(known.set(known < 0, None))


def _seconds(value: pl.Expr | pl.Series) -> pl.Expr:
    whole = pl.lit(value) if isinstance(value, pl.Series) else value
    return pl.duration(microseconds=(whole * _US).round().cast(pl.Int64))


def _known(values: dials.Reals) -> pl.Series:
    return pl.Series(values, nan_to_null=True)


def shaped(frame: pl.DataFrame, table: str) -> pl.DataFrame:
    """The columns of a table of the lake, in its types; one that is not made up is null."""
    schema = TABLES[table].schema
    return frame.select(
        (pl.col(name) if name in frame.columns else pl.lit(None)).cast(kind).alias(name)
        for name, kind in schema.items()
    )
