"""The questions that `make bench` times: all that the pages' functions ask, and all answered."""

from dataclasses import replace

import pytest

from pipelines.bench_lake import questions
from pipelines.metrics.slices import Slice
from tests.factories_lake import shared_lake

QUESTIONS = questions()


def test_the_pages_functions_are_found() -> None:
    assert {"funnel.funnel", "conversations.nodes", "timing.best_time"} <= set(QUESTIONS)


@pytest.mark.parametrize("name", QUESTIONS)
def test_every_question_has_an_answer_on_a_generated_history(name: str) -> None:
    lake = shared_lake(calls=1000)
    whole = Slice(rehearsal=True)
    QUESTIONS[name](lake, whole)
    QUESTIONS[name](lake, replace(whole, campaign_id="nobody"))
