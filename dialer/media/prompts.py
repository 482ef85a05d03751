"""Fixed sentences are synthesised once: a cache in memory in front of a durable store."""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from contextlib import aclosing
from typing import Protocol

import structlog

from dialer.media.voice_circuit import VoiceCircuit
from dialer.ports import Recording, SpokenAudio, Synthesis, SynthesisFailed, VoiceLost
from voice_ai.conversation.prompts import Prompt, sentences

log = structlog.get_logger(__name__)

_BYTES_PER_MS = 8


def prompt_digest(voice: str, model: str, output_format: str, text: str) -> str:
    """What makes two recordings of a sentence the same: hex SHA-256."""
    parts = "\x1f".join((voice, model, output_format, text))
    return hashlib.sha256(parts.encode()).hexdigest()


class PromptStore(Protocol):
    """Where rendered prompts survive a restart."""

    async def get(self, digest: str) -> Recording | None: ...

    async def put(self, digest: str, *, voice: str, model: str, said: Recording) -> None: ...


class PromptCache:
    """Least recently used prompts go when `max_bytes` is exceeded; the store keeps them all.

    A store that fails costs a synthesis, never a call. Without a store the cache is memory alone.
    """

    def __init__(self, store: PromptStore | None = None, *, max_bytes: int = 64_000_000) -> None:
        self._store = store
        self._max_bytes = max_bytes
        self._bytes = 0
        self._said: OrderedDict[str, Recording] = OrderedDict()

    def remembered(self, digest: str) -> Recording | None:
        """From memory alone."""
        said = self._said.get(digest)
        if said is not None:
            self._said.move_to_end(digest)
        return said

    async def get(self, digest: str) -> Recording | None:
        said = self.remembered(digest)
        if said is not None or self._store is None:
            return said
        try:
            said = await self._store.get(digest)
        except Exception as error:
            log.warning("prompt_store_unavailable", error=type(error).__name__)
            return None
        if said is not None:
            self._remember(digest, said)
        return said

    async def put(self, digest: str, *, voice: str, model: str, said: Recording) -> None:
        self._remember(digest, said)
        if self._store is None:
            return
        try:
            await self._store.put(digest, voice=voice, model=model, said=said)
        except Exception as error:
            log.warning("prompt_not_stored", error=type(error).__name__)

    def _remember(self, digest: str, said: Recording) -> None:
        before = self._said.pop(digest, None)
        self._bytes += len(said.audio) - (len(before.audio) if before else 0)
        self._said[digest] = said
        while self._bytes > self._max_bytes and len(self._said) > 1:
            _, oldest = self._said.popitem(last=False)
            self._bytes -= len(oldest.audio)


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
        parts = (text,) if key is not None else sentences(text)
        timeline = _Timeline()
        for part in parts:
            async with aclosing(self._part(part, fixed=key is not None)) as pieces:
                async for piece in pieces:
                    yield timeline.placed(piece)
            timeline.end_part(part)

    def remembered(self, text: str) -> Recording | None:
        """The whole text when it can sound at once, from memory, in any of the voices."""
        found = (self._cache.remembered(_digest(voice, text)) for voice in self._preferred())
        return next((said for said in found if said is not None), None)

    async def _part(self, text: str, *, fixed: bool) -> AsyncGenerator[SpokenAudio, None]:
        known = self.remembered(text)
        if known is None and fixed:
            known = await self._stored(text)
        if known is not None:
            yield SpokenAudio(known.audio, cached=True, ends_ms=known.ends_ms)
            return
        pieces: list[Recording] = []
        async with aclosing(self._synthesise(text)) as synthesised:
            async for piece in synthesised:
                pieces.append(piece)
                yield SpokenAudio(piece.audio, cached=False, ends_ms=piece.ends_ms)
        if fixed:
            by = self._voices[self._current]
            said = Recording(
                b"".join(piece.audio for piece in pieces),
                tuple(end for piece in pieces for end in piece.ends_ms),
            )
            await self._cache.put(_digest(by, text), voice=by.voice, model=by.model, said=said)

    async def _stored(self, text: str) -> Recording | None:
        for voice in self._preferred():
            if (said := await self._cache.get(_digest(voice, text))) is not None:
                return said
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

    async def _synthesise(self, text: str) -> AsyncGenerator[Recording, None]:
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


class _Timeline:
    """Joins the parts of a text: each one's times since the beginning of the whole."""

    def __init__(self) -> None:
        self._bytes = 0
        self._began_ms = 0
        self._told = 0
        self._known = True
        self._at_seam = False

    def placed(self, piece: SpokenAudio) -> SpokenAudio:
        self._bytes += len(piece.audio)
        self._told += len(piece.ends_ms)
        if not self._known or not piece.ends_ms:
            return piece._replace(ends_ms=())
        ends = tuple(self._began_ms + end for end in piece.ends_ms)
        if self._at_seam:
            self._at_seam = False
            ends = (self._began_ms, *ends)  # the space between two sentences
        return piece._replace(ends_ms=ends)

    def end_part(self, part: str) -> None:
        """After a part whose times were not told, those of the next ones have no place."""
        self._known = self._known and self._told == len(part)
        self._began_ms, self._told, self._at_seam = self._bytes // _BYTES_PER_MS, 0, True


def _digest(by: Synthesis, text: str) -> str:
    return prompt_digest(by.voice, by.model, by.output_format, text)
