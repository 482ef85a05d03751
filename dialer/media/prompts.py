"""Fixed sentences are synthesised once: a cache in memory in front of a durable store."""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from contextlib import aclosing
from typing import Protocol

import structlog

from dialer.media.voice_circuit import VoiceCircuit
from dialer.ports import SpokenAudio, Synthesis, SynthesisFailed, VoiceLost
from voice_ai.conversation.prompts import Prompt, sentences

log = structlog.get_logger(__name__)


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
    """A `Voice` that synthesises what the cache has not, and goes on when a voice fails.

    A voice that fails before it sounds is replaced for the rest of the call by the next of
    `voices`; the only one gets a second attempt. A sentence that has begun to sound is not tried
    again: the person would hear it twice.
    """

    def __init__(
        self, *voices: Synthesis, cache: PromptCache, circuit: VoiceCircuit | None = None
    ) -> None:
        self._voices = voices
        self._cache = cache
        self._circuit = circuit or VoiceCircuit()
        self._current = 0

    async def speak(self, text: str, key: str | None) -> AsyncGenerator[SpokenAudio, None]:
        """Raises VoiceLost.

        What is personal is made sentence by sentence, so that only those with a name in them wait
        for the synthesis; the others were rendered ahead (`conversation.prompts`).
        """
        for part in (text,) if key is not None else sentences(text):
            async with aclosing(self._part(part, fixed=key is not None)) as pieces:
                async for piece in pieces:
                    yield piece

    def remembered(self, text: str) -> bytes | None:
        """The whole text's audio when it can sound at once, from memory, in any of the voices."""
        found = (self._cache.remembered(_digest(voice, text)) for voice in self._preferred())
        return next((audio for audio in found if audio is not None), None)

    async def _part(self, text: str, *, fixed: bool) -> AsyncGenerator[SpokenAudio, None]:
        known = self.remembered(text)
        if known is None and fixed:
            known = await self._stored(text)
        if known is not None:
            yield SpokenAudio(known, cached=True)
            return
        pieces: list[bytes] = []
        async with aclosing(self._synthesise(text)) as synthesised:
            async for piece in synthesised:
                pieces.append(piece)
                yield SpokenAudio(piece, cached=False)
        if fixed:
            by = self._voices[self._current]
            await self._cache.put(
                _digest(by, text), voice=by.voice, model=by.model, audio=b"".join(pieces)
            )

    async def _stored(self, text: str) -> bytes | None:
        for voice in self._preferred():
            if (audio := await self._cache.get(_digest(voice, text))) is not None:
                return audio
        return None

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

    def _preferred(self) -> Iterator[Synthesis]:
        """The voice of this call first; another one's recording is better than a wait."""
        yield from self._voices[self._current :]
        yield from self._voices[: self._current]

    async def _synthesise(self, text: str) -> AsyncGenerator[bytes, None]:
        attempts = self._attempts()
        for number, position in enumerate(attempts, 1):
            voice, sounding = self._voices[position], False
            try:
                async with aclosing(voice.synthesise(text)) as pieces:
                    async for piece in pieces:
                        self._current, sounding = position, True
                        yield piece
                self._circuit.worked(voice.voice)
                return
            except SynthesisFailed as failed:
                self._circuit.failed(voice.voice, for_good=not failed.worth_retrying)
                same_again = attempts[number:] and attempts[number] == position
                if (
                    sounding
                    or number == len(attempts)
                    or (same_again and not failed.worth_retrying)
                ):
                    raise VoiceLost(str(failed)) from failed
                log.warning("voice_failed", voice=voice.voice, reason=str(failed))

    def _attempts(self) -> Sequence[int]:
        """Which voice is asked, one after the other."""
        left = range(self._current, len(self._voices))
        if len(left) == 1:
            return (left[0], left[0])
        able = [position for position in left if self._circuit.allows(self._voices[position].voice)]
        return able or (left[-1],)


def _digest(by: Synthesis, text: str) -> str:
    return prompt_digest(by.voice, by.model, by.output_format, text)
