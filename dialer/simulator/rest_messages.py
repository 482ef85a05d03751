"""Text messages: accepted, sent, delivered."""

import asyncio
from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from dialer.simulator import refusals
from dialer.simulator.call import new_sid
from dialer.simulator.exchange import Caller, Exchange
from dialer.simulator.orders import Form, one, parse_form, parse_numbers
from dialer.simulator.refusals import RestError
from dialer.simulator.rendering import API, VERSION, rfc2822
from dialer.simulator.rest import answer, authenticated, page
from dialer.simulator.rest_calls import ACCOUNT

_SEGMENT = 153
_PRICE = -0.0083
_STEPS = (("sending", 0.2), ("sent", 0.5), ("delivered", 1.5))


@dataclass
class Message:
    sid: str
    caller: Caller
    to: str
    sender: str | None
    service: str | None
    body: str
    callback: str | None
    created_at: datetime
    status: str = "queued"
    sent_at: datetime | None = None

    def render(self) -> dict[str, object]:
        uri = f"{API}/Accounts/{self.caller.account_sid}/Messages/{self.sid}"
        segments = -(-len(self.body) // _SEGMENT) or 1
        return {
            "sid": self.sid,
            "account_sid": self.caller.account_sid,
            "api_version": VERSION,
            "body": self.body,
            "num_segments": str(segments),
            "num_media": "0",
            "direction": "outbound-api",
            "from": self.sender,
            "to": self.to,
            "messaging_service_sid": self.service,
            "status": self.status,
            "date_created": rfc2822(self.created_at),
            "date_updated": rfc2822(self.sent_at or self.created_at),
            "date_sent": rfc2822(self.sent_at),
            "price": f"{segments * _PRICE:.5f}" if self.status == "delivered" else None,
            "price_unit": "USD",
            "error_code": None,
            "error_message": None,
            "uri": f"{uri}.json",
            "subresource_uris": {"media": f"{uri}/Media.json"},
        }


class MessageEndpoints:
    """Handlers over one exchange, which lends its clock and its webhooks."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._messages: dict[str, Message] = {}
        self._journeys: set[asyncio.Task[None]] = set()

    async def create(self, request: Request, caller: Caller) -> Response:
        message = self._parse(parse_form(await request.body()), caller)
        self._messages[message.sid] = message
        shown = message.render()
        journey = asyncio.create_task(self._travel(message))
        self._journeys.add(journey)
        journey.add_done_callback(self._journeys.discard)
        return answer(shown, 201)

    async def fetch(self, request: Request, caller: Caller) -> Response:
        message = self._messages.get(request.path_params["message"])
        if message is None or message.caller.account_sid != caller.account_sid:
            raise RestError(refusals.not_found(request.url.path))
        return answer(message.render())

    async def list(self, request: Request, caller: Caller) -> Response:
        asked = request.query_params.get("To")
        found = (
            message
            for message in reversed(list(self._messages.values()))
            if message.caller.account_sid == caller.account_sid and asked in {None, message.to}
        )
        return page(request, "messages", found, Message.render)

    def _parse(self, form: Form, caller: Caller) -> Message:
        service = one(form, "MessagingServiceSid")
        with_sender = form if service is None else form | {"From": ["+15005550006"]}
        to, sender = parse_numbers(with_sender)
        body = one(form, "Body")
        if body is None and one(form, "MediaUrl") is None and one(form, "ContentSid") is None:
            raise RestError(refusals.NO_BODY)
        return Message(
            sid=new_sid("SM"),
            caller=caller,
            to=to,
            sender=None if service else sender,
            service=service,
            body=body or "",
            callback=one(form, "StatusCallback"),
            created_at=self._exchange.clock.now(),
        )

    async def _travel(self, message: Message) -> None:
        for status, seconds in _STEPS:
            await self._exchange.clock.sleep(seconds)
            message.status = status
            message.sent_at = self._exchange.clock.now()
            if message.callback is not None and status != "sending":
                await self._exchange.webhooks.send(
                    message.caller.token, "POST", message.callback, _form(message)
                )


def _form(message: Message) -> dict[str, str]:
    return {
        "AccountSid": message.caller.account_sid,
        "ApiVersion": VERSION,
        "From": message.sender or "",
        "To": message.to,
        "MessageSid": message.sid,
        "SmsSid": message.sid,
        "MessageStatus": message.status,
        "SmsStatus": message.status,
    }


def message_routes(exchange: Exchange) -> list[BaseRoute]:
    messages = MessageEndpoints(exchange)
    table = [
        ("GET", "/Messages.json", messages.list),
        ("POST", "/Messages.json", messages.create),
        ("GET", "/Messages/{message}.json", messages.fetch),
    ]
    token = exchange.config.auth_token
    return [
        Route(ACCOUNT + path, authenticated(handler, token), methods=[method])
        for method, path, handler in table
    ]
