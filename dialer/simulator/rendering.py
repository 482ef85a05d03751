"""Resources as the carrier's JSON shows them: numbers as strings, RFC 2822 dates, relative uris."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlencode

from dialer.simulator.call import Call, Recording

API = "/2010-04-01"
VERSION = "2010-04-01"
# US dollars: a started minute of an outbound call, and one detection.
PRICE_PER_MINUTE = 0.014
PRICE_OF_DETECTION = 0.0075
_SUBRESOURCES = {
    "notifications": "Notifications", "recordings": "Recordings", "payments": "Payments",
    "events": "Events", "siprec": "Siprec", "streams": "Streams",
    "transcriptions": "Transcriptions",
    "user_defined_message_subscriptions": "UserDefinedMessageSubscriptions",
    "user_defined_messages": "UserDefinedMessages",
}  # fmt: skip


def rfc2822(moment: datetime | None) -> str | None:
    return None if moment is None else format_datetime(moment)


def formatted(number: str) -> str:
    """The national form for North America, the number itself elsewhere."""
    if number.startswith("+1") and len(number) == 12:
        return f"({number[2:5]}) {number[5:8]}-{number[8:]}"
    return number


def stable_sid(prefix: str, *parts: str) -> str:
    return prefix + hashlib.md5("\x1f".join(parts).encode(), usedforsecurity=False).hexdigest()


def call_uri(call: Call) -> str:
    return f"{API}/Accounts/{call.account_sid}/Calls/{call.sid}"


def price_of(call: Call) -> str | None:
    """Negative, as a cost is; None while it is not settled or nothing was billed."""
    if call.ended_at is None or call.answered_at is None:
        return None
    detection = PRICE_OF_DETECTION if call.order.detection else 0.0
    return f"{-(call.billed_minutes * PRICE_PER_MINUTE + detection):.5f}"


def render_call(call: Call) -> dict[str, Any]:
    uri = call_uri(call)
    seconds = call.seconds
    return {
        "sid": call.sid,
        "date_created": rfc2822(call.created_at),
        "date_updated": rfc2822(call.updated_at or call.created_at),
        "parent_call_sid": call.parent_sid,
        "account_sid": call.account_sid,
        "to": call.order.to,
        "to_formatted": formatted(call.order.to),
        "from": call.order.sender,
        "from_formatted": formatted(call.order.sender),
        "phone_number_sid": stable_sid("PN", call.account_sid, call.order.sender),
        "status": call.status.value,
        "start_time": rfc2822(call.started_at),
        "end_time": rfc2822(call.ended_at),
        "duration": None if seconds is None else str(seconds),
        "price": price_of(call),
        "price_unit": "USD",
        "direction": call.direction,
        "answered_by": call.answered_by,
        "api_version": VERSION,
        "forwarded_from": None,
        "group_sid": None,
        "caller_name": None,
        "queue_time": str(round(call.queue_time * 1000)),
        "trunk_sid": None,
        "uri": f"{uri}.json",
        "subresource_uris": {name: f"{uri}/{last}.json" for name, last in _SUBRESOURCES.items()},
    }


def render_recording(recording: Recording) -> dict[str, Any]:
    """As a subresource of its call."""
    done = recording.status == "completed"
    base = f"{API}/Accounts/{recording.account_sid}"
    return {
        "account_sid": recording.account_sid,
        "api_version": VERSION,
        "call_sid": recording.call_sid,
        "conference_sid": None,
        "date_created": rfc2822(recording.created_at),
        "date_updated": rfc2822(recording.updated_at or recording.created_at),
        "start_time": rfc2822(recording.created_at),
        "duration": str(recording.seconds) if done else None,
        "sid": recording.sid,
        "price": None,
        "price_unit": None,
        "uri": f"{base}/Calls/{recording.call_sid}/Recordings/{recording.sid}.json",
        "encryption_details": None,
        "status": recording.status,
        "channels": recording.channels,
        "source": recording.source,
        "error_code": None,
        "track": recording.track,
    }


def render_account_recording(recording: Recording) -> dict[str, Any]:
    """As a resource of the account, which has other fields than the call's."""
    shown = render_recording(recording)
    del shown["track"]
    uri = f"{API}/Accounts/{recording.account_sid}/Recordings/{recording.sid}"
    return shown | {
        "uri": f"{uri}.json",
        "media_url": f"{recording.api_base}{uri}",
        "subresource_uris": {
            "add_on_results": f"{uri}/AddOnResults.json",
            "transcriptions": f"{uri}/Transcriptions.json",
        },
    }


def render_page(
    path: str, query: Mapping[str, str], name: str, rows: Sequence[Mapping[str, Any]], *, more: bool
) -> dict[str, Any]:
    """One page of a list; `rows` are those of the page, `more` whether another one follows."""
    page, size = page_of(query)

    def address(number: int) -> str:
        asked = {k: v for k, v in query.items() if k not in {"Page", "PageSize", "PageToken"}}
        return f"{path}?{urlencode(asked | {'PageSize': str(size), 'Page': str(number)})}"

    start = page * size
    return {
        "first_page_uri": address(0),
        "end": max(start + len(rows) - 1, 0),
        "previous_page_uri": address(page - 1) if page else None,
        name: list(rows),
        "uri": address(page),
        "page_size": size,
        "start": start,
        "next_page_uri": address(page + 1) if more else None,
        "page": page,
    }


def page_of(query: Mapping[str, str]) -> tuple[int, int]:
    """Page number and size; nonsense counts as the default."""

    def whole(name: str, default: int, most: int) -> int:
        text = query.get(name, "")
        return min(int(text), most) if text.isascii() and text.isdigit() else default

    return whole("Page", 0, 10**6), max(1, whole("PageSize", 50, 1000))
