"""Rows to leads: the accepted ones with all that is known of their place, the others with a reason.

A row is judged by these fields, where the file has them: phone, country, state, zip, timezone,
do_not_call.
"""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import polars as pl

from voice_ai.leads.normalise import Normaliser
from voice_ai.leads.places import country_code, state_code, time_zone
from voice_ai.leads.seen import SeenNumbers
from voice_ai.leads.zones import Whereabouts, mapped, repaired_zips

REASONS = {
    "no_phone": "the row has no phone number",
    "invalid_number": "no such number can exist; check its area code and digits",
    "too_few_digits": "the number is too short; the area code may be missing",
    "too_many_digits": "the number is too long; put an extension after 'x'",
    "several_numbers": "the cell holds more than one number; keep one",
    "digits_lost": "a spreadsheet rounded the number; export the column as text",
    "toll_free": "a toll-free number belongs to no place, so no calling hours hold for it",
    "premium_rate": "calls to this number are charged extra",
    "non_geographic": "the number belongs to no place, so no calling hours hold for it",
    "marked_do_not_call": "the file itself says that this lead must not be called",
    "too_many_fields": "the row has more fields than the header; a separator may lack quotes",
    "duplicate_in_file": "the number stands in an earlier line of the file",
    "duplicate_in_list": "the number is on the list already",
    "erased": "this person asked to be erased",
}
REJECT_SCHEMA = {
    "line": pl.Int64,
    "field": pl.String,
    "value": pl.String,
    "reason": pl.String,
    "explanation": pl.String,
}
_MARKED = frozenset({"yes", "y", "true", "t", "1", "x", "dnc", "stop", "do not call", "opted out"})
_EXPLANATIONS = pl.DataFrame({"reason": list(REASONS), "explanation": list(REASONS.values())})


@dataclass(frozen=True)
class Judged:
    """The verdicts on one batch.

    `accepted`: row (position in the batch), line, e164, extension, country, line_type, zip (None
    when it is not one), zones, states, number_zones, number_states (comma-joined).
    `rejects`: the columns of REJECT_SCHEMA. `notes`: counts of what is worth a warning.
    `do_not_call`: the numbers (E.164 digits) of rows that the file itself marks so.
    """

    accepted: pl.DataFrame
    rejects: pl.DataFrame
    notes: Counter[str]
    do_not_call: pl.Series


class Judge:
    """Judges the batches of one file, which must come in the order of their lines."""

    def __init__(self, region: str = "US") -> None:
        self._numbers = Normaliser(region)
        self._seen = SeenNumbers()
        self._places = Whereabouts()

    def judge(self, rows: pl.DataFrame) -> Judged:
        """`rows` has line, phone and, where mapped, country, state, zip, timezone, do_not_call.

        A Boolean column `overfull` marks rows that had more fields than the header.
        """
        regions = mapped(rows["country"], country_code) if "country" in rows.columns else None
        numbers = self._numbers.normalise(rows["phone"], regions).rename({"country": "region"})
        verdicts = pl.concat([rows, numbers], how="horizontal").with_row_index("row")
        verdicts = verdicts.with_columns(
            field=pl.lit("phone"), value=pl.col("phone"), first_line=pl.lit(None, pl.Int64)
        )
        verdicts = _refuse(verdicts, "overfull", pl.col("overfull"), "too_many_fields")
        verdicts = _refuse(verdicts, "do_not_call", _marked(), "marked_do_not_call")
        verdicts = self._without_duplicates(verdicts)
        refused = pl.col("reason").is_not_null()
        accepted, notes = self._placed(verdicts.filter(~refused))
        # Also where another row of the file has the same number and becomes a lead.
        marked = verdicts.filter(pl.col("reason") == "marked_do_not_call")["e164"].drop_nulls()
        return Judged(accepted, _rejects(verdicts.filter(refused)), notes, marked)

    def _without_duplicates(self, verdicts: pl.DataFrame) -> pl.DataFrame:
        good = np.flatnonzero(verdicts["reason"].is_null().to_numpy())
        numbers, lines = verdicts["e164"][good].to_numpy(), verdicts["line"][good].to_numpy()
        repeated, firsts = self._seen.first_lines(numbers, lines)
        marks = pl.DataFrame(
            {"row": good[repeated], "first": firsts[repeated]},
            schema={"row": pl.UInt32, "first": pl.Int64},
        )
        return (
            verdicts.join(marks, on="row", how="left", maintain_order="left")
            .with_columns(
                first_line="first",
                reason=pl.when(pl.col("first").is_not_null())
                .then(pl.lit("duplicate_in_file"))
                .otherwise("reason"),
            )
            .drop("first")
        )

    def _placed(self, good: pl.DataFrame) -> tuple[pl.DataFrame, Counter[str]]:
        zips = repaired_zips(good["zip"]) if "zip" in good.columns else None
        states = good["state"] if "state" in good.columns else None
        timezones = good["timezone"] if "timezone" in good.columns else None
        numbers = self._places.of_numbers(good["e164"])
        zones, known_states = self._places.of_rows(
            numbers, zips=zips, states=states, timezones=timezones
        )
        texts = self._places
        accepted = good.select(
            "row",
            "line",
            "e164",
            "extension",
            "line_type",
            country="region",
            zip=zips if zips is not None else pl.lit(None, pl.String),
            zones=texts.zones.texts(zones),
            states=texts.states.texts(known_states),
            number_zones=texts.zones.texts(numbers[0]),
            number_states=texts.states.texts(numbers[1]),
        )
        return accepted, _notes(good, accepted)


def explained(rejects: pl.DataFrame) -> pl.DataFrame:
    """Rejects of the shape line, field, value, reason, first_line, with a sentence each."""
    first = pl.format("the number stands in line {} already", "first_line")
    return rejects.join(_EXPLANATIONS, on="reason", how="left", maintain_order="left").select(
        "line",
        "field",
        "value",
        "reason",
        explanation=pl.when(pl.col("first_line").is_not_null())
        .then(first)
        .otherwise("explanation"),
    )


def _rejects(refused: pl.DataFrame) -> pl.DataFrame:
    return explained(refused.select("line", "field", "value", "reason", "first_line"))


def _refuse(verdicts: pl.DataFrame, column: str, bad: pl.Expr, reason: str) -> pl.DataFrame:
    """Refuses the rows where `bad` holds, when the file has that column."""
    if column not in verdicts.columns:
        return verdicts
    value = pl.lit(None, pl.String) if column == "overfull" else pl.col(column)
    return verdicts.with_columns(
        reason=pl.when(bad).then(pl.lit(reason)).otherwise("reason"),
        field=pl.when(bad)
        .then(pl.lit("row" if column == "overfull" else column))
        .otherwise("field"),
        value=pl.when(bad).then(value).otherwise("value"),
    )


def _marked() -> pl.Expr:
    return pl.col("do_not_call").str.strip_chars().str.to_lowercase().is_in(list(_MARKED))


def _notes(good: pl.DataFrame, accepted: pl.DataFrame) -> Counter[str]:
    notes: Counter[str] = Counter()
    for country, count in accepted["country"].value_counts().iter_rows():
        if country != "US":
            notes[f"country {country or 'unknown'}"] = count
    notes["zone unknown"] = int((accepted["zones"] == "").sum())
    for column, rule in (("state", state_code), ("timezone", time_zone)):
        if column in good.columns:
            filled = good[column].is_not_null() & (good[column].str.strip_chars() != "")
            notes[f"{column} not understood"] = int(
                (filled & mapped(good[column], rule).is_null()).sum()
            )
    if "zip" in good.columns:
        raw = good["zip"].str.strip_chars()
        short = raw.str.len_bytes().is_in([3, 4]) & accepted["zip"].is_not_null()
        notes["zip zero restored"] = int(short.sum())
        notes["zip not understood"] = int(
            (raw.is_not_null() & (raw != "") & accepted["zip"].is_null()).sum()
        )
    return +notes
