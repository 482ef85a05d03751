"""What a live call tells those who look on: small messages on one Redis channel of the home.

Nobody depends on them: a message that is lost is lost, and Postgres has what was said. Text in a
message is redacted before it is published, as stored text is. The server publishes
(`dialer/onlooking.py`), the pages subscribe (`app/live_feed.py`).
"""

import os
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal, get_args
from uuid import UUID

import orjson

from voice_ai.settings import Settings
from voice_ai.vault import Keyring

MessageKind = Literal["started", "partial", "saying", "turn", "opted_out", "outcome", "ended"]
KINDS: frozenset[str] = frozenset(get_args(MessageKind))
MOST_TEXT = 2_000
_VERSION = 1


@dataclass(frozen=True, slots=True)
class LiveTurn:
    """A turn as the view `v_turns` gives it, and where its time went."""

    turn_index: int
    speaker: str
    text: str | None
    node: str | None
    interrupted: bool | None
    heard_fraction: float | None
    started_at: datetime
    ended_at: datetime
    intent: str | None = None
    intent_score: float | None = None
    emotion: str | None = None
    emotion_score: float | None = None
    endpoint_ms: float | None = None
    stt_tail_ms: float | None = None
    mind_ms: float | None = None
    tts_first_byte_ms: float | None = None
    response_ms: float | None = None


@dataclass(frozen=True, slots=True)
class LiveMessage:
    """`text`: of a partial what the person seems to say, of `saying` the agent's line that begins,

    of `outcome` the disposition, of `ended` the reason, of `opted_out` the evidence.
    """

    attempt_id: UUID
    kind: MessageKind
    at: datetime
    text: str | None = None
    turn: LiveTurn | None = None


def channel_of(keyring: Keyring) -> str:
    """Homes that share a Redis do not hear each other."""
    return f"voice-ai:{keyring.key_id}:live"


def encode(message: LiveMessage) -> bytes:
    return orjson.dumps({"v": _VERSION, **asdict(message)})


def decode(data: bytes) -> LiveMessage | None:
    """None for anything that is not a message of this version: somebody else's, or a newer one."""
    try:
        told = orjson.loads(data)
        if told["v"] != _VERSION or told["kind"] not in KINDS:
            return None
        turn = told["turn"]
        return LiveMessage(
            UUID(told["attempt_id"]),
            told["kind"],
            datetime.fromisoformat(told["at"]),
            told["text"],
            None if turn is None else _turn(turn),
        )
    except (ValueError, TypeError, KeyError):
        return None


def redis_in_use(settings: Settings, keyring: Keyring) -> str | None:
    """The address of the Redis of this home, given or embedded; None when there is none."""
    if settings.redis_url is not None:
        return settings.redis_url.get_secret_value()
    if os.name != "posix":
        return None
    from voice_ai.embedded.valkey import ValkeyServer

    server = ValkeyServer(settings.home, keyring.password_for("valkey"))
    state = server.state() if server.main_process() is not None else None
    return None if state is None else server.url(state.port)


def _turn(told: dict[str, Any]) -> LiveTurn:
    moments = {name: datetime.fromisoformat(told[name]) for name in ("started_at", "ended_at")}
    return LiveTurn(**{**told, **moments})
