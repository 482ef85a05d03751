"""The shipped data: enough of every label, nothing on both sides, every label known."""

from collections import Counter
from pathlib import Path

import pytest

from ml.datasets import Dataset
from ml.tasks import TASKS, Task
from ml.text.cleaning import clean
from ml.text.kind import load

FEWEST = {"intent": (60, 12), "emotion": (100, 25), "opt_out": (900, 90), "answer": (80, 20)}
# What is none of the others is wide by nature: it needs more examples, and the fit weighs it down.
CATCH_ALL = ("out_of_scope", "other")
# Rows of a second held-out file, written after the first had been looked at many times.
MORE = ("intent", "emotion", "opt_out")


TEXTS = Path(__file__).parents[1] / "data"


def more_of(name: str) -> Path:
    file = TASKS[name].data_file
    return file.with_name("heldout_more.csv")


@pytest.fixture(params=sorted(FEWEST))
def task(request: pytest.FixtureRequest) -> Task:
    return TASKS[request.param]


@pytest.fixture
def data(task: Task) -> Dataset:
    return load(task.data_file)


def test_no_text_is_there_twice_in_any_spelling(data: Dataset) -> None:
    counts = Counter(clean(e.input) for e in data.examples)
    assert [text for text, n in counts.items() if n > 1 or not text] == []


def test_every_label_of_the_task_has_enough_on_both_sides(task: Task, data: Dataset) -> None:
    for split, fewest in zip(("train", "heldout"), FEWEST[task.name], strict=True):
        counts = Counter(e.label for e in data.examples if e.split == split)
        assert set(counts) == set(task.labels)
        assert min(counts.values()) >= fewest


def test_no_label_outweighs_another_by_more_than_three_times(data: Dataset) -> None:
    counts = Counter(e.label for e in data.part("train").examples if e.label not in CATCH_ALL)
    assert max(counts.values()) <= 3 * min(counts.values())


def test_enough_is_held_out_to_tell_a_figure(data: Dataset) -> None:
    assert len(data.part("heldout").examples) >= 170


@pytest.mark.parametrize("name", MORE)
def test_what_was_held_out_later_is_new_to_the_task(name: str) -> None:
    data, more = load(TASKS[name].data_file), load(more_of(name))
    assert len(more.without(data).examples) == len(more.examples) >= 100
    assert {e.label for e in more.examples} == set(TASKS[name].labels)


def test_the_set_of_the_phrases_is_no_training_data() -> None:
    said = {clean(text) for text in (TEXTS / "opt_outs.txt").read_text("utf-8").splitlines()}
    trained = {clean(e.input) for e in load(TASKS["opt_out"].data_file).examples}
    assert said & trained == set()


def test_opt_outs_are_opt_outs_in_every_task() -> None:
    """The opt-out's data holds the other tasks' sentences too: what is said in calls anyway."""
    intent = {clean(e.input): e for e in load(TASKS["intent"].data_file).examples}
    for example in load(TASKS["opt_out"].data_file).examples:
        other = intent.get(clean(example.input))
        if other is not None:
            assert (other.label == "opt_out") is (example.label == "opt_out"), example.input
            assert example.split == "heldout" or other.split == "train", example.input


def test_texts_carry_no_number_that_could_be_dialed(data: Dataset) -> None:
    assert [e.input for e in data.examples if sum(c.isdigit() for c in e.input) > 4] == []
