"""Tables of labelled rows: files as they come, and what nobody knows before a call."""

import math
import random
from dataclasses import replace
from pathlib import Path

import pytest

from ml.table.fit import positive_labels
from ml.table.leaks import TOO_MUCH, cleaned, single_auc, told_after_the_call
from ml.table.rows import Row, Table, load_table, with_split
from voice_ai.errors import BadInput, Refused


def planted(rows: int = 1200, seed: int = 1) -> Table:
    """A contact is likelier in zone A and where somebody was reached before; `talked` leaks."""
    draw, made = random.Random(seed), []
    for at in range(rows):
        zone, before, age = draw.choice("ABC"), draw.random() < 0.3, draw.uniform(0, 60)
        level = 0.25 + 0.1 * math.sin(at / 200)
        odds = math.log(level / (1 - level)) + 1.2 * before + 0.6 * (zone == "A") - 0.01 * age
        hit = draw.random() < 1 / (1 + math.exp(-odds))
        features: dict[str, str | float | None] = {
            "zone": zone,
            "before": float(before),
            "age": None if at % 11 == 0 else round(age, 1),
            "talked": round(draw.expovariate(1 / (200 if hit else 20))),
        }
        made.append(Row(features, "yes" if hit else "no", at=float(at)))
    return Table("planted", ("zone", "before", "age", "talked"), tuple(made), "a test")


def write(folder: Path, text: str, name: str = "rows.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_any_separator_is_found(tmp_path: Path, separator: str) -> None:
    lines = (("age", "job", "label"), ("41", '"a, b; c"', "yes"), ("", "unknown", "no"))
    text = "\n".join(separator.join(line) for line in lines)
    table = load_table(write(tmp_path, "\ufeff" + text))
    assert table.columns == ("age", "job")
    assert [dict(row.features) for row in table.rows] == [
        {"age": 41.0, "job": "a, b; c"},
        {"age": None, "job": "unknown"},
    ]


def test_the_time_orders_rows_and_stays_no_feature(tmp_path: Path) -> None:
    text = (
        '{"at": "2026-03-01T10:00:00Z", "x": 1, "label": "b", "group": 7}\n'
        '{"at": "2026-02-01T10:00:00+02:00", "x": null, "label": "none"}\n'
    )
    table = load_table(write(tmp_path, text, "rows.jsonl"))
    assert table.columns == ("x",)
    assert [(row.label, row.group) for row in table.rows] == [("none", None), ("b", "7")]


def test_the_last_rows_in_time_are_held_out_and_content_is_hashed() -> None:
    table = planted(100)
    split = with_split(table)
    assert [row.split for row in split.rows] == ["train"] * 70 + ["heldout"] * 30
    assert table.sha256 == planted(100).sha256
    changed = (replace(table.rows[0], label="no "), *table.rows[1:])
    assert table.with_rows(changed).sha256 != table.sha256


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a,b\n1,2\n", "--label"),
        ("label\nyes\n", "no column besides"),
        ("a,label\n", "no rows"),
        ("a,label\n1\n", "empty"),
        ("a,label\n1,2,3\n", "more fields"),
        ("a,a,label\n1,2,3\n", "twice"),
        ("a,label,split\n1,yes,test\n", "not a split"),
        ("a,label,split\n1,yes,train\n1,no,\n", "some rows only"),
        ("a,label,at\n1,yes,soon\n", "not a time"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_why(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(BadInput, match=problem):
        load_table(write(tmp_path, text))


@pytest.mark.parametrize(
    "column", ["duration", "Call_Duration", "talk_time_s", "callDuration", "disposition", "outcome"]
)
def test_names_of_what_a_call_leaves_behind(column: str) -> None:
    assert told_after_the_call(column)


@pytest.mark.parametrize(
    "column", ["poutcome", "last_outcome", "previous", "age", "pdays", "contact", "campaign"]
)
def test_names_of_what_was_known_before(column: str) -> None:
    assert not told_after_the_call(column)


def test_a_column_that_tells_too_much_is_found_by_what_it_tells() -> None:
    table, findings = cleaned(with_split(planted()), {"yes"})
    (found,) = findings
    assert (found.name, found.subject, found.action) == (
        "tells_too_much",
        "talked",
        "column dropped",
    )
    assert "--keep talked" in found.detail
    assert table.columns == ("zone", "before", "age")
    kept, noted = cleaned(with_split(planted()), {"yes"}, keep=["talked"])
    assert "talked" in kept.columns
    assert noted[0].action == "noted"


def test_a_column_that_only_follows_the_time_tells_nothing() -> None:
    hit = [row.label == "yes" for row in planted().rows]
    import numpy as np

    level: list[str | float | None] = [math.sin(at / 200) for at in range(len(hit))]
    alone = single_auc(level, np.array(hit))
    assert alone is not None
    assert alone < 0.6 < TOO_MUCH


def test_rows_that_leak_are_dropped_from_what_is_learnt() -> None:
    table = with_split(planted(400))
    rows = list(table.rows)
    twin = replace(rows[399], split="train")
    late = replace(rows[5], as_of=rows[5].at + 10 if rows[5].at else None)
    rows[5:7] = [late, replace(rows[6], group="one")]
    rows[398] = replace(rows[398], group="one")
    found = cleaned(table.with_rows([*rows, twin]), {"yes"}, as_of=398.0)
    names = {finding.name: finding for finding in found[1] if finding.action != "column dropped"}
    assert {name: finding.rows for name, finding in names.items()} == {
        "after_as_of": 2,
        "group_on_both_sides": 1,
    }
    names = {f.name: f for f in cleaned(table.with_rows([*rows, twin]), {"yes"})[1]}
    assert names["duplicates"].rows == 1
    assert names["after_as_of"].rows == 1


def test_training_rows_behind_the_held_out_ones_are_told() -> None:
    table = planted(300)
    rows = [
        replace(r, split="heldout" if n % 3 == 0 else "train") for n, r in enumerate(table.rows)
    ]
    findings = cleaned(table.with_rows(rows), {"yes"})[1]
    told = next(finding for finding in findings if finding.name == "split_out_of_time")
    assert told.action == "noted"
    assert "not how well it foresees" in told.detail


def test_names_of_rows_and_columns_that_never_change_are_dropped() -> None:
    table = with_split(planted(600))
    rows = [
        replace(row, features={**row.features, "id": float(n), "same": "x"})
        for n, row in enumerate(table.rows)
    ]
    wide = replace(table.with_rows(rows), columns=(*table.columns, "id", "same"))
    left, findings = cleaned(wide, {"yes"})
    assert {(f.name, f.subject) for f in findings} >= {("identifier", "id"), ("constant", "same")}
    assert left.columns == ("zone", "before", "age")
    with pytest.raises(Refused, match="no column is left"):
        cleaned(replace(wide, columns=("id", "same")), {"yes"})


def test_the_length_of_a_bank_call_is_caught_by_name_and_by_what_it_tells(
    shared_data: Path,
) -> None:
    table = load_table(shared_data / "bank-marketing" / "bank_calls_first70.csv", label="y")
    part = with_split(table.with_rows(table.rows[-6000:]))
    assert positive_labels(part) == {"yes"}
    found = {f.subject: f.name for f in cleaned(part, {"yes"})[1]}
    assert found["duration"] == "after_the_call"
    renamed = tuple(
        replace(r, features={**r.features, "seconds_x": r.features["duration"]}) for r in part.rows
    )
    other = replace(part.with_rows(renamed), columns=("age", "seconds_x", "job"))
    assert {f.subject: f.name for f in cleaned(other, {"yes"})[1]} == {
        "seconds_x": "tells_too_much"
    }
