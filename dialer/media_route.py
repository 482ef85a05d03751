"""The media socket: a signed upgrade, an attempt that it proves to belong to, a conversation."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import orjson
import structlog
from fastapi import APIRouter

from dialer.call_log import PostgresCallLog
from dialer.callbacks import MEDIA_PATH
from dialer.carrier import Carrier, CarrierSilent
from dialer.connecting import script_of
from dialer.experiments import arm_of_call
from dialer.media.events import SessionControl
from dialer.media.frames import BadFrame, Started, read
from dialer.media.handover import Resumed
from dialer.media.prompts import CachedVoice
from dialer.media.session import SessionLimits, converse
from dialer.media_socket import AsgiSocket, socket_route
from dialer.mind import ServedMind
from dialer.onlooking import PublishingLog
from dialer.parts import ServerParts
from dialer.ports import SocketClosed, StreamStart
from dialer.prompt_store import voices_of
from dialer.transfer_routes import CallHandover
from voice_ai.answering import Answering
from voice_ai.calls import AttemptState
from voice_ai.campaigns import Pacing, Voice
from voice_ai.conversation.graph import Script
from voice_ai.db import queries
from voice_ai.emotions import TEXT, EmotionSource
from voice_ai.errors import BadInput
from voice_ai.ids import AttemptId, CarrierSid
from voice_ai.vault import Keyring

log = structlog.get_logger()
_SQL = queries("attempts")
# The carrier ends the call at its own limit; ours comes first, with a polite word.
_GOODBYE_S = 15.0
# The carrier says it at once. Whoever does not is no carrier, and is not waited for.
_START_S = 10.0


@dataclass(frozen=True)
class CallSetup:
    """What a conversation needs to know of its call."""

    attempt_id: AttemptId
    script: Script
    slots: Mapping[str, str | None]
    voice: Voice
    max_call_s: float
    answer_class: str | None
    arm: str | None = None
    language: str | None = None
    answering: Answering = Answering()
    emotion: EmotionSource = TEXT
    resumed: Resumed | None = None
    campaign_id: str | None = None

    @property
    def talks_s(self) -> float:
        """How long the conversation may go on."""
        return max(15.0, self.max_call_s - _GOODBYE_S)

    def mind(self, served: ServedMind) -> ServedMind:
        """Who understands what is said in this call."""
        return served.of_call(str(self.attempt_id), self.campaign_id, self.emotion)

    @property
    def private_words(self) -> tuple[str, ...]:
        """Values that must not appear in stored text."""
        names = ("lead_name", "first_name", "last_name", "callback_number")
        return tuple(value for name in names if (value := self.slots.get(name)))


@dataclass(frozen=True)
class CarrierSpeaks:
    """The media session's last resort, for one call."""

    carrier: Carrier
    sid: CarrierSid

    async def say_and_end(self, text: str, language: str) -> bool:
        try:
            said = await self.carrier.say_and_end(self.sid, text, language=language)
        except CarrierSilent as error:
            log.error("last_words_not_said", call=self.sid, reason=str(error))
            return False
        log.warning("last_words_said_by_carrier", call=self.sid)
        return said


def routes(parts: ServerParts) -> APIRouter:
    router = APIRouter()

    async def media(line: AsgiSocket) -> None:
        with suppress(SocketClosed):
            await _answer(parts, line)

    router.routes.append(socket_route(MEDIA_PATH, media))
    return router


async def _answer(parts: ServerParts, line: AsgiSocket) -> None:
    """Raises SocketClosed where it goes before there is a conversation."""
    given = line.header("x-twilio-signature")
    if not parts.signatures.valid(parts.urls.media(), {}, given):
        parts.metrics.bad_signatures.inc()
        await line.refuse()
        return
    await line.accept()
    try:
        async with asyncio.timeout(_START_S):
            start = await _read_start(line)
    except TimeoutError:
        log.warning("media_without_start")
        await line.close(1008)
        return
    setup = await authorise(parts, start)
    if setup is None:
        log.warning("media_refused", call=start.call_sid)
        await line.close(1008)
        return
    await _hold(parts, line, start, setup)


async def _read_start(line: AsgiSocket) -> StreamStart:
    """What comes before the start belongs to no call that we know yet."""
    while True:
        try:
            frame = read(await line.receive())
        except BadFrame:
            continue
        if isinstance(frame, Started):
            return frame.start


async def authorise(parts: ServerParts, start: StreamStart) -> CallSetup | None:
    """The call of the attempt that the stream's parameters prove; None when they do not."""
    try:
        attempt_id = AttemptId(UUID(start.parameters.get("attempt_id", "")))
    except ValueError:
        return None
    if not parts.urls.admits(attempt_id, start.parameters.get("token", "")):
        return None
    async with parts.pool.connection() as db:
        row = await (await db.execute(_SQL.call_setup, {"attempt_id": attempt_id})).fetchone()
        if row is None or row["state"] == AttemptState.ENDED:
            return None
        setup = setup_of(parts.keyring, row)
        if (transfer := start.parameters.get("transfer")) is not None:
            resumed = await parts.webhooks.transfers.resumed(attempt_id, transfer)
            return None if resumed is None else replace(setup, resumed=resumed)
        if setup.script.experiment is None:
            return setup
        arm = await arm_of_call(
            db,
            setup.script.experiment,
            campaign_id=row["campaign_id"],
            lead_id=row["lead_id"],
            attempt_id=attempt_id,
            now=parts.clock.now(),
        )
    return replace(setup, arm=arm)


def setup_of(keyring: Keyring, row: Mapping[str, Any]) -> CallSetup:
    """From a row of `call_setup`."""
    config = row["config"]
    person = orjson.loads(keyring.decrypt(row["person_sealed"])) if row["person_sealed"] else {}
    callback = keyring.decrypt(row["callback_sealed"]).decode() if row["callback_sealed"] else None
    slots: dict[str, str | None] = {
        **config["slots"],
        "seller": row["legal_name"],
        "callback_number": callback,
        "lead_name": person.get("name") or person.get("company"),
    }
    script = script_of(row)
    return CallSetup(
        attempt_id=AttemptId(row["id"]),
        script=script,
        slots=slots,
        voice=Voice.model_validate(config["voice"]),
        max_call_s=float(Pacing.model_validate(config["pacing"]).max_call_s),
        answer_class=row["answer_class"],
        language=script.language_for(person.get("language")),
        answering=Answering.model_validate(config.get("answering", {})),
        emotion=config.get("emotion", TEXT),
        campaign_id=str(row["campaign_id"]),
    )


def call_log(parts: ServerParts, setup: CallSetup) -> PublishingLog:
    """The books of the call, and who looks on."""
    books = PostgresCallLog(
        pool=parts.pool,
        keyring=parts.keyring,
        clock=parts.clock,
        spool=parts.spool,
        attempt_id=setup.attempt_id,
        known=setup.private_words,
        metrics=parts.metrics,
        shadows=parts.shadows,
    )
    words = setup.private_words
    return PublishingLog(books, parts.feed, setup.attempt_id, words, parts.clock)


async def _hold(parts: ServerParts, line: AsgiSocket, start: StreamStart, setup: CallSetup) -> None:
    control = SessionControl()
    call = parts.live.open(setup.attempt_id, control)
    if call is None:
        log.warning("second_media_stream_refused", attempt=str(setup.attempt_id))
        await line.close()
        return
    max_call_s = setup.talks_s
    stood = None if setup.resumed is None else setup.resumed.state
    tape = parts.recordings.tape(setup.script, max_call_s, stood)
    if setup.answer_class == "machine":
        control.machine_detected("machine_start")
    told = call_log(parts, setup)
    mind = setup.mind(parts.mind)
    try:
        result = await converse(
            socket=line,
            start=start,
            script=setup.script,
            slots=setup.slots,
            arm=setup.arm,
            language=setup.language,
            ears=parts.speech,
            voice=CachedVoice(
                *voices_of(parts.speech, setup.voice), cache=parts.prompts, circuit=parts.circuit
            ),
            mind=mind,
            log=told,
            clock=parts.clock,
            limits=SessionLimits(max_call_s=max_call_s),
            control=control,
            tape=tape,
            answerer=parts.answerer,
            handover=CallHandover(parts.webhooks.transfers, setup.attempt_id),
            resumed=setup.resumed,
            onlooker=told,
            answering=setup.answering,
            last_resort=CarrierSpeaks(parts.webhooks.carrier, CarrierSid(start.call_sid)),
            voice_ears=mind.voice_ears(),
        )
        parts.metrics.conversations.labels(result.end_reason).inc()
    except BadInput as error:
        log.error("conversation_not_started", reason=error.message)
        await line.close()
    finally:
        parts.live.close(setup.attempt_id)
        parts.recordings.keep(setup.attempt_id, tape)
