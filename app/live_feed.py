"""Listens to the calls of this home over Redis: one thread for all browser sessions."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from app.live_talk import NOTHING, Talk, told
from voice_ai.live_feed import decode

MOST_CALLS = 300
_RETRY_S = 2.0
_PATIENCE_S = 1.0
# An ended call is remembered until the database has told the page that it has ended.
_KEPT_S = 60.0

State = Literal["listening", "away", "none"]


@dataclass(frozen=True)
class Heard:
    """`none`: this home has no Redis; `away`: it does not answer."""

    state: State
    talks: Mapping[UUID, Talk]


class LiveFeed:
    """What was heard so far. Without Redis it hears nothing, and tries again every two seconds."""

    def __init__(self, find_url: Callable[[], str | None], channel: str) -> None:
        self._find_url = find_url
        self._channel = channel
        self._lock = threading.Lock()
        self._state: State = "none"
        self._talks: dict[UUID, Talk] = {}
        self._heard_at: dict[UUID, float] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="live feed", daemon=True)

    def start(self) -> "LiveFeed":
        self._thread.start()
        return self

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(5)

    def heard(self) -> Heard:
        with self._lock:
            return Heard(self._state, dict(self._talks))

    def take(self, data: bytes) -> None:
        """One message off the channel; what is not ours is passed over."""
        message = decode(data)
        if message is None:
            return
        with self._lock:
            before = self._talks.pop(message.attempt_id, NOTHING)
            self._talks[message.attempt_id] = told(before, message)
            self._heard_at[message.attempt_id] = time.monotonic()
            self._forget()

    def _forget(self) -> None:
        """Calls that ended a while ago, and the quietest ones when there are too many."""
        oldest = time.monotonic() - _KEPT_S
        over = [
            known
            for known, talk in self._talks.items()
            if talk.ended is not None and self._heard_at[known] < oldest
        ]
        over += list(self._talks)[: max(0, len(self._talks) - len(over) - MOST_CALLS)]
        for known in dict.fromkeys(over):
            del self._talks[known], self._heard_at[known]

    def _run(self) -> None:
        while not self._stopping.is_set():
            url = self._find_url()
            self._stand("none" if url is None else "away")
            if url is not None:
                try:
                    self._listen(url)
                except (redis.RedisError, OSError):
                    # The page says so while it lasts; Postgres has everything but the last second.
                    self._stand("away")
            self._stopping.wait(_RETRY_S)

    def _listen(self, url: str) -> None:
        """Raises RedisError, OSError."""
        client = redis.Redis.from_url(
            url,
            socket_timeout=_PATIENCE_S,
            socket_connect_timeout=_PATIENCE_S,
            retry=Retry(NoBackoff(), 0),
            health_check_interval=5,
        )
        try:
            subscription = client.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]
            subscription.subscribe(self._channel)
            self._stand("listening")
            while not self._stopping.is_set():
                news = subscription.get_message(timeout=_PATIENCE_S / 2)
                if news is not None and isinstance(news["data"], bytes):
                    self.take(news["data"])
        finally:
            client.close()

    def _stand(self, state: State) -> None:
        with self._lock:
            self._state = state
