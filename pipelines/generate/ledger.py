"""The ledger of a generated campaign: refusals that pass, refusals that stay, permissions."""

import numpy as np
import polars as pl

from pipelines.generate import planted
from pipelines.generate.dials import CODE, Leads
from pipelines.generate.plan import Planned

# Reasons as they stand in the ledger; the first ones are those of `planted.NEVER`.
REASONS = (*planted.NEVER, "HOURS_CLOSED", "FREQ_GAP", "RETRY_LATER", "ATTEMPTS_EXHAUSTED")
ALLOWED = -1
_DNC = REASONS.index("DNC_INTERNAL")
_MOMENT = pl.Datetime("us", "UTC")
_SCHEMA = pl.Schema(
    {"lead": pl.Int32(), "at": _MOMENT, "reason": pl.Int8(), "dial": pl.Int64(), "next": _MOMENT}
)
_LAST = planted.MAX_DIALS - 1


def of_campaign(plan: Planned, people: Leads, dials: pl.DataFrame) -> pl.DataFrame:
    """A row per decision in the order of time: lead, at, reason (place in REASONS, -1: allowed),
    dial (row of `dials`, null: none), next; reason_before, of the decision before it on the same
    lead (null: there was none), and dialed_before, whether the lead had been dialed by then."""
    numbered = dials.select("lead", "at", "code", "dials_before", dial=pl.int_range(pl.len()))
    parts = [
        _shaped(numbered.select("lead", "at", "dial"), ALLOWED),
        _never(plan, people, dials),
        *_passing(plan, numbered),
        *_staying(numbered),
    ]
    # What happened to the dial of a row, as a column: inside `over` it would be looked up by lead.
    went = pl.concat([numbered["code"] != CODE["not_dialed"], pl.Series([None], dtype=pl.Boolean)])
    whole = pl.concat(parts).sort("lead", "at", "reason", maintain_order=True)
    nothing = len(went) - 1
    whole = whole.with_columns(
        dialed=went.gather(whole["dial"].fill_null(nothing)).fill_null(value=False)
    )
    dials_so_far = pl.col("dialed").cum_sum().over("lead") - pl.col("dialed").cast(pl.UInt32)
    before = dials_so_far > 0
    return (
        whole.with_columns(
            reason_before=pl.col("reason").shift(1).over("lead"),
            dialed_before=before,
        )
        .drop("dialed")
        .sort("at", "lead", maintain_order=True)
    )


def _never(plan: Planned, people: Leads, dials: pl.DataFrame) -> pl.DataFrame:
    """Leads that no campaign may call: refused once, in the hour in which they were loaded."""
    lead = np.flatnonzero(people.never >= 0)
    at = pl.Series(loaded_at(plan, people)).gather(lead) + pl.duration(minutes=30)
    frame = pl.DataFrame({"lead": lead.astype(np.int32)}).with_columns(
        at=at, reason=pl.Series(people.never[lead])
    )
    last = dials["at"].max()
    return _shaped(frame.filter(pl.col("at") <= last), None)


def _passing(plan: Planned, dials: pl.DataFrame) -> list[pl.DataFrame]:
    """Before some first dials it was too early in the day, before some later ones too soon."""
    luck = pl.Series(plan.dice(5).random(dials.height))
    first = pl.col("dials_before") == 0
    early = dials.filter(first & (luck < planted.REFUSED_FIRST)).unique(
        "lead", keep="first", maintain_order=True
    )
    soon = dials.filter(~first & (luck < planted.REFUSED_AGAIN))
    return [
        _shaped(
            early.select("lead", at=pl.col("at") - pl.duration(hours=3), next=pl.col("at")),
            REASONS.index("HOURS_CLOSED"),
        ),
        *(
            _shaped(
                soon.filter(pl.col("lead") % 2 == odd).select(
                    "lead", at=pl.col("at") - pl.duration(hours=5), next=pl.col("at")
                ),
                REASONS.index(reason),
            )
            for odd, reason in enumerate(("FREQ_GAP", "RETRY_LATER"))
        ),
    ]


def _staying(dials: pl.DataFrame) -> list[pl.DataFrame]:
    """After a no, and after the last dial that a lead may get."""
    no = pl.col("code").is_in([CODE["opt_out"], CODE["wrong_number"]])
    last = (pl.col("dials_before") == _LAST) & (pl.col("code") > CODE["wrong_number"])
    last &= pl.col("code") != CODE["not_dialed"]
    at = pl.col("at") + pl.duration(hours=1)
    return [
        _shaped(dials.filter(no).select("lead", at=at), _DNC),
        _shaped(dials.filter(last).select("lead", at=at), REASONS.index("ATTEMPTS_EXHAUSTED")),
    ]


def loaded_at(plan: Planned, people: Leads) -> pl.Series:
    """When each lead was loaded: six in the morning (UTC) of its day."""
    start = np.datetime64(plan.start, "us") + np.timedelta64(6, "h")
    moments = start + people.loaded * np.timedelta64(86_400_000_000, "us")
    return pl.Series("loaded_at", moments).dt.replace_time_zone("UTC")


def _shaped(frame: pl.DataFrame, reason: int | None) -> pl.DataFrame:
    given = frame if reason is None else frame.with_columns(reason=pl.lit(reason))
    columns = [
        (pl.col(name) if name in given.columns else pl.lit(None)).cast(kind).alias(name)
        for name, kind in _SCHEMA.items()
    ]
    return given.select(columns)
