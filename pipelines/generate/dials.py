"""The dials of one campaign: who, when, from which number, and what became of it; vectorised.

A wave is the next dial of every lead that still has one coming. Small types: a campaign of a
million dials stays within a hundred megabytes.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from pipelines.generate import planted
from pipelines.generate.plan import Planned

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Reals = npt.NDArray[np.float64]

TALKED = ("goal", "conversed_no_goal", "callback_requested", "not_interested", "opt_out")
CODES = (
    *TALKED, "wrong_number", "human_hangup", "abandoned", *planted.NOT_HUMAN,
)  # fmt: skip
CODE = {code: place for place, code in enumerate(CODES)}
HUMANS = CODE["abandoned"] + 1  # codes below are people
FINAL = frozenset({"goal", "not_interested", "opt_out", "wrong_number", "failed_permanent"})
MOST = planted.MAX_DIALS
_FINAL = np.array([code in FINAL for code in CODES])
# Days until the next dial, at least and at most, by what became of this one.
_AGAIN = {
    "conversed_no_goal": (7, 9), "callback_requested": (1, 2), "human_hangup": (2, 5),
    "abandoned": (3, 5), "machine": (1, 3), "no_answer": (1, 3), "busy": (1, 2),
}  # fmt: skip
_WAIT = np.array([_AGAIN.get(code, (1, 1)) for code in CODES])
_WAVES = planted.MAX_DIALS + 2
_LATE_FROM_MS = 2000.0
_HOURS = np.array(list(planted.DIALS_BY_HOUR))
_BY_HOUR = np.array([planted.HUMAN_BY_HOUR.get(hour, 0.0) for hour in range(24)])
_BY_WEEKDAY = np.array([0.0, *planted.HUMAN_BY_WEEKDAY.values(), 0.0])
_DIALS_PER_LEAD = 4.6


@dataclass(frozen=True)
class Leads:
    """By the place of a lead in its campaign: list, zone, arm, reason that it is never called for
    (-1: none), day of the campaign on which it was loaded."""

    list: Ints
    zone: Ints
    arm: Ints
    never: Ints
    loaded: Ints

    def __len__(self) -> int:
        return len(self.list)


def of_campaign(plan: Planned) -> tuple[Leads, pl.DataFrame]:
    """The leads, and a row per dial in the order of time: lead (its place), no, dials_before, at,
    local_at (without a zone), caller, code (place in CODES), first_audio_ms and first_*."""
    size = max(1, round(plan.calls / _DIALS_PER_LEAD))
    while True:
        people = _leads(plan, size)
        found = _waves(plan, people)
        if found.height >= plan.calls:
            break
        size = int(size * max(1.05, 1.03 * plan.calls / max(found.height, 1))) + 1
    rows = found.with_columns(at=_utc(found, people)).sort("at", "lead", "no").head(plan.calls)
    return people, _firsts(rows)


def _leads(plan: Planned, size: int) -> Leads:
    dice = plan.dice(1, size)
    experiment = planted.lift_of(plan.place)
    reasons = list(planted.NEVER.values())
    weeks = max(1, int(plan.days * 0.75) // 7)
    never = dice.choice(len(reasons) + 1, size, p=[*reasons, 1 - sum(reasons)])
    return Leads(
        list=dice.choice(len(planted.LISTS), size, p=planted.LIST_SHARE),
        zone=dice.choice(len(planted.ZONES), size, p=planted.ZONE_SHARE),
        arm=dice.integers(0, 2, size) if experiment else np.full(size, -1),
        never=np.where(never == len(reasons), -1, never),
        loaded=np.sort(dice.integers(0, weeks, size)) * 7,
    )


def _waves(plan: Planned, people: Leads) -> pl.DataFrame:
    lead = np.flatnonzero(people.never < 0)
    dice = plan.dice(2, len(people))
    day = people.loaded[lead] + dice.integers(0, 7, len(lead))
    dials = np.zeros(len(lead), np.int64)
    waves = []
    for no in range(1, _WAVES + 1):
        day = day + (_weekday(plan, day) == 7)  # nobody is called on a Sunday
        kept = (day < plan.days) & (dials < planted.MAX_DIALS)
        lead, day, dials = lead[kept], day[kept], dials[kept]
        wave = _dial(plan, people, dice, lead, day, dials)
        waves.append(wave.with_columns(no=pl.lit(no, pl.Int32)))
        code = wave["code"].to_numpy()
        dials = dials + (code != CODE["not_dialed"])
        wait = dice.integers(_WAIT[code, 0], _WAIT[code, 1] + 1)
        going = ~_FINAL[code]
        lead, day, dials = lead[going], (day + wait)[going], dials[going]
    return pl.concat(waves)


def _dial(
    plan: Planned, people: Leads, dice: np.random.Generator, lead: Ints, day: Ints, dials: Ints
) -> pl.DataFrame:
    size = len(lead)
    share = np.array(list(planted.DIALS_BY_HOUR.values()))
    hour = _HOURS[dice.choice(len(_HOURS), size, p=share / share.sum())]
    second = hour * 3600 + dice.integers(0, 3600, size)
    caller = dice.integers(0, len(plan.caller_ids), size)
    late = dice.random(size) < planted.LATE_AUDIO
    quick = np.minimum(np.exp(dice.normal(np.log(900), 0.28, size)), 1990.0)
    slow = _LATE_FROM_MS + 20 + dice.exponential(900.0, size)
    code = _outcome(plan, people, dice, _Dial(lead, day, hour, dials, caller, late))
    start = np.datetime64(plan.start, "us")
    local = start + day * np.timedelta64(86_400_000_000, "us")
    local = local + second * np.timedelta64(1_000_000, "us")
    local = local + dice.integers(0, 1_000_000, size) * np.timedelta64(1, "us")
    return pl.DataFrame(
        {
            "lead": lead.astype(np.int32),
            "dials_before": dials.astype(np.int32),
            "local_at": local,
            "caller": caller.astype(np.int8),
            "code": code.astype(np.int8),
            "first_audio_ms": np.round(np.where(late, slow, quick), 1).astype(np.float32),
        }
    )


@dataclass(frozen=True)
class _Dial:
    lead: Ints
    day: Ints
    hour: Ints
    dials: Ints
    caller: Ints
    late: Flags


def _outcome(plan: Planned, people: Leads, dice: np.random.Generator, dial: _Dial) -> Ints:
    size, lists = len(dial.lead), people.list[dial.lead]
    chance = planted.HUMAN * _BY_HOUR[dial.hour] * _BY_WEEKDAY[_weekday(plan, dial.day)]
    chance = chance * np.array(planted.LIST_HUMAN)[lists]
    chance = chance * np.array(planted.HUMAN_BY_DIAL)[dial.dials]
    if plan.bad_since is not None:
        since = (plan.bad_since - plan.start).days
        bad = (dial.caller == planted.BAD_CALLER_ID) & (dial.day >= since)
        chance = np.where(bad, chance * planted.BAD_HUMAN, chance)
    human = dice.random(size) < np.minimum(chance, 0.9)
    shares = list(planted.NOT_HUMAN.values())
    nobody = HUMANS + dice.choice(len(shares), size, p=shares)
    return np.where(human, _said(plan, people, dice, dial), nobody)


def _said(plan: Planned, people: Leads, dice: np.random.Generator, dial: _Dial) -> Ints:
    """What comes of it when a person picks up."""
    size, lists = len(dial.lead), people.list[dial.lead]
    goal = planted.GOAL * np.array(planted.LIST_GOAL)[lists]
    experiment = planted.lift_of(plan.place)
    if experiment is not None:
        goal = np.where(people.arm[dial.lead] == 1, goal * experiment[1], goal)
    steps = (
        ("goal", goal),
        ("callback_requested", np.full(size, planted.CALLBACK)),
        ("wrong_number", np.array(planted.LIST_WRONG_NUMBER)[lists]),
        ("opt_out", np.array(planted.LIST_OPT_OUT)[lists]),
        ("not_interested", np.full(size, planted.NOT_INTERESTED)),
    )
    luck, code, up_to = dice.random(size), np.full(size, CODE["conversed_no_goal"]), np.zeros(size)
    for name, share in steps:
        code = np.where((luck >= up_to) & (luck < up_to + share), CODE[name], code)
        up_to = up_to + share
    early = dice.random(size)
    gone = np.where(dial.late, planted.HANG_UP_WHEN_LATE, planted.HANG_UP)
    code = np.where(early < gone, CODE["human_hangup"], code)
    return np.where(early > 1 - planted.ABANDONED, CODE["abandoned"], code)


def _weekday(plan: Planned, day: Ints) -> Ints:
    return (plan.start.isoweekday() - 1 + day) % 7 + 1


def _utc(rows: pl.DataFrame, people: Leads) -> pl.Series:
    """The moments of local_at, zone by zone. No dial is at an hour that a change of the clock
    leaves out or has twice."""
    zone = people.zone[rows["lead"].to_numpy()]
    moments = np.empty(rows.height, "datetime64[us]")
    for place, name in enumerate(planted.ZONES):
        here = zone == place
        local = rows["local_at"].filter(pl.Series(here)).dt.replace_time_zone(name)
        moments[here] = local.dt.convert_time_zone("UTC").dt.replace_time_zone(None).to_numpy()
    return pl.Series("at", moments).dt.replace_time_zone("UTC")


def _firsts(rows: pl.DataFrame) -> pl.DataFrame:
    """With first_* (the first dial of its lead that got so far), human_before and previous_dial_at.
    Rows are in the order of time."""
    went, human = _REACHED["dial"], _REACHED["human"]
    return rows.with_columns(
        *(
            (reached & (reached.cum_sum().over("lead") == 1)).alias(f"first_{name}")
            for name, reached in _REACHED.items()
        ),
        human_before=human.cum_sum().over("lead") > human.cast(pl.UInt32),
        previous_dial_at=pl.when(went).then("at").shift(1).forward_fill().over("lead"),
    )


def _among(*codes: str) -> pl.Expr:
    return pl.col("code").is_in([CODE[code] for code in codes])


_RIGHT = _among(*TALKED)
_REACHED = {
    "dial": pl.col("code") != CODE["not_dialed"],
    "answered": (pl.col("code") < HUMANS) | _among("machine", "dead_air"),
    "human": pl.col("code") < HUMANS,
    "right_party": _RIGHT,
    "conversed": _RIGHT | _among("wrong_number"),
    "goal": pl.col("code") == CODE["goal"],
}


def in_month(rows: pl.DataFrame, column: str, month: date) -> pl.DataFrame:
    """The rows whose moment is in that month, by UTC."""
    until = date(month.year + month.month // 12, month.month % 12 + 1, 1)
    first, last = (pl.lit(_midnight(day)) for day in (month, until))
    return rows.filter((pl.col(column) >= first) & (pl.col(column) < last))


def _midnight(day: date) -> Any:
    return pl.Series([datetime(day.year, day.month, day.day)], dtype=pl.Datetime("us", "UTC"))[0]
