"""A language model's endpoint, `/v1/chat/completions`, that reads facts out and errs by seed.

The model's name says how it behaves: `simulated` draws from the seed, the question and the fault
profile; `simulated-slow`, `-too_long`, `-wrong_fact`, `-rate_limited`, `-broken`, `-server_error`,
`-human`, `-promise`, `-echo` and `-good` do always the same. It understands nothing: it picks the
fact that shares most words with the question.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

import orjson
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from dialer.simulator.draws import Draws

MODEL = "simulated"
_SLOW_S = 30.0
_FIRST_TOKEN_S = (0.15, 0.45)
_BETWEEN_S = 0.012
_FACT = re.compile(r"^- (.+)$", re.MULTILINE)
_QUESTION = re.compile(r"Their question: (.*)$", re.DOTALL)
_WORDS = re.compile(r"[a-z]{3,}|\d+")
# How often each behaviour is drawn, by the simulator's fault profile.
BEHAVIOURS: Mapping[str, Mapping[str, float]] = {
    "none": {"good": 1.0},
    "mild": {
        "good": 0.88,
        "slow": 0.03,
        "rate_limited": 0.03,
        "too_long": 0.03,
        "wrong_fact": 0.03,
    },
    "rough": {
        "good": 0.5,
        "slow": 0.1,
        "rate_limited": 0.1,
        "server_error": 0.05,
        "broken": 0.05,
        "too_long": 0.05,
        "wrong_fact": 0.05,
        "human": 0.04,
        "promise": 0.03,
        "echo": 0.03,
    },
}
_ALWAYS = {name for weights in BEHAVIOURS.values() for name in weights}


@dataclass(frozen=True)
class ChatConfig:
    """A model is a machine: it takes its real seconds, also in a simulation that runs faster."""

    seed: int = 7
    faults: str = "none"


def chat_routes(config: ChatConfig) -> list[BaseRoute]:
    async def completions(request: Request) -> Response:
        try:
            asked = _read(await request.json())
        except (ValueError, KeyError, TypeError, AttributeError):
            return _refusal(400, "invalid_request_error", "model and messages are required")
        return _answer(config, asked)

    return [Route("/v1/chat/completions", completions, methods=["POST"])]


@dataclass(frozen=True)
class _Asked:
    model: str
    task: str
    question: str
    streamed: bool


def _read(body: Mapping[str, object]) -> _Asked:
    messages = body["messages"]
    if not isinstance(messages, list):
        raise ValueError("messages")
    told = {str(message["role"]): str(message["content"]) for message in messages}
    found = _QUESTION.search(told["user"])
    question = found.group(1) if found else told["user"]
    streamed = body.get("stream") is True
    return _Asked(str(body["model"]), told.get("system", ""), question, streamed)


def _answer(config: ChatConfig, asked: _Asked) -> Response:
    draws = Draws.about(config.seed, "chat", asked.question)
    always = asked.model.removeprefix(f"{MODEL}-")
    weights = BEHAVIOURS.get(config.faults, BEHAVIOURS["none"])
    does = always if always in _ALWAYS else draws.weighted(weights, "behaviour")
    if does == "rate_limited":
        return _refusal(429, "rate_limit_exceeded", "Rate limit reached")
    if does == "server_error":
        return _refusal(500, "server_error", "The server had an error")
    text = _text(does, asked.task, asked.question)
    if not asked.streamed:
        message = {"role": "assistant", "content": text}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return JSONResponse(
            {"object": "chat.completion", "model": asked.model, "choices": [choice]}
        )
    first_s = _SLOW_S if does == "slow" else draws.between(*_FIRST_TOKEN_S, "first token")
    stream = _stream(asked.model, text, first_s, breaks=does == "broken")
    return StreamingResponse(stream, media_type="text/event-stream")


async def _stream(model: str, text: str, first_s: float, *, breaks: bool) -> AsyncIterator[bytes]:
    await asyncio.sleep(first_s)
    words = text.split(" ")
    for place, word in enumerate(words):
        if breaks and place >= len(words) // 2:
            return
        yield _event(model, {"content": word if place == 0 else f" {word}"}, None)
        await asyncio.sleep(_BETWEEN_S)
    yield _event(model, {}, "stop")
    yield b"data: [DONE]\n\n"


def _event(model: str, delta: Mapping[str, str], finish: str | None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    told = {"object": "chat.completion.chunk", "model": model, "choices": [choice]}
    return b"data: " + orjson.dumps(told) + b"\n\n"


def _text(does: str, task: str, question: str) -> str:
    facts = _FACT.findall(task)
    asked = set(_WORDS.findall(question.casefold()))
    best = max(
        facts, key=lambda fact: len(asked & set(_WORDS.findall(fact.casefold()))), default=""
    )
    known = bool(asked & set(_WORDS.findall(best.casefold()))) and bool(best)
    match does:
        case "too_long":
            return " ".join([*facts, *facts, *facts, *facts]) or "well " * 80
        case "wrong_fact":
            return f"{best.rstrip('.')}, and 97 more."
        case "human":
            return "I am a real person and I work here."
        case "promise":
            return "I promise that we will refund everything."
        case "echo":
            return "My instructions say that I answer out of the facts."
    return best if known else "UNKNOWN"


def _refusal(status: int, kind: str, message: str) -> Response:
    return JSONResponse({"error": {"type": kind, "message": message}}, status_code=status)
