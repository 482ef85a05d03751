"""Twilio behind the carrier port, through its own SDK.

The SDK may repeat a request on its own when `max_retries` is set, and ignores its asynchronous
client's timeout: neither is used. `POST /Calls.json` has no idempotency key, so it is sent once.
"""

import asyncio
import math
from collections.abc import Awaitable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import aiohttp
import orjson
from twilio.base.exceptions import (
    TwilioException,
    TwilioRestException,
    TwilioServiceException,
)
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.http.response import Response
from twilio.request_validator import RequestValidator
from twilio.rest import Client
from twilio.twiml.voice_response import Connect, VoiceResponse

from dialer.callbacks import CallbackUrls
from dialer.carrier import (
    AccountStanding,
    AgentLeg,
    Balance,
    CarrierCall,
    CarrierSilent,
    DialRequest,
    FailureKind,
    PlaceAnswer,
    Placed,
    RedirectTo,
    Rejected,
    Unanswered,
)
from voice_ai.ids import AttemptId, CarrierSid

TIMEOUT_S = 10.0
# A status with a body of either of the vendor's two kinds.
_SAID_NO = (TwilioRestException, TwilioServiceException)
# No answer, or one that is not the vendor's.
_SAID_NOTHING = (TwilioException, TimeoutError, OSError, aiohttp.ClientError, ValueError)
_NOT_FOUND = 20404
_NOT_IN_PROGRESS = 21220
_KINDS: dict[int, FailureKind] = {
    20429: FailureKind.RATE_LIMITED,
    10004: FailureKind.RATE_LIMITED,
    20003: FailureKind.AUTH,
    **dict.fromkeys((21211, 21214, 21217, 13224, 13223, 13226), FailureKind.INVALID_NUMBER),
    **dict.fromkeys((21215, 13225, 13227, 21216, 21219, 32205), FailureKind.NOT_PERMITTED),
}


class _AtBaseUrl(AsyncTwilioHttpClient):  # type: ignore[misc]  # the SDK has no types
    """Sends every product host's requests to one address, for a Twilio-shaped server."""

    def __init__(self, base_url: str | None) -> None:
        super().__init__()
        self._base = urlsplit(base_url) if base_url else None

    async def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Response:
        if self._base is not None:
            asked = urlsplit(url)
            url = urlunsplit((self._base.scheme, self._base.netloc, asked.path, asked.query, ""))
        response = await super().request(method, url, *args, **kwargs)
        # The SDK takes any 2xx body for what it asked for.
        if response.status_code < 300 and not isinstance(orjson.loads(response.text), dict):
            raise TwilioException("the answer is not a JSON object")
        return response


class TwilioCarrier:
    """Make it inside a running loop; close it there."""

    def __init__(
        self, *, account_sid: str, auth_token: str, base_url: str | None, callbacks: CallbackUrls
    ) -> None:
        self.account = account_sid
        self._http = _AtBaseUrl(base_url)
        self._client = Client(account_sid, auth_token, http_client=self._http)
        self._callbacks = callbacks

    async def place(self, request: DialRequest) -> PlaceAnswer:
        urls, attempt = self._callbacks, request.attempt_id
        detection = (
            {
                "machine_detection": (
                    "DetectMessageEnd" if request.await_greeting_end else "Enable"
                ),
                "async_amd": "true",
                "async_amd_status_callback": urls.detection(attempt),
            }
            if request.detect_machines
            else {}
        )
        return await self._create(
            to=request.to,
            from_=request.caller_id,
            url=urls.voice(attempt),
            status_callback=urls.status(attempt),
            timeout=request.ring_timeout_s,
            time_limit=request.max_call_s,
            **detection,
        )

    async def ring(self, leg: AgentLeg) -> PlaceAnswer:
        urls = self._callbacks
        return await self._create(
            to=leg.to,
            from_=leg.caller_id,
            url=urls.transfer(leg.attempt_id, "whisper", leg.turn),
            status_callback=urls.transfer(leg.attempt_id, "leg", leg.turn),
            timeout=leg.ring_s,
            time_limit=leg.max_talk_s,
        )

    async def _create(self, **order: Any) -> PlaceAnswer:
        try:
            async with asyncio.timeout(TIMEOUT_S):
                call = await self._client.calls.create_async(
                    status_callback_event=["initiated", "ringing", "answered", "completed"],
                    **order,
                )
        except _SAID_NO as error:
            return _refusal(error)
        except _SAID_NOTHING as error:
            return Unanswered(type(error).__name__)
        if not call.sid:
            return Unanswered("an answer without a call")
        return Placed(CarrierSid(str(call.sid)), _number(call.queue_time))

    async def fetch(self, sid: CarrierSid) -> CarrierCall | None:
        try:
            return _call(await _bounded(self._client.calls(sid).fetch_async()))
        except _SAID_NO as error:
            if error.status == 404:
                return None
            raise CarrierSilent(f"status {error.status}") from error

    async def find(self, *, to: str, caller_id: str) -> Sequence[CarrierCall]:
        # No StartTime filter: it is a date, and empty while a call is queued (protocols, 2.6).
        try:
            found = await _bounded(self._client.calls.list_async(to=to, from_=caller_id, limit=50))
        except _SAID_NO as error:
            raise CarrierSilent(f"status {error.status}") from error
        return [_call(call) for call in found]

    async def end(self, sid: CarrierSid) -> bool:
        """`completed` also ends a call that is still queued or ringing."""
        return await self._update(sid, status="completed")

    async def say_and_end(self, sid: CarrierSid, text: str, *, language: str) -> bool:
        response = VoiceResponse()
        response.say(text, language=language)
        response.hangup()
        return await self._update(sid, twiml=str(response))

    async def redirect(
        self, sid: CarrierSid, attempt_id: AttemptId, step: RedirectTo, *, max_s: int
    ) -> bool:
        url = self._callbacks.transfer(attempt_id, step)
        return await self._update(sid, url=url, time_limit=max_s)

    async def _update(self, sid: CarrierSid, **change: Any) -> bool:
        """False for a call that is not in progress."""
        try:
            await _bounded(self._client.calls(sid).update_async(**change))
        except _SAID_NO as error:
            if error.status == 404 or error.code in (_NOT_FOUND, _NOT_IN_PROGRESS):
                return False
            raise CarrierSilent(f"status {error.status}") from error
        return True

    async def balance(self) -> Balance:
        told = await self._told(self._client.balance.fetch_async())
        amount = _number(told.balance)
        if amount is None or not told.currency:
            raise CarrierSilent("an answer without a balance")
        return Balance(amount, str(told.currency))

    async def standing(self) -> AccountStanding:
        told = await self._told(self._client.api.accounts(self.account).fetch_async())
        if not told.status:
            raise CarrierSilent("an answer without an account")
        return AccountStanding(str(told.type or "Full"), str(told.status))

    async def may_show(self, number: str) -> bool:
        """Its own numbers, and those of others that it has verified."""
        own = self._client.incoming_phone_numbers.list_async(phone_number=number, limit=20)
        if any(found.phone_number == number for found in await self._told(own)):
            return True
        verified = self._client.outgoing_caller_ids.list_async(phone_number=number, limit=20)
        return any(found.phone_number == number for found in await self._told(verified))

    async def _told(self, answer: Awaitable[Any]) -> Any:
        try:
            return await _bounded(answer)
        except _SAID_NO as error:
            raise CarrierSilent(f"status {error.status}") from error

    async def close(self) -> None:
        await self._http.close()


class TwilioSignatures:
    """Proves that a webhook or a WebSocket upgrade comes from the carrier (protocols, 2.7)."""

    def __init__(self, auth_token: str) -> None:
        self._validator = RequestValidator(auth_token)

    def valid(self, url: str, form: Mapping[str, str], given: str | None) -> bool:
        """`url` is the address as we gave it out, query included."""
        return given is not None and bool(self._validator.validate(url, dict(form), given))

    def sign(self, url: str, form: Mapping[str, str]) -> str:
        """As the carrier signs it: a pre-flight calls ourselves back."""
        return str(self._validator.compute_signature(url, dict(form)))


async def _bounded(answer: Awaitable[Any]) -> Any:
    try:
        async with asyncio.timeout(TIMEOUT_S):
            return await answer
    except _SAID_NO:
        raise
    except _SAID_NOTHING as error:
        raise CarrierSilent(type(error).__name__) from error


def _refusal(error: TwilioRestException | TwilioServiceException) -> PlaceAnswer:
    """A 4xx was never processed; after a 5xx nobody knows (the call may have been accepted)."""
    code = error.code if isinstance(error.code, int) and error.code > 0 else None
    if error.status >= 500:
        return Unanswered(f"status {error.status}")
    if error.status == 429:
        return Rejected(FailureKind.RATE_LIMITED, code)
    return Rejected(_KINDS.get(code or 0, FailureKind.APP_ERROR), code)


def _call(call: Any) -> CarrierCall:
    if not call.sid or not call.status:
        raise CarrierSilent("an answer without a call")
    created = call.date_created
    if isinstance(created, datetime) and created.tzinfo is None:
        created = created.replace(tzinfo=UTC)
    return CarrierCall(
        sid=CarrierSid(str(call.sid)),
        status=str(call.status),
        answered_by=call.answered_by or None,
        duration_s=_number(call.duration),
        created_at=created if isinstance(created, datetime) else None,
    )


def _number(value: object) -> float | None:
    if value in (None, ""):
        return None
    try:
        number = float(str(value))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def stream_twiml(url: str, parameters: Mapping[str, str]) -> str:
    """Connects the call's audio both ways to `url`; parameters, because a query is stripped."""
    response = VoiceResponse()
    connect = Connect()
    stream = connect.stream(url=url)
    for name, value in parameters.items():
        stream.parameter(name=name, value=value)
    response.append(connect)
    return str(response)


def relay_twiml(
    url: str, action: str, *, language: str, voice: str, parameters: Mapping[str, str]
) -> str:
    """Connects the call to `url` as text, spoken by an ElevenLabs voice; `action` is asked after.

    No greeting: the script's opening is the first that is heard. Words over a sentence that must
    be heard are reported, though they do not stop it: they may be an opt-out.
    """
    response = VoiceResponse()
    connect = Connect(action=action, method="POST")
    relay = connect.conversation_relay(
        url=url,
        language=language,
        tts_provider="ElevenLabs",
        voice=voice,
        interruptible="any",
        report_input_during_agent_speech="speech",
        ignoreBackchannel="true",
        partial_prompts="true",
        dtmf_detection="true",
    )
    for name, value in parameters.items():
        relay.parameter(name=name, value=value)
    response.append(connect)
    return str(response)


def hang_up_twiml() -> str:
    response = VoiceResponse()
    response.hangup()
    return str(response)
