"""Free-form answers from any server that speaks OpenAI's streaming chat completions, over httpx.

Nothing here judges an answer (`voice_ai.conversation.refusals` does); it is only kept short, early
and whole: a stream that breaks off is no answer.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import orjson

from dialer.metrics import AnswerMetrics
from dialer.ports import AnswerFailed, Question
from voice_ai.conversation.answer_prompt import ANSWER_TASK
from voice_ai.settings import Settings

if TYPE_CHECKING:
    import httpx

# Part of the answer's own time: a model that has not begun by then will not be done in time.
_FIRST_TOKEN_SHARE = 0.7
_TOKENS_PER_WORD = 3
_IDLE_CONNECTION_S = 60.0
_BUSY = 429
# What comes behind the last word; who takes longer loses the connection, not the answer.
_ENDING_S = 0.1


class ChatCompletions:
    """One endpoint and model; connections are kept and shared by all calls."""

    def __init__(
        self,
        client: "httpx.AsyncClient",
        model: str,
        metrics: AnswerMetrics | None = None,
    ) -> None:
        self._client = client
        self._model = model
        self._metrics = metrics or AnswerMetrics()

    @classmethod
    def of(
        cls, settings: Settings, metrics: AnswerMetrics | None = None
    ) -> "ChatCompletions | None":
        """None unless an endpoint is set: free-form answers are off by default."""
        if settings.llm_base_url is None or settings.llm_model is None:
            return None
        key = settings.llm_api_key
        secret = key.get_secret_value() if key is not None else None
        return cls.connect(settings.llm_base_url, settings.llm_model, secret, metrics)

    @classmethod
    def connect(
        cls,
        base_url: str,
        model: str,
        api_key: str | None = None,
        metrics: AnswerMetrics | None = None,
    ) -> "ChatCompletions":
        """Opens nothing yet. The address may end in `/v1` or not."""
        import httpx

        limits = httpx.Limits(
            max_connections=100,
            max_keepalive_connections=20,
            keepalive_expiry=_IDLE_CONNECTION_S,
        )
        client = httpx.AsyncClient(
            base_url=base_url.rstrip("/").removesuffix("/v1"),
            headers={"Authorization": f"Bearer {api_key}"} if api_key else {},
            limits=limits,
            timeout=None,  # each question brings its own
        )
        return cls(client, model, metrics)

    async def answer(self, question: Question) -> str:
        """Raises AnswerFailed."""
        import httpx

        began = asyncio.get_running_loop().time()
        first_token_s = question.timeout_s * _FIRST_TOKEN_SHARE
        try:
            async with asyncio.timeout_at(began + first_token_s) as limit:
                written = ""
                async for piece in self._pieces(question):
                    if not written:
                        limit.reschedule(began + question.timeout_s)
                    written += piece
                    # Words cost time to say: one that goes on and on is refused already.
                    if len(written.split()) > 2 * question.max_words:
                        break
                return written
        except TimeoutError:
            raise AnswerFailed("late") from None
        except httpx.HTTPError:
            raise AnswerFailed("broken") from None

    async def close(self) -> None:
        await self._client.aclose()

    async def _pieces(self, question: Question) -> AsyncIterator[str]:
        """The answer as it comes; ends only when the endpoint said that it is complete."""
        asked = time.perf_counter()
        begun = False
        request = self._client.stream("POST", "/v1/chat/completions", json=self._request(question))
        async with request as response:
            if response.status_code != 200:
                raise AnswerFailed("busy" if response.status_code == _BUSY else "refused")
            lines = response.aiter_lines()
            async for line in lines:
                if not line.startswith("data:"):
                    continue
                data = line.removeprefix("data:").strip()
                if data == "[DONE]":
                    await _to_the_end(lines)
                    return
                piece, is_last = _read(data)
                if piece:
                    if not begun:
                        took = time.perf_counter() - asked
                        self._metrics.first_token_seconds.observe(took)
                        begun = True
                    yield piece
                if is_last:
                    await _to_the_end(lines)
                    return
        raise AnswerFailed("broken")

    def _request(self, question: Question) -> dict[str, Any]:
        facts = "\n".join(f"- {fact}" for fact in question.facts)
        task = ANSWER_TASK.format(
            max_words=question.max_words,
            language=question.language,
            topic=question.topic,
            facts=facts,
        )
        before = f"They had been asked: {question.asked_before}\n" if question.asked_before else ""
        return {
            "model": self._model,
            "messages": [
                {"role": "system", "content": task},
                {"role": "user", "content": f"{before}Their question: {question.text}"},
            ],
            "stream": True,
            "temperature": 0,
            "max_tokens": _TOKENS_PER_WORD * question.max_words + 16,
        }


async def _to_the_end(lines: AsyncIterator[str]) -> None:
    """A stream that is read to its end leaves its connection to the next question."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_ENDING_S):
            async for _ in lines:
                pass


def _read(data: str) -> tuple[str, bool]:
    """The piece of text of one event, and whether the answer is complete with it."""
    try:
        event = orjson.loads(data)
        choices = event["choices"]
        if not choices:  # some servers end with the usage alone
            return "", False
        choice = choices[0]
        return choice.get("delta", {}).get("content") or "", choice.get("finish_reason") == "stop"
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError, IndexError):
        raise AnswerFailed("broken") from None
