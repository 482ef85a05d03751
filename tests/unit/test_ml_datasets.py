"""Data files: what is read, what the hash covers, and how a bad row is named."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from ml.datasets import Dataset, Example, leaks, with_split
from ml.text.kind import example, fit, load
from voice_ai.errors import BadInput


def write(folder: Path, name: str, content: str) -> Path:
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return path


def test_csv_tsv_and_jsonl_of_the_same_rows_have_one_hash(tmp_path: Path) -> None:
    rows = [("Hello, who is it?", "question"), ("don't call", "opt_out")]
    csv = write(
        tmp_path,
        "a.csv",
        '\ufefftext,label\n"Hello, who is it?",question\n' + "don't call,opt_out\n",
    )
    tsv = write(tmp_path, "b.tsv", "label\ttext\n" + "".join(f"{y}\t{x}\n" for x, y in rows))
    lines = [json.dumps({"text": x, "label": y}) for x, y in rows]
    jsonl = write(tmp_path, "c.jsonl", "\n\n".join(lines))
    loaded = [load(path) for path in (csv, tsv, jsonl)]
    assert {data.sha256 for data in loaded} == {loaded[0].sha256}
    assert [(e.input, e.label) for e in loaded[0].examples] == rows


@pytest.mark.parametrize(
    "changed",
    [example("hi", "no"), example("hi you", "yes"), example("hi", "yes", split="train")],
)
def test_any_change_of_a_row_changes_the_hash(changed: Example) -> None:
    before = Dataset("d", (example("hi", "yes"),))
    assert Dataset("d", (changed,)).sha256 != before.sha256


@pytest.mark.parametrize(
    ("name", "content", "place"),
    [
        ("a.csv", "text,intent\nhi,yes\n", "a.csv:1, field label"),
        ("a.csv", "text,label\nhi,yes\n  ,no\n", "a.csv:3, field text"),
        ("a.csv", "text,label\nhi\n", "a.csv:2, field label"),
        ("a.csv", "text,label\nhi, there,yes\n", "a.csv:2"),
        ("a.csv", "text,label,split\nhi,yes,some\n", "a.csv:2, field split"),
        (
            "a.jsonl",
            '{"text": "hi", "label": "yes"}\n{"text": 3, "label": "no"}',
            "a.jsonl:2, field text",
        ),
        ("a.jsonl", "[1]\n", "a.jsonl:1"),
        ("a.jsonl", "\n{oops\n", "a.jsonl:2"),
        ("a.csv", "text,label\n", "a.csv"),
        ("a.csv", "text,label,split\nhi,yes,train\nho,no,\n", "a.csv"),
        ("a.xlsx", "", "a.xlsx"),
    ],
)
def test_a_bad_file_is_named_with_line_and_field(
    tmp_path: Path, name: str, content: str, place: str
) -> None:
    with pytest.raises(BadInput) as raised:
        load(write(tmp_path, name, content))
    assert f"{place}: " in raised.value.message


def test_a_missing_or_binary_file_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        load(tmp_path / "none.csv")
    (tmp_path / "b.csv").write_bytes(b"text,label\n\xff\xfe,yes\n")
    with pytest.raises(BadInput, match="UTF-8"):
        load(tmp_path / "b.csv")


def test_a_fifth_of_each_label_is_held_out_and_stays_so_when_rows_are_added() -> None:
    rows = tuple(example(f"{word} {n}", word) for word in ("yes", "no") for n in range(50))
    first = with_split(Dataset("d", rows))
    assert {
        label: sum(e.label == label for e in first.part("heldout").examples)
        for label in first.labels
    } == {"yes": 10, "no": 10}
    more = with_split(Dataset("d", (*rows, example("yes more", "yes"))))
    moved = set(first.part("heldout").inputs) ^ set(more.part("heldout").inputs)
    assert len(moved) <= 2


def test_a_text_twice_in_a_file_is_never_on_both_sides() -> None:
    rows = tuple(example(f"word {n % 10}", "yes") for n in range(40))
    data = with_split(Dataset("d", rows))
    assert not set(data.part("train").inputs) & set(data.part("heldout").inputs)


def test_without_drops_texts_that_read_the_same() -> None:
    data = Dataset("d", (example("Don't call!", "opt_out"), example("hello", "greeting")))
    assert data.without(Dataset("x", (example("do not call", "no"),))).inputs == ["hello"]


def test_several_labels_are_joined_by_a_comma_and_none_is_allowed_beside_them(
    tmp_path: Path,
) -> None:
    content = 'text,label,place\nhi,"joy, anger",a\nho,,b\n' + "he,joy,a\n" * 20
    data = load(write(tmp_path, "a.csv", content))
    assert [e.labels for e in data.examples[:3]] == [("anger", "joy"), (), ("joy",)]
    assert data.multi_label
    assert data.examples[0].slices == {"place": "a"}
    as_list = write(tmp_path, "b.jsonl", '{"text": "hi", "label": ["joy", "anger"]}')
    assert load(as_list).examples[0].labels == ("anger", "joy")


def test_rows_of_a_group_stay_on_one_side_and_leaks_are_told() -> None:
    rows = tuple(
        replace(example(f"word {n}", "yes" if n % 2 else "no"), group=str(n // 4))
        for n in range(80)
    )
    data = with_split(Dataset("d", rows))
    learn, judge = data.part("train"), data.part("heldout")
    assert judge.examples
    assert leaks(learn, judge) == []
    assert leaks(learn, Dataset("x", learn.examples[:2])) == [
        "2 held-out rows are also among the rows to learn from",
        "1 groups have rows on both sides of the split",
    ]


def test_a_stray_quote_in_a_tsv_is_a_quote_and_quoted_fields_lose_theirs(tmp_path: Path) -> None:
    content = 'text\tlabel\n"so he said\tjoy\n"a ""big"" one"\tjoy\n7" screen\tanger\n'
    data = load(write(tmp_path, "a.tsv", content))
    assert data.inputs == ['"so he said', 'a "big" one', '7" screen']


def test_a_fifth_of_texts_with_several_labels_is_held_out_whatever_their_combinations() -> None:
    rows = tuple(example(f"word {n}", f"a{n % 7}", f"b{n % 11}") for n in range(100))
    data = with_split(Dataset("d", rows))
    assert len(data.part("heldout").examples) == 20


def test_labels_too_rare_to_learn_are_left_out_and_said_so() -> None:
    rows = [example(f"{word} {n}", word) for word in ("yes", "no") for n in range(6)]
    made = fit(Dataset("d", (*rows, example("maybe", "maybe"))), seed=7, progress=lambda s, w: None)
    assert made.labels == ("no", "yes")
    assert made.notes == (
        "the label 'maybe' has only 1 of the 3 texts it takes to learn it; left out",
    )
    with pytest.raises(BadInput, match="has 1 label to learn"):
        fit(Dataset("d", (*rows[:6], *rows[6:8])), seed=7, progress=lambda s, w: None)
