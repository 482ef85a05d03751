from collections.abc import AsyncGenerator, Callable

import pytest

from dialer.media.prompts import CachedVoice, PromptCache, prompt_digest
from dialer.media.voice_circuit import VoiceCircuit
from dialer.ports import Recording, SynthesisFailed, VoiceLost
from voice_ai.conversation.prompts import Prompt


class Synthesis:
    """Says a text in two pieces; `failures` are raised first, one a request."""

    output_format = "ulaw_8000"

    def __init__(self, voice: str = "rachel", model: str = "flash") -> None:
        self.voice = voice
        self.model = model
        self.requests: list[str] = []
        self.failures: list[SynthesisFailed] = []
        self.fails_after_a_piece = False
        self.times: Callable[[str], tuple[int, ...]] = lambda text: ()

    async def synthesise(self, text: str) -> AsyncGenerator[Recording, None]:
        self.requests.append(text)
        if self.failures:
            raise self.failures.pop(0)
        yield Recording(text.encode(), self.times(text))
        if self.fails_after_a_piece:
            raise SynthesisFailed("cut", worth_retrying=True)
        yield Recording(b".")


class Store:
    def __init__(self) -> None:
        self.rows: dict[str, tuple[str, str, Recording]] = {}
        self.asked = 0
        self.down = False

    async def get(self, digest: str) -> Recording | None:
        self.asked += 1
        if self.down:
            raise ConnectionError
        row = self.rows.get(digest)
        return row[2] if row else None

    async def put(self, digest: str, *, voice: str, model: str, said: Recording) -> None:
        if self.down:
            raise ConnectionError
        self.rows[digest] = (voice, model, said)


async def spoken(voice: CachedVoice, text: str, key: str | None = "k") -> tuple[bytes, bool]:
    pieces = [piece async for piece in voice.speak(text, key)]
    return b"".join(piece.audio for piece in pieces), pieces[0].cached


def passing() -> SynthesisFailed:
    return SynthesisFailed("429 system_busy", worth_retrying=True)


async def test_a_fixed_prompt_is_synthesised_once_also_across_restarts() -> None:
    synthesis, store = Synthesis(), Store()
    voice = CachedVoice(synthesis, cache=PromptCache(store))
    assert await spoken(voice, "Hello") == (b"Hello.", False)
    assert await spoken(voice, "Hello") == (b"Hello.", True)
    restarted = CachedVoice(synthesis, cache=PromptCache(store))
    assert await spoken(restarted, "Hello") == (b"Hello.", True)
    assert await spoken(restarted, "Hello") == (b"Hello.", True)
    assert synthesis.requests == ["Hello"]
    assert store.asked == 2, "memory answers first"
    (row,) = store.rows.values()
    assert row == ("rachel", "flash", Recording(b"Hello."))


async def test_what_is_personal_is_not_kept() -> None:
    synthesis, store = Synthesis(), Store()
    voice = CachedVoice(synthesis, cache=PromptCache(store))
    await spoken(voice, "Hello Ada", key=None)
    await spoken(voice, "Hello Ada", key=None)
    assert synthesis.requests == ["Hello Ada", "Hello Ada"]
    assert store.rows == {}
    assert store.asked == 0


def test_voice_model_format_and_text_all_make_a_difference() -> None:
    digests = {
        prompt_digest(*parts)
        for parts in (
            ("v", "m", "f", "text"),
            ("w", "m", "f", "text"),
            ("v", "n", "f", "text"),
            ("v", "m", "g", "text"),
            ("v", "m", "f", "texts"),
            ("vm", "", "f", "text"),
        )
    }
    assert len(digests) == 6
    assert all(len(digest) == 64 for digest in digests)


async def test_one_more_attempt_is_made_before_a_sentence_is_lost() -> None:
    synthesis = Synthesis()
    voice = CachedVoice(synthesis, cache=PromptCache())
    synthesis.failures = [passing()]
    assert (await spoken(voice, "Hello"))[0] == b"Hello."
    synthesis.failures = [passing(), passing()]
    with pytest.raises(VoiceLost, match="busy"):
        await spoken(voice, "Bye")
    assert len(synthesis.requests) == 4


async def test_what_was_refused_is_not_asked_for_again() -> None:
    synthesis = Synthesis()
    synthesis.failures = [SynthesisFailed("401 quota_exceeded", worth_retrying=False)]
    with pytest.raises(VoiceLost, match="quota"):
        await spoken(CachedVoice(synthesis, cache=PromptCache()), "Hello")
    assert len(synthesis.requests) == 1


async def test_a_sentence_that_has_begun_is_not_begun_again_and_not_kept() -> None:
    synthesis, store = Synthesis(), Store()
    synthesis.fails_after_a_piece = True
    voice = CachedVoice(synthesis, cache=PromptCache(store))
    with pytest.raises(VoiceLost):
        await spoken(voice, "Hello")
    assert len(synthesis.requests) == 1
    assert store.rows == {}


async def test_a_store_that_is_down_costs_a_synthesis_and_no_call() -> None:
    synthesis, store = Synthesis(), Store()
    store.down = True
    voice = CachedVoice(synthesis, cache=PromptCache(store))
    assert await spoken(voice, "Hello") == (b"Hello.", False)
    assert await spoken(voice, "Hello") == (b"Hello.", True)


async def test_the_least_recently_used_prompt_goes_first() -> None:
    cache = PromptCache(max_bytes=10)
    for digest, audio in (("a", b"aaaa"), ("b", b"bbbb")):
        await cache.put(digest, voice="v", model="m", said=Recording(audio))
    assert cache.remembered("a") == Recording(b"aaaa")
    await cache.put("c", voice="v", model="m", said=Recording(b"cccc"))
    assert [cache.remembered(digest) for digest in "abc"] == [
        Recording(b"aaaa"),
        None,
        Recording(b"cccc"),
    ]
    await cache.put("c", voice="v", model="m", said=Recording(b"cc"))
    await cache.put("d", voice="v", model="m", said=Recording(b"dddd"))
    assert cache.remembered("a") == Recording(b"aaaa"), "a replaced prompt is not counted twice"


async def test_prompts_are_rendered_ahead_once_and_failures_are_counted() -> None:
    synthesis = Synthesis()
    synthesis.failures = [SynthesisFailed("no", worth_retrying=False)]
    voice = CachedVoice(synthesis, cache=PromptCache())
    wanted = [Prompt("s.a", "One"), Prompt("s.b", "Two"), Prompt("s.c", "Two")]
    assert await voice.render_ahead(wanted, at_once=1) == 1
    assert await voice.render_ahead(wanted) == 0
    assert sorted(synthesis.requests) == ["One", "One", "Two"]
    assert (await spoken(voice, "Two"))[1]


async def test_another_voice_goes_on_for_the_rest_of_the_call_when_the_first_one_fails() -> None:
    first, other = Synthesis("rachel"), Synthesis("adam")
    voice = CachedVoice(first, other, cache=PromptCache())
    first.failures = [passing()]
    assert (await spoken(voice, "Hello"))[0] == b"Hello."
    assert (await spoken(voice, "Bye"))[0] == b"Bye."
    assert (first.requests, other.requests) == (["Hello"], ["Hello", "Bye"])
    assert voice.remembered("Hello") == Recording(b"Hello.")


async def test_a_recording_of_the_other_voice_is_better_than_a_wait() -> None:
    first, other, cache = Synthesis("rachel"), Synthesis("adam"), PromptCache()
    await spoken(CachedVoice(other, cache=cache), "Goodbye.")
    assert await spoken(CachedVoice(first, other, cache=cache), "Goodbye.") == (b"Goodbye..", True)
    assert first.requests == []


async def test_both_voices_lost_is_a_voice_lost() -> None:
    first, other = Synthesis("rachel"), Synthesis("adam")
    first.failures, other.failures = [passing()], [passing()]
    with pytest.raises(VoiceLost):
        await spoken(CachedVoice(first, other, cache=PromptCache()), "Hello")


async def test_a_voice_that_keeps_failing_is_left_alone_by_every_call_for_a_while() -> None:
    now = [0.0]
    circuit, cache = VoiceCircuit(lambda: now[0]), PromptCache()
    first, other = Synthesis("rachel"), Synthesis("adam")
    first.failures = [SynthesisFailed("401 quota_exceeded", worth_retrying=False)]

    async def call(text: str) -> None:
        await spoken(CachedVoice(first, other, cache=cache, circuit=circuit), text, key=None)

    await call("One.")
    await call("Two.")
    assert first.requests == ["One."]
    now[0] = 31.0
    await call("Three.")
    await call("Four.")
    assert first.requests == ["One.", "Three.", "Four."]


def test_three_failures_in_a_row_open_a_circuit_and_a_success_forgets_them() -> None:
    circuit = VoiceCircuit(lambda: 0.0)
    for _ in range(2):
        circuit.failed("v", for_good=False)
    circuit.worked("v")
    for _ in range(2):
        circuit.failed("v", for_good=False)
    assert circuit.allows("v")
    circuit.failed("v", for_good=False)
    assert not circuit.allows("v")
    assert circuit.allows("w")


async def test_only_the_sentence_with_the_name_is_synthesised() -> None:
    synthesis = Synthesis()
    voice = CachedVoice(synthesis, cache=PromptCache())
    await voice.render_ahead([Prompt("s.a", "We have news.")])
    said = [piece async for piece in voice.speak("Good day, Dr. Ada. We have news.", None)]
    assert [piece.cached for piece in said] == [False, False, True]
    assert synthesis.requests == ["We have news.", "Good day, Dr. Ada."]


async def test_times_of_sentences_made_one_by_one_count_from_the_beginning_of_the_whole() -> None:
    synthesis = Synthesis()
    synthesis.times = lambda text: tuple(range(10, 10 * len(text) + 1, 10))
    voice = CachedVoice(synthesis, cache=PromptCache())
    text = "x" * 79 + ". Ab."
    said = [piece async for piece in voice.speak(text, None)]
    ends = [end for piece in said for end in piece.ends_ms]
    assert len(ends) == len(text)
    # 80 bytes and one more of the first sentence are ten milliseconds.
    assert ends[79:] == [800, 10, 20, 30, 40]


async def test_a_sentence_whose_times_are_not_told_leaves_the_next_ones_without() -> None:
    synthesis = Synthesis()
    synthesis.times = lambda text: (1, 2, 3) if text == "Ab." else ()
    voice = CachedVoice(synthesis, cache=PromptCache())
    said = [piece async for piece in voice.speak("Ab. Cd. Ab.", None)]
    assert [piece.ends_ms for piece in said] == [(1, 2, 3), (), (), (), (), ()]
