"""The text socket of ConversationRelay, and the request that the carrier makes when it is over."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from uuid import UUID

import structlog
from fastapi import APIRouter, Request, Response

from dialer.adapters.twilio import hang_up_twiml
from dialer.callbacks import RELAY_PATH
from dialer.media.events import SessionControl
from dialer.media.session import SessionLimits
from dialer.media_route import CallSetup, authorise, call_log
from dialer.media_socket import AsgiSocket, socket_route
from dialer.parts import ServerParts
from dialer.ports import SocketClosed, StreamStart
from dialer.relay import wire
from dialer.relay.session import converse
from voice_ai.errors import BadInput
from voice_ai.ids import AttemptId
from voice_ai.transports import CONVERSATION_RELAY, for_transport

log = structlog.get_logger()

# The setup is the first message, sent at once; who does not send it is no carrier.
_SETUP_S = 10.0
_CLOSING_S = 5.0


def routes(parts: ServerParts) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    async def relay(line: AsgiSocket) -> None:
        with suppress(SocketClosed):
            await _answer(parts, line)

    router.routes.append(socket_route(RELAY_PATH, relay))

    @router.post(RELAY_PATH + "/{attempt_id}")
    async def relay_over(attempt_id: UUID, request: Request) -> Response:
        form = await parts.webhooks.proved(request, attempt_id)
        await _note_end(parts, AttemptId(attempt_id), form)
        return Response(hang_up_twiml(), media_type="text/xml")

    return router


async def _answer(parts: ServerParts, line: AsgiSocket) -> None:
    """Raises SocketClosed where it goes before there is a conversation."""
    given = line.header("x-twilio-signature")
    if not parts.signatures.valid(parts.urls.relay(), {}, given):
        parts.metrics.bad_signatures.inc()
        await line.refuse()
        return
    await line.accept()
    setup = await _read_setup(line)
    call = None if setup is None else await authorise(parts, _start(setup))
    if setup is None or call is None:
        log.warning("relay_refused", call=setup and setup.call_sid)
        await line.close(1008)
        return
    await _hold(parts, line, setup, call)


async def _read_setup(line: AsgiSocket) -> wire.Setup | None:
    """None when the socket says something else first, or nothing."""
    try:
        async with asyncio.timeout(_SETUP_S):
            message = wire.read(await line.receive())
    except (SocketClosed, wire.BadMessage, TimeoutError):
        return None
    return message if isinstance(message, wire.Setup) else None


def _start(setup: wire.Setup) -> StreamStart:
    return StreamStart(setup.session_id, setup.call_sid, setup.account_sid, setup.parameters)


async def _hold(parts: ServerParts, line: AsgiSocket, setup: wire.Setup, call: CallSetup) -> None:
    control = SessionControl()
    if parts.live.open(call.attempt_id, control) is None:
        log.warning("second_relay_refused", attempt=str(call.attempt_id))
        await line.close()
        return
    if call.answer_class == "machine":
        control.machine_detected("machine_start")
    told = call_log(parts, call)
    try:
        result = await converse(
            socket=line,
            setup=setup,
            script=for_transport(call.script, CONVERSATION_RELAY),
            slots=call.slots,
            mind=call.mind(parts.mind),
            log=told,
            clock=parts.clock,
            limits=SessionLimits(max_call_s=call.talks_s),
            control=control,
            onlooker=told,
            arm=call.arm,
            answerer=parts.answerer,
        )
        parts.metrics.conversations.labels(result.end_reason).inc()
    except BadInput as error:
        log.error("conversation_not_started", reason=error.message)
        await line.close()
    finally:
        parts.live.close(call.attempt_id)


async def _note_end(parts: ServerParts, attempt_id: AttemptId, form: Mapping[str, str]) -> None:
    """The session is over for the carrier. It may be told late and twice: nothing is written.

    What the call came to is the conversation's to say. Only one that still talks to a session that
    is no more, because the closing of its socket does not come through, is told so.
    """
    log.info(
        "relay_over",
        attempt=str(attempt_id),
        status=form.get("SessionStatus"),
        reason=wire.read_handoff(form.get("HandoffData", "")).get("reason"),
    )
    await parts.live.wait_until_over(attempt_id, _CLOSING_S)
    if (call := parts.live.get(attempt_id)) is not None:
        call.control.stop("media_lost")
