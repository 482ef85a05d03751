"""Signed requests to the application: one shared client, the carrier's timeouts and one retry."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Self
from urllib.parse import parse_qsl, quote_plus, urldefrag
from uuid import uuid4

import aiohttp
import structlog
from yarl import URL

_CONNECT_S = 5.0
_TOTAL_S = 15.0
_RETRIES = 1
_LONGEST_BODY = 1 << 20
_USER_AGENT = "TwilioProxy/1.1"

log = structlog.get_logger(__name__)


def sign(token: str, url: str, params: Mapping[str, str]) -> str:
    """X-Twilio-Signature: HMAC-SHA1 over the URL and the sorted form."""
    signed = url + "".join(name + params[name] for name in sorted(params))
    mac = hmac.new(token.encode(), signed.encode(), hashlib.sha1)
    return base64.b64encode(mac.digest()).decode()


# The same field names and values come back in every webhook of a call.
_quoted = lru_cache(maxsize=8192)(quote_plus)


def _encoded(form: Mapping[str, str]) -> str:
    return "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in form.items())


@dataclass(frozen=True)
class Patience:
    """Seconds and retries, as the fragment of a webhook's URL may set them (`#ct=…&rt=…&rc=…`)."""

    connect: float = _CONNECT_S
    total: float = _TOTAL_S
    retries: int = _RETRIES

    @classmethod
    def of_fragment(cls, fragment: str) -> Self:
        given = dict(parse_qsl(fragment))

        def number(name: str, low: int, high: int, default: float) -> float:
            text = given.get(name, "")
            return min(max(int(text), low), high) if text.isascii() and text.isdigit() else default

        total = number("tt", 100, 15000, _TOTAL_S * 1000) / 1000
        return cls(
            connect=number("ct", 100, 10000, _CONNECT_S * 1000) / 1000,
            total=min(total, number("rt", 100, 15000, _TOTAL_S * 1000) / 1000),
            retries=int(number("rc", 0, 5, _RETRIES)),
        )


@dataclass(frozen=True)
class Reply:
    """What the application answered; `status` is None when it could not be reached."""

    status: int | None
    text: str
    content_type: str
    content: bytes = b""

    @property
    def ok(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


UNREACHABLE = Reply(None, "", "")
# A server that closes a kept connection just as it is used again belongs here, too.
_NO_CONNECTION = (
    aiohttp.ClientConnectorError,
    aiohttp.ServerDisconnectedError,
    aiohttp.ClientOSError,
    aiohttp.ConnectionTimeoutError,
)


class Webhooks:
    """The carrier's HTTP client; open it inside the running loop."""

    def __init__(self) -> None:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=30),
            headers={"User-Agent": _USER_AGENT, "Accept": "*/*"},
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def close(self) -> None:
        await self._session.close()

    async def send(
        self,
        token: str,
        method: str,
        url: str,
        form: Mapping[str, str],
        idempotency_token: str | None = None,
    ) -> Reply:
        """Deliver a form; tries again only when no connection came about."""
        address, fragment = urldefrag(url)
        patience = Patience.of_fragment(fragment)
        data: bytes | None = None
        if method == "GET":
            address += ("&" if "?" in address else "?") + _encoded(form)
            signature = sign(token, address, {})
        else:
            data = _encoded(form).encode()
            signature = sign(token, address, form)
        headers = {
            "X-Twilio-Signature": signature,
            "I-Twilio-Idempotency-Token": idempotency_token or str(uuid4()),
        }
        if data is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded; charset=UTF-8"
        for _ in range(1 + patience.retries):
            try:
                return await self._try(method, address, data, headers, patience)
            except _NO_CONNECTION as error:
                log.info("webhook_not_connected", reason=type(error).__name__)
        return UNREACHABLE

    async def _try(
        self,
        method: str,
        address: str,
        data: bytes | None,
        headers: Mapping[str, str],
        patience: Patience,
    ) -> Reply:
        """One exchange. Raises one of `_NO_CONNECTION` when none came about."""
        timeout = aiohttp.ClientTimeout(total=patience.total, sock_connect=patience.connect)
        try:
            async with self._session.request(
                method,
                URL(address, encoded=True),
                data=data,
                headers=headers,
                timeout=timeout,
                allow_redirects=method == "GET",
            ) as response:
                content = await response.content.read(_LONGEST_BODY)
                text = content.decode("utf-8", "replace")
                return Reply(response.status, text, response.content_type, content)
        except _NO_CONNECTION:
            raise
        except (aiohttp.ClientError, TimeoutError) as error:
            log.warning("webhook_failed", reason=type(error).__name__)
            return UNREACHABLE
        except ValueError:
            log.warning("webhook_failed", reason="the address is not a URL")
            return UNREACHABLE
