"""Fixed sentences are synthesised once: a cache in memory in front of a durable store."""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from typing import Protocol

import structlog

from dialer.ports import SpokenAudio, Synthesis, SynthesisFailed, VoiceLost
from voice_ai.conversation.prompts import Prompt

log = structlog.get_logger(__name__)

_ATTEMPTS = 2


def prompt_digest(voice: str, model: str, output_format: str, text: str) -> str:
    """What makes two recordings of a sentence the same: hex SHA-256."""
    parts = "\x1f".join((voice, model, output_format, text))
    return hashlib.sha256(parts.encode()).hexdigest()


class PromptStore(Protocol):
    """Where rendered prompts survive a restart."""

    async def get(self, digest: str) -> bytes | None: ...

    async def put(self, digest: str, *, voice: str, model: str, audio: bytes) -> None: ...


class PromptCache:
    """Least recently used prompts go when `max_bytes` is exceeded; the store keeps them all.

    A store that fails costs a synthesis, never a call. Without a store the cache is memory alone.
    """

    def __init__(self, store: PromptStore | None = None, *, max_bytes: int = 64_000_000) -> None:
        self._store = store
        self._max_bytes = max_bytes
        self._bytes = 0
        self._audio: OrderedDict[str, bytes] = OrderedDict()

    def remembered(self, digest: str) -> bytes | None:
        """From memory alone."""
        audio = self._audio.get(digest)
        if audio is not None:
            self._audio.move_to_end(digest)
        return audio

    async def get(self, digest: str) -> bytes | None:
        audio = self.remembered(digest)
        if audio is not None or self._store is None:
            return audio
        try:
            audio = await self._store.get(digest)
        except Exception as error:
            log.warning("prompt_store_unavailable", error=type(error).__name__)
            return None
        if audio is not None:
            self._remember(digest, audio)
        return audio

    async def put(self, digest: str, *, voice: str, model: str, audio: bytes) -> None:
        self._remember(digest, audio)
        if self._store is None:
            return
        try:
            await self._store.put(digest, voice=voice, model=model, audio=audio)
        except Exception as error:
            log.warning("prompt_not_stored", error=type(error).__name__)

    def _remember(self, digest: str, audio: bytes) -> None:
        self._bytes += len(audio) - len(self._audio.pop(digest, b""))
        self._audio[digest] = audio
        while self._bytes > self._max_bytes and len(self._audio) > 1:
            _, oldest = self._audio.popitem(last=False)
            self._bytes -= len(oldest)


class CachedVoice:
    """A `Voice` that synthesises what the cache has not; one more attempt when that fails early.

    A sentence that has begun to sound is not tried again: the person would hear it twice.
    """

    def __init__(self, synthesis: Synthesis, cache: PromptCache) -> None:
        self._synthesis = synthesis
        self._cache = cache

    async def speak(self, text: str, key: str | None) -> AsyncGenerator[SpokenAudio, None]:
        """Raises VoiceLost."""
        digest = self._digest(text)
        known = self._cache.remembered(digest) if key is None else await self._cache.get(digest)
        if known is not None:
            yield SpokenAudio(known, cached=True)
            return
        pieces: list[bytes] = []
        async with aclosing(self._synthesise(text)) as synthesised:
            async for piece in synthesised:
                pieces.append(piece)
                yield SpokenAudio(piece, cached=False)
        if key is not None:
            voice, model = self._synthesis.voice, self._synthesis.model
            await self._cache.put(digest, voice=voice, model=model, audio=b"".join(pieces))

    async def render_ahead(self, prompts: Iterable[Prompt], *, at_once: int = 4) -> int:
        """Put prompts into the cache; how many could not be. Texts said twice are made once."""
        places = asyncio.Semaphore(at_once)

        async def render(prompt: Prompt) -> bool:
            async with places:
                try:
                    async with aclosing(self.speak(prompt.text, prompt.key)) as pieces:
                        async for _ in pieces:
                            pass
                except VoiceLost as lost:
                    log.warning("prompt_not_rendered", prompt=prompt.key, reason=str(lost))
                    return False
                return True

        unique = {prompt.text: prompt for prompt in prompts}
        rendered = await asyncio.gather(*(render(prompt) for prompt in unique.values()))
        return rendered.count(False)

    async def _synthesise(self, text: str) -> AsyncGenerator[bytes, None]:
        for attempt in range(1, _ATTEMPTS + 1):
            sounding = False
            try:
                async with aclosing(self._synthesis.synthesise(text)) as pieces:
                    async for piece in pieces:
                        sounding = True
                        yield piece
                return
            except SynthesisFailed as failed:
                if sounding or not failed.worth_retrying or attempt == _ATTEMPTS:
                    raise VoiceLost(str(failed)) from failed

    def _digest(self, text: str) -> str:
        by = self._synthesis
        return prompt_digest(by.voice, by.model, by.output_format, text)
