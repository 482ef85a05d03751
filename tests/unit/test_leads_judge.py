"""Every row ends accepted or refused with its line, field, value and reason."""

from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voice_ai.leads.judge import REASONS, REJECT_SCHEMA, Judge


def rows(*phones: str | None, first_line: int = 2, **columns: list[Any]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "line": pl.Series(range(first_line, first_line + len(phones)), dtype=pl.Int64),
            "phone": pl.Series(phones, dtype=pl.String),
            "overfull": pl.Series([False] * len(phones), dtype=pl.Boolean),
            **columns,
        }
    )


def test_reject_names_line_field_value_and_reason() -> None:
    judged = Judge().judge(rows("256-593-8310", "(800) 805-5678", None))
    assert judged.accepted["line"].to_list() == [2]
    assert judged.rejects.drop("explanation").rows() == [
        (3, "phone", "(800) 805-5678", "toll_free"),
        (4, "phone", None, "no_phone"),
    ]
    assert judged.rejects["explanation"].to_list() == [REASONS["toll_free"], REASONS["no_phone"]]


def test_duplicate_names_the_line_that_was_first_also_in_a_later_batch() -> None:
    judge = Judge()
    judge.judge(rows("256-593-8310", "256-593-8311"))
    later = judge.judge(rows("+1 256 593 8311", "256-593-8312", first_line=4))
    assert later.rejects.select("line", "reason", "explanation").rows() == [
        (4, "duplicate_in_file", "the number stands in line 3 already")
    ]


def test_refused_rows_do_not_make_later_ones_duplicates() -> None:
    judged = Judge().judge(rows("256-593-8310", "256-593-8310", do_not_call=["yes", None]))
    assert judged.rejects.select("line", "field", "value", "reason").rows() == [
        (2, "do_not_call", "yes", "marked_do_not_call")
    ]
    assert judged.accepted["line"].to_list() == [3]


def test_row_with_too_many_fields_is_refused() -> None:
    judged = Judge().judge(rows("256-593-8310").with_columns(overfull=pl.lit(value=True)))
    assert judged.rejects.select("field", "reason").rows() == [("row", "too_many_fields")]


def test_notes_count_what_was_mended_or_not_understood() -> None:
    judged = Judge().judge(
        rows(
            "617-495-1000",
            "809-535-1001",
            "256-593-8312",
            zip=["2138", "99999999999", None],
            state=["MA", "Nowhere", None],
            timezone=["EST", "Mars", None],
        )
    )
    assert judged.notes == {
        "country DO": 1,
        "zip zero restored": 1,
        "zip not understood": 1,
        "state not understood": 1,
        "timezone not understood": 1,
    }


@settings(max_examples=50, deadline=None)
@given(st.lists(st.from_regex(r"\A[2-9][0-9]{2}-[0-9]{3}-[0-9]{4}\Z") | st.none(), max_size=30))
def test_no_row_is_lost_or_judged_twice(phones: list[str | None]) -> None:
    judged = Judge().judge(rows(*phones))
    lines = judged.accepted["line"].to_list() + judged.rejects["line"].to_list()
    assert sorted(lines) == list(range(2, 2 + len(phones)))
    assert judged.accepted["e164"].n_unique() == len(judged.accepted)


def test_every_reason_is_explained() -> None:
    assert set(REJECT_SCHEMA) == {"line", "field", "value", "reason", "explanation"}
    assert all(sentence and sentence[0].islower() for sentence in REASONS.values())


@pytest.mark.parametrize("vintage", ["2022", "2020"])
def test_vectorised_judgement_is_row_by_row_judgement(vintage: str) -> None:
    """A batch of many gives what batches of one give."""
    phones = [f"{area}-{vintage}-55{area % 10}{area % 7}" for area in range(200, 999, 9)]
    phones = [phone.replace(f"-{vintage}-", f"-{vintage[:3]}-") for phone in phones]
    together = Judge().judge(rows(*phones))
    judge = Judge()
    apart = [judge.judge(rows(phone, first_line=at)) for at, phone in enumerate(phones, start=2)]
    assert pl.concat(one.accepted.drop("row") for one in apart).equals(
        together.accepted.drop("row")
    )
    assert pl.concat(one.rejects for one in apart).equals(together.rejects)
