"""What every REST answer of the carrier has in common: who asks, JSON, refusals, pages."""

import base64
import binascii
from collections.abc import Awaitable, Callable, Iterable
from itertools import islice
from typing import Any, TypeVar
from uuid import uuid4

import orjson
from starlette.requests import Request
from starlette.responses import Response

from dialer.simulator import refusals
from dialer.simulator.exchange import Caller
from dialer.simulator.refusals import Refusal, RestError
from dialer.simulator.rendering import page_of, render_page

T = TypeVar("T")
Handler = Callable[[Request, Caller], Awaitable[Response]]
Endpoint = Callable[[Request], Awaitable[Response]]


def answer(content: Any, status: int = 200) -> Response:
    headers = {"Twilio-Request-Id": f"RQ{uuid4().hex}", "Twilio-Request-Duration": "0.010"}
    if status == 401:
        headers["WWW-Authenticate"] = 'Basic realm="Twilio API"'
    return Response(orjson.dumps(content), status, headers, media_type="application/json")


def refuse(refusal: Refusal) -> Response:
    return answer(refusal.body(), refusal.status)


def authenticated(handler: Handler, auth_token: str | None) -> Endpoint:
    """The handler behind Basic authentication; with no `auth_token` any password is right."""

    async def endpoint(request: Request) -> Response:
        try:
            return await handler(request, _caller(request, auth_token))
        except RestError as error:
            return refuse(error.refusal)

    return endpoint


def _caller(request: Request, auth_token: str | None) -> Caller:
    user, password = _credentials(request.headers.get("authorization", ""))
    account = request.path_params.get("account", user)
    is_account = user.startswith("AC") and user == account
    if not password or not (is_account or user.startswith("SK")):
        raise RestError(refusals.UNAUTHENTICATED)
    if auth_token is not None and password != auth_token:
        raise RestError(refusals.UNAUTHENTICATED)
    base = f"{request.url.scheme}://{request.url.netloc}"
    return Caller(account_sid=account, token=auth_token or password, api_base=base)


def _credentials(header: str) -> tuple[str, str]:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return user, password


def page(
    request: Request, name: str, found: Iterable[T], render: Callable[[T], dict[str, Any]]
) -> Response:
    """The page of `found` that the query asks for."""
    query = dict(request.query_params)
    number, size = page_of(query)
    rows = list(islice(found, number * size, (number + 1) * size + 1))
    shown = [render(row) for row in rows[:size]]
    return answer(render_page(request.url.path, query, name, shown, more=len(rows) > size))
