"""The composition root of the server and the worker: settings in, wired parts out."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import psycopg
import psycopg_pool
import structlog

from dialer.adapters.elevenlabs import ElevenLabs, ElevenLabsOptions
from dialer.adapters.openai_compatible import ChatCompletions
from dialer.adapters.twilio import TwilioCarrier, TwilioSignatures
from dialer.callbacks import CallbackUrls
from dialer.carrier import Carrier
from dialer.counted import CountedCarrier
from dialer.end_orders import LOOK_S, end_conversations
from dialer.gate import Gate
from dialer.health import Addresses, Health
from dialer.inbound import Inbound
from dialer.live_calls import LiveCalls
from dialer.media.prompts import PromptCache
from dialer.media.voice_circuit import VoiceCircuit
from dialer.metrics import ServerMetrics, SpeechMetrics, WorkerMetrics
from dialer.mind import ServedMind
from dialer.model_alerts import keep_models_fresh
from dialer.onlooking import LiveFeed
from dialer.permission import CarrierAccess, confirm_carrier, speech_access
from dialer.preflight import Preflights
from dialer.preflight_probes import OwnAddress
from dialer.prompt_store import PostgresPrompts, keep_prompts_ready
from dialer.reconcile import Reconciler
from dialer.recordings import Recordings
from dialer.scrape import Day
from dialer.shadows import Shadows
from dialer.spool import OptOutSpool
from dialer.transfers import Transfers
from dialer.webhooks import Webhooks
from dialer.worker import Worker
from ml.serving import ModelServer
from voice_ai.clock import Clock, SharedClock, machine_time
from voice_ai.context import Context
from voice_ai.db.connect import Pool, open_pool
from voice_ai.live_feed import channel_of, redis_in_use
from voice_ai.store.workers import Presence
from voice_ai.vault import Keyring

log = structlog.get_logger()

_SERVER_CONNECTIONS = 16
# One for every request to the carrier that may be on its way at once, and a few besides.
_SENDS_AT_ONCE = 16
_QUICKLY_LOADED = 64 * 1024 * 1024  # bytes of a model file
_SET_CLOCK_EVERY_S = 10.0


@dataclass(frozen=True)
class ServerParts:
    pool: Pool
    keyring: Keyring
    clock: Clock
    urls: CallbackUrls
    signatures: TwilioSignatures
    live: LiveCalls
    metrics: ServerMetrics
    models: ModelServer
    mind: ServedMind
    shadows: Shadows
    speech: ElevenLabs
    answerer: ChatCompletions | None
    prompts: PromptCache
    circuit: VoiceCircuit
    spool: OptOutSpool
    recordings: Recordings
    feed: LiveFeed
    webhooks: Webhooks
    inbound: Inbound
    health: Health
    day: Day
    rehearsal: bool


def _twilio(access: CarrierAccess, urls: CallbackUrls) -> TwilioCarrier:
    return TwilioCarrier(
        account_sid=access.account_sid,
        auth_token=access.auth_token,
        base_url=access.base_url,
        callbacks=urls,
    )


def _speech(context: Context, metrics: SpeechMetrics | None = None) -> ElevenLabs:
    vendor = speech_access(context.settings)
    options = ElevenLabsOptions(api_key=vendor.api_key, base_url=vendor.base_url)
    return ElevenLabs.connect(options, metrics)


def _answerer(
    context: Context, metrics: ServerMetrics, stack: AsyncExitStack
) -> ChatCompletions | None:
    answerer = ChatCompletions.of(context.settings, metrics.talk.answers)
    if answerer is not None:
        stack.push_async_callback(answerer.close)
    return answerer


def _recordings(context: Context, pool: Pool, stack: AsyncExitStack) -> Recordings:
    recordings = Recordings(pool, context.keyring, context.clock, context.settings.home)
    stack.push_async_callback(recordings.close)
    return recordings


def _preflights(
    context: Context, access: CarrierAccess, urls: CallbackUrls, twilio: TwilioCarrier, pool: Pool
) -> Preflights:
    return Preflights(
        pool=pool,
        carrier=twilio,
        account=access.account_sid,
        open_speech=lambda: _speech(context),
        own_address=OwnAddress(urls, TwilioSignatures(access.auth_token), context.clock),
        spool=OptOutSpool(context.settings.home),
        home=context.settings.home,
        keyring=context.keyring,
        clock=context.clock,
        rehearsal=access.rehearsal,
    )


def _health(
    context: Context, access: CarrierAccess, speech_url: str | None, pool: Pool, models: ModelServer
) -> Health:
    return Health(
        pool=pool,
        clock=context.clock,
        models=models,
        spool=OptOutSpool(context.settings.home),
        home=context.settings.home,
        addresses=Addresses(access.base_url, speech_url, access.rehearsal),
        redis_url=redis_in_use(context.settings, context.keyring),
    )


@asynccontextmanager
async def open_server(context: Context) -> AsyncIterator[ServerParts]:
    """Everything that the server process works with; closed in the opposite order."""
    async with AsyncExitStack() as stack:
        access = await confirm_carrier(context.settings, context.keyring)
        urls = CallbackUrls(context.settings.public_url, context.keyring)
        pool = await stack.enter_async_context(
            open_pool(context.role_url("dialer"), name="voice-ai server", most=_SERVER_CONNECTIONS)
        )
        clock = await _shared_clock(stack, pool, context.clock)
        metrics = ServerMetrics(context.settings.home)
        metrics.watch({"server": pool})
        carrier = CountedCarrier(_twilio(access, urls), metrics.carrier)
        stack.push_async_callback(carrier.close)
        vendor = speech_access(context.settings)
        speech = _speech(context, metrics.speech)
        stack.push_async_callback(speech.close)
        # A rehearsal's callees only know audio of their own simulator: nothing older is played.
        kept = PostgresPrompts(pool, context.keyring, context.clock)
        prompts = PromptCache(None if access.rehearsal else kept)
        await _background(stack, keep_prompts_ready(pool, context.keyring, speech, prompts))
        await _enter(stack, Presence(context.role_url("dialer"), "server"))
        models = await _models(stack, context, pool, clock)
        live = LiveCalls()
        await _background(stack, _end_when_asked(pool, carrier, live, clock))
        signatures = TwilioSignatures(access.auth_token)
        spool = OptOutSpool(context.settings.home)
        transfers = _closed_with(stack, Transfers(pool, context.keyring, clock, urls, carrier))
        yield ServerParts(
            pool=pool,
            keyring=context.keyring,
            clock=clock,
            urls=urls,
            signatures=signatures,
            live=live,
            metrics=metrics,
            models=models,
            mind=ServedMind(models),
            shadows=await _shadows(stack, pool, clock, models, metrics),
            speech=speech,
            answerer=_answerer(context, metrics, stack),
            prompts=prompts,
            circuit=VoiceCircuit(),
            spool=spool,
            recordings=_recordings(context, pool, stack),
            webhooks=Webhooks(pool, carrier, clock, urls, signatures, live, metrics, transfers),
            feed=await _feed(stack, context, metrics),
            inbound=Inbound(pool, context.keyring, clock, urls, signatures, spool, metrics),
            health=_health(context, access, vendor.base_url, pool, models),
            day=Day(pool, context.clock),
            rehearsal=access.rehearsal,
        )


@asynccontextmanager
async def open_worker(context: Context) -> AsyncIterator[Worker]:
    """A dialer worker, ready to run."""
    async with AsyncExitStack() as stack:
        access = await confirm_carrier(context.settings, context.keyring)
        metrics = WorkerMetrics(context.settings.home)
        urls = CallbackUrls(context.settings.public_url, context.keyring)
        twilio = _twilio(access, urls)
        carrier = CountedCarrier(twilio, metrics.carrier)
        stack.push_async_callback(carrier.close)
        url = context.role_url("dialer")
        pool = await stack.enter_async_context(open_pool(url, name="voice-ai dialer", most=8))
        sends = await stack.enter_async_context(
            open_pool(url, name="voice-ai send gate", most=_SENDS_AT_ONCE)
        )
        presence = Presence(url, "dialer")
        await _enter(stack, presence)
        metrics.watch({"dialer": pool, "send_gate": sends})
        metrics.heartbeat.set_function(lambda: presence.beaten_at or 0.0)
        clock, keyring = await _shared_clock(stack, pool, context.clock), context.keyring
        yield Worker(
            pool=pool,
            carrier=carrier,
            gate=Gate(sends, carrier, clock, keyring),
            reconciler=Reconciler(pool, carrier, clock, keyring, access.rehearsal),
            spool=OptOutSpool(context.settings.home),
            clock=clock,
            worker_id=presence.worker_id,
            rehearsal=access.rehearsal,
            preflights=_preflights(context, access, urls, twilio, pool),
            sends_at_once=_SENDS_AT_ONCE,
            metrics=metrics,
        )


def _closed_with(stack: AsyncExitStack, transfers: Transfers) -> Transfers:
    stack.push_async_callback(transfers.close)
    return transfers


async def _enter(stack: AsyncExitStack, presence: Presence) -> None:
    await presence.enter()
    stack.push_async_callback(presence.leave)
    await _background(stack, presence.beat_forever())


async def _feed(stack: AsyncExitStack, context: Context, metrics: ServerMetrics) -> LiveFeed:
    """What tells the pages of live calls; without a Redis it tells nobody."""
    feed = LiveFeed(
        lambda: redis_in_use(context.settings, context.keyring),
        channel_of(context.keyring),
        metrics.onlookers,
    )
    await _background(stack, feed.run())
    return feed


async def _shared_clock(stack: AsyncExitStack, pool: Pool, clock: Clock) -> SharedClock:
    """The process's clock, set right by the database's before anything is decided by it."""
    shared = SharedClock(clock)
    await _compare(pool, shared)
    await _background(stack, _keep_set(pool, shared))
    return shared


async def _keep_set(pool: Pool, clock: SharedClock) -> None:
    while True:
        await asyncio.sleep(_SET_CLOCK_EVERY_S)
        with suppress(psycopg.OperationalError, psycopg_pool.PoolTimeout):
            await _compare(pool, clock)


async def _compare(pool: Pool, clock: SharedClock) -> None:
    async with pool.connection() as db:
        await db.execute("SELECT 1")  # what follows is one round trip, not a new connection's
        asked = machine_time()
        row = await (await db.execute("SELECT clock_timestamp() AS there")).fetchone()
        answered = machine_time()
    assert row is not None
    if step := clock.set_right(asked, row["there"], answered):
        log.warning("clock_set_right", seconds=round(step.total_seconds(), 3))


async def _background(stack: AsyncExitStack, work: Coroutine[Any, Any, None]) -> None:
    """Runs beside the process until its parts are closed."""
    task = asyncio.create_task(work)

    async def stop() -> None:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    stack.push_async_callback(stop)


async def _end_when_asked(pool: Pool, carrier: Carrier, live: LiveCalls, clock: Clock) -> None:
    """Conversations that an operator ends. Real time: a person waits for it."""
    while True:
        await asyncio.sleep(LOOK_S)
        with suppress(psycopg.OperationalError, psycopg_pool.PoolTimeout):
            await end_conversations(pool, carrier, live, clock)


async def _models(stack: AsyncExitStack, context: Context, pool: Pool, clock: Clock) -> ModelServer:
    models = ModelServer(context.settings.home)
    # What is large loads beside the first calls; until then keywords hear for it.
    await asyncio.to_thread(models.refresh, most_bytes=_QUICKLY_LOADED)
    await _background(stack, keep_models_fresh(models, pool, clock))
    return models


async def _shadows(
    stack: AsyncExitStack, pool: Pool, clock: Clock, models: ModelServer, metrics: ServerMetrics
) -> Shadows:
    shadows = Shadows(pool, clock, models, metrics.shadows)
    await _background(stack, shadows.run())
    return shadows
