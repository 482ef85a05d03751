"""What a pre-flight asks of others: the carrier, the speech vendor, our own public address."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol, TypeVar
from uuid import UUID, uuid4

import httpx
import structlog

from dialer.callbacks import CallbackUrls
from dialer.carrier import CarrierAccount, CarrierSilent
from dialer.ports import Recording, SynthesisFailed
from voice_ai.clock import Clock
from voice_ai.errors import VoiceAIError
from voice_ai.preflight.check import Failed
from voice_ai.preflight.machines import ModelFacts, RoundTrip
from voice_ai.preflight.vendors import AccountFacts, BalanceFacts, QuotaFacts, SampleFacts

log = structlog.get_logger()
T = TypeVar("T")

# A question is harmless, so it is asked again where it was lost; three times eight seconds and
# their pauses stay below a start's patience.
_TRIES = 3
_ASK_S = 8.0
_PAUSE_S = 0.2
_OWNERS_AT_ONCE = 4
_SAMPLE = "One moment, please."
_SAID = (CarrierSilent, SynthesisFailed, VoiceAIError)


class Signatures(Protocol):
    def sign(self, url: str, form: Mapping[str, str]) -> str: ...


class SampleVoice(Protocol):
    def synthesise(self, text: str) -> AsyncGenerator[Recording, None]:
        """Raises SynthesisFailed."""


class Speech(Protocol):
    """The speech vendor's client; `dialer.adapters.elevenlabs.ElevenLabs` is one."""

    def voice(self, voice: str) -> SampleVoice: ...

    async def knows_voice(self, voice: str) -> bool: ...

    async def characters_left(self) -> int: ...

    async def close(self) -> None: ...


async def asked(work: Callable[[], Awaitable[T]]) -> T | Failed:
    """The answer, or why there is none after some tries."""
    failed = Failed("it was not asked")
    for attempt in range(_TRIES):
        if attempt:
            await asyncio.sleep(_PAUSE_S)
        try:
            async with asyncio.timeout(_ASK_S):
                return await work()
        except TimeoutError:
            failed = Failed(f"no answer within {_ASK_S:.0f} s")
        except httpx.HTTPError as error:
            failed = Failed(f"no answer ({type(error).__name__})")
        except _SAID as error:
            failed = Failed(str(error) or type(error).__name__)
        except Exception as error:  # a pre-flight ends with a red check, never with its worker
            log.exception("preflight_probe")
            return Failed(type(error).__name__)
    return failed


async def account_of(carrier: CarrierAccount) -> AccountFacts:
    told = await carrier.standing()
    return AccountFacts(told.kind, told.status)


async def balance_of(carrier: CarrierAccount) -> BalanceFacts:
    told = await carrier.balance()
    return BalanceFacts(told.amount, told.currency)


async def owned(carrier: CarrierAccount, numbers: Mapping[int, str]) -> dict[int, bool]:
    """By numbers.id, whether the account may show it."""
    turns = asyncio.Semaphore(_OWNERS_AT_ONCE)

    async def one(number: str) -> bool:
        async with turns:
            return await carrier.may_show(number)

    answers = await asyncio.gather(*map(one, numbers.values()))
    return dict(zip(numbers, answers, strict=True))


async def quota_of(speech: Speech) -> QuotaFacts:
    return QuotaFacts(await speech.characters_left())


async def sample_of(speech: Speech, voice_id: str) -> SampleFacts:
    """One short sentence in the campaign's voice, from request to audio."""
    began = time.perf_counter()
    first, received = 0.0, 0
    async with aclosing(speech.voice(voice_id).synthesise(_SAMPLE)) as pieces:
        async for piece in pieces:
            first = first or time.perf_counter() - began
            received += len(piece.audio)
    return SampleFacts(first, received)


@dataclass(frozen=True)
class OwnAddress:
    """Calls ourselves back at the public address, signed as the carrier signs."""

    urls: CallbackUrls
    signatures: Signatures
    clock: Clock

    async def round_trip(self, nonce: UUID | None = None) -> RoundTrip:
        """Raises httpx.HTTPError when nobody answers there."""
        nonce = nonce or uuid4()
        url = self.urls.preflight(nonce)
        shown = url.partition("/twilio/")[0]
        form = {"Nonce": str(nonce)}
        signature = self.signatures.sign(url, form)
        async with httpx.AsyncClient(timeout=_ASK_S, trust_env=False) as client:
            # The first request opens the connection, so that the second one is timed.
            refused = await self._post(client, url, form, signature[::-1])
            before, began = self.clock.now(), time.perf_counter()
            answer = await self._post(client, url, form, signature)
            took, after = time.perf_counter() - began, self.clock.now()
        problem, skew = _judged(answer, nonce), None
        if not problem:
            there = datetime.fromisoformat(answer.json()["now"])
            skew = (there - (before + (after - before) / 2)).total_seconds() / self.clock.speed
        return RoundTrip(
            url=shown,
            accepted=not problem,
            wrong_refused=refused.status_code == httpx.codes.FORBIDDEN,
            seconds=took,
            skew_s=skew,
            problem=problem,
        )

    async def _post(
        self, client: httpx.AsyncClient, url: str, form: Mapping[str, str], signature: str
    ) -> httpx.Response:
        headers = {"X-Twilio-Signature": signature}
        return await client.post(url, data=dict(form), headers=headers)


def _judged(answer: httpx.Response, nonce: UUID) -> str:
    """What is wrong with the answer to a rightly signed callback; empty when nothing is."""
    if answer.status_code == httpx.codes.FORBIDDEN:
        return "the server does not know the signature; it has another public URL or auth token"
    if answer.status_code != httpx.codes.OK:
        return f"status {answer.status_code}"
    try:
        body = answer.json()
        right = body["nonce"] == str(nonce) and bool(datetime.fromisoformat(body["now"]))
    except (ValueError, KeyError, TypeError):
        right = False
    return "" if right else "somebody else answers there"


def models_of(home: Path) -> ModelFacts:
    """Loads the champions of the home anew, with pins and self-test; about a second."""
    from ml.serving import ModelServer  # only when asked: a dialer itself needs no models

    server = ModelServer(home)
    server.refresh()
    status = server.status()
    return ModelFacts(
        serving={task: one["serving"] for task, one in status.items() if one["serving"]},
        refused={task: one["refused"] for task, one in status.items() if one["refused"]},
    )
