"""The answerer over a real socket to the simulator's endpoint, good answers and bad ones."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from time import perf_counter
from typing import Any

import pytest
from starlette.applications import Starlette

from dialer.adapters.openai_compatible import ChatCompletions
from dialer.ports import AnswerFailed, Question
from dialer.simulator.chat import ChatConfig, chat_routes
from tests.integration.dialer_parts import serving
from voice_ai.conversation.refusals import refused
from voice_ai.errors import BadInput
from voice_ai.settings import Settings

FACTS = (
    "The clinic is open from nine to five, Monday to Friday.",
    "Parking behind the building is free for patients.",
)
ASKED = Question(
    text="where can I find parking",
    asked_before="Can you come?",
    topic="the clinic",
    facts=FACTS,
    max_words=25,
    timeout_s=3.0,
    language="en-US",
)


@pytest.fixture
async def endpoint() -> AsyncIterator[str]:
    async with serving(Starlette(routes=chat_routes(ChatConfig(seed=3)))) as url:
        yield url


async def written(url: str, behaviour: str, question: Question = ASKED) -> str:
    model = ChatCompletions.connect(url, f"simulated-{behaviour}", "key")
    try:
        return await model.answer(question)
    finally:
        await model.close()


def judged(text: str) -> str | None:
    return refused(
        text,
        facts=FACTS,
        topic=ASKED.topic,
        question=ASKED.text,
        max_words=ASKED.max_words,
        language="en-US",
    )


async def test_an_answer_comes_out_of_the_facts(endpoint: str) -> None:
    text = await written(f"{endpoint}/v1/", "good")
    assert text == FACTS[1]
    assert judged(text) is None


async def test_what_the_facts_do_not_tell_is_unknown(endpoint: str) -> None:
    text = await written(endpoint, "good", replace(ASKED, text="who won yesterday"))
    assert judged(text) == "unknown"


@pytest.mark.parametrize(
    ("behaviour", "why"),
    [
        ("too_long", "too_long"),
        ("wrong_fact", "number"),
        ("human", "denies_ai"),
        ("promise", "promise"),
        ("echo", "echo"),
    ],
)
async def test_a_bad_answer_comes_and_is_refused(endpoint: str, behaviour: str, why: str) -> None:
    assert judged(await written(endpoint, behaviour)) == why


@pytest.mark.parametrize(
    ("behaviour", "why"),
    [("rate_limited", "busy"), ("server_error", "refused"), ("broken", "broken")],
)
async def test_an_answer_that_does_not_come_says_why(
    endpoint: str, behaviour: str, why: str
) -> None:
    with pytest.raises(AnswerFailed) as failed:
        await written(endpoint, behaviour)
    assert failed.value.why == why


async def test_one_that_does_not_begin_in_time_is_given_up_early(endpoint: str) -> None:
    began = perf_counter()
    with pytest.raises(AnswerFailed) as failed:
        await written(endpoint, "slow", replace(ASKED, timeout_s=0.5))
    assert failed.value.why == "late"
    assert perf_counter() - began < 5


async def test_one_connection_serves_one_question_after_the_other() -> None:
    routes = Starlette(routes=chat_routes(ChatConfig(seed=3)))
    clients = set()

    async def counted(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            clients.add(scope["client"])
        await routes(scope, receive, send)

    async with serving(counted) as url:
        model = ChatCompletions.connect(url, "simulated")
        for number in range(3):
            await model.answer(replace(ASKED, text=f"parking {number}"))
        await model.close()
    assert len(clients) == 1


async def test_nobody_there_is_a_broken_line() -> None:
    with pytest.raises(AnswerFailed) as failed:
        await written("http://127.0.0.1:9", "good")
    assert failed.value.why == "broken"


async def test_the_same_seed_draws_the_same_answers() -> None:
    rough = ChatConfig(seed=3, faults="rough")
    told: list[list[str]] = []
    for _ in range(2):
        async with serving(Starlette(routes=chat_routes(rough))) as url:
            model = ChatCompletions.connect(url, "simulated")
            asked = (outcome(model, f"parking number {n}") for n in range(12))
            told.append(list(await asyncio.gather(*asked)))
            await model.close()
    assert told[0] == told[1]
    assert len(set(told[0])) > 2


async def outcome(model: ChatCompletions, text: str) -> str:
    try:
        return await model.answer(replace(ASKED, text=text, timeout_s=0.9))
    except AnswerFailed as failed:
        return failed.why


def test_it_is_off_unless_an_endpoint_and_a_model_are_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ChatCompletions.of(Settings.read()) is None
    monkeypatch.setenv("VOICE_AI_LLM_BASE_URL", "http://127.0.0.1:9/v1")
    with pytest.raises(BadInput, match="VOICE_AI_LLM_MODEL: name the model"):
        Settings.read()
    monkeypatch.setenv("VOICE_AI_LLM_MODEL", "small")
    assert ChatCompletions.of(Settings.read()) is not None
