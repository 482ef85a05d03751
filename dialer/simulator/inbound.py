"""People who write to a number of the customer's, or call it: `POST /simulator/inbound`.

A message: {"from": "+1…", "to": "+1…", "body": "STOP"}. A call: the same with "answers" instead of
"body", what the person does at each question, as in [{"digits": "9"}] or [{"speech": "stop"}].
Optional: "url", the address set for the number at a real carrier (else the one this carrier calls
back, with the product's own path); "account_sid" and "auth_token" (else those of the newest call);
"sid", to deliver the same message again. The answer has what the application said.
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit
from xml.etree import ElementTree

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from dialer.simulator.call import new_sid
from dialer.simulator.exchange import Exchange
from dialer.simulator.rendering import VERSION
from dialer.simulator.rest import answer
from dialer.simulator.twiml import (
    Gather,
    Hangup,
    Redirect,
    Reject,
    Say,
    TwimlError,
    Verb,
    parse_twiml,
)
from dialer.simulator.webhooks import Reply

_MOST_DOCUMENTS = 12


class _Refused(Exception):
    """The order cannot be carried out; the message says why."""


@dataclass(frozen=True)
class _Order:
    """A message when `body` is set, else a call that gives these answers in turn."""

    form: dict[str, str]
    body: str | None
    answers: tuple[dict[str, str], ...]
    url: str
    token: str


class InboundCalls:
    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def receive(self, request: Request) -> Response:
        """Does what the order says, at once; times of speaking are not simulated here."""
        try:
            order = self._order(await request.body())
            told = await (self._call(order) if order.body is None else self._message(order))
        except _Refused as problem:
            return answer({"error": str(problem)}, 400)
        except TwimlError as problem:
            return answer({"error": f"{problem.code} {problem.message}"}, 502)
        return answer(told)

    def _order(self, document: bytes) -> _Order:
        try:
            given = orjson.loads(document)
            sender, to = str(given["from"]), str(given["to"])
        except (orjson.JSONDecodeError, KeyError, TypeError) as error:
            raise _Refused('a JSON object with "from", "to" and "body" or "answers"') from error
        newest = next(reversed(self._exchange.cases()), None)
        known = self._exchange.config.auth_token or (newest.token if newest else None)
        token = given.get("auth_token") or known
        account = given.get("account_sid") or (newest.account_sid if newest else "AC" + "0" * 32)
        body = given.get("body")
        url = given.get("url") or self._usual_url("sms" if body is not None else "inbound")
        if not token or not url:
            raise _Refused("no call was placed here yet: name the url and the auth_token")
        kind, prefix = ("MessageSid", "SM") if body is not None else ("CallSid", "CA")
        form = {
            kind: str(given.get("sid") or new_sid(prefix)),
            "AccountSid": str(account),
            "ApiVersion": VERSION,
            "From": sender,
            "To": to,
        }
        answers = tuple(dict(one) for one in given.get("answers", ()))
        return _Order(form, None if body is None else str(body), answers, str(url), str(token))

    def _usual_url(self, path: str) -> str | None:
        """The product's path at the application that placed the newest call."""
        for call in reversed(self._exchange.cases()):
            if (url := call.order.instructions.url) is not None:
                origin = urlsplit(url)
                return f"{origin.scheme}://{origin.netloc}/twilio/{path}"
        return None

    async def _message(self, order: _Order) -> dict[str, Any]:
        sid = order.form["MessageSid"]
        form = order.form | {
            "SmsSid": sid,
            "SmsMessageSid": sid,
            "SmsStatus": "received",
            "Body": str(order.body),
            "NumMedia": "0",
            "NumSegments": "1",
        }
        reply = await self._post(order, order.url, form)
        return {"sid": sid, "status": reply.status, "replies": _messages(reply)}

    async def _call(self, order: _Order) -> dict[str, Any]:
        form = order.form | {
            "Caller": order.form["From"],
            "Called": order.form["To"],
            "Direction": "inbound",
            "CallStatus": "ringing",
        }
        heard: list[str] = []
        answers, url, extra = list(order.answers), order.url, dict[str, str]()
        for _ in range(_MOST_DOCUMENTS):
            reply = await self._post(order, url, form | extra)
            if not reply.ok:
                return {"sid": form["CallSid"], "status": reply.status, "heard": heard}
            following, extra = self._perform(parse_twiml(reply.text), answers, heard)
            if following is None:
                return {"sid": form["CallSid"], "status": reply.status, "heard": heard}
            url, form["CallStatus"] = urljoin(url, following), "in-progress"
        raise TwimlError(12100, "The documents go round in a circle")

    def _perform(
        self, verbs: tuple[Verb, ...], answers: list[dict[str, str]], heard: list[str]
    ) -> tuple[str | None, dict[str, str]]:
        """Where the call goes on and with what fields; None where it ends."""
        for verb in verbs:
            if isinstance(verb, Say):
                heard.append(verb.text)
            elif isinstance(verb, Redirect):
                return verb.url, {}
            elif isinstance(verb, Hangup | Reject):
                return None, {}
            elif isinstance(verb, Gather):
                heard += [prompt.text for prompt in verb.prompts if isinstance(prompt, Say)]
                fields = _gathered(verb, answers.pop(0) if answers else {})
                if fields or verb.action_on_empty:
                    return verb.action or "", fields
        return None, {}

    async def _post(self, order: _Order, url: str, form: dict[str, str]) -> Reply:
        return await self._exchange.webhooks.send(order.token, "POST", url, form)


def _gathered(verb: Gather, given: dict[str, str]) -> dict[str, str]:
    """What a Gather sends on: keys as far as it takes them, else words where it listens."""
    digits = str(given.get("digits", ""))
    if verb.num_digits is not None:
        digits = digits[: verb.num_digits]
    if verb.finish_on_key and verb.finish_on_key in digits:
        digits = digits[: digits.index(verb.finish_on_key)]
    if digits:
        return {"Digits": digits}
    speech = str(given.get("speech", ""))
    return {"SpeechResult": speech, "Confidence": "0.9"} if speech and verb.speech else {}


def _messages(reply: Reply) -> list[str]:
    if not reply.ok:
        return []
    try:
        root = ElementTree.fromstring(reply.text)
    except ElementTree.ParseError as error:
        raise TwimlError(12100, f"Document parse failure: {error}") from error
    return ["".join(message.itertext()).strip() for message in root.iter("Message")]


def inbound_routes(exchange: Exchange) -> list[BaseRoute]:
    inbound = InboundCalls(exchange)
    return [Route("/simulator/inbound", inbound.receive, methods=["POST"])]
