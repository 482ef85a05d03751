"""The shipped data: enough of every label, nothing on both sides, every label known."""

from collections import Counter

import pytest

from ml.datasets import Dataset
from ml.tasks import TASKS, Task
from ml.text.cleaning import clean
from ml.text.kind import load

FEWEST = {"intent": (60, 12), "emotion": (100, 25)}


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
    counts = Counter(e.label for e in data.part("train").examples)
    assert max(counts.values()) <= 3 * min(counts.values())


def test_about_a_fifth_is_held_out(data: Dataset) -> None:
    share = len(data.part("heldout").examples) / len(data.examples)
    assert 0.15 <= share <= 0.25


def test_texts_carry_no_number_that_could_be_dialed(data: Dataset) -> None:
    assert [e.input for e in data.examples if sum(c.isdigit() for c in e.input) > 4] == []
