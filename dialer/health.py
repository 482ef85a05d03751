"""How the server and everything around it is: one state and one reason for each component.

The database is asked at every look; what is slow or belongs to others is remembered for a moment,
and while it does not answer, the look does not wait for it.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

import httpx
import psycopg
import psycopg_pool

from dialer.spool import OptOutSpool
from ml.serving import ModelServer
from voice_ai.clock import Clock
from voice_ai.db import queries
from voice_ai.db.connect import Pool, Row
from voice_ai.store.watching import ALERT, kind
from voice_ai.vitals import disk_of

State = Literal["ok", "warn", "down", "off"]
Parts = dict[str, "Component"]
T = TypeVar("T")

TROUBLE = (psycopg.OperationalError, psycopg_pool.PoolTimeout)
COMMAND_PATIENCE = timedelta(seconds=10)
FLOW_PATIENCE = timedelta(minutes=2)
_SQL = queries("health")
# Calls cannot be held, or their facts not kept, without these.
_NEEDED = ("database", "opt_out_spool", "disk")
_DATABASE_S = 1.0
_WAIT_S = 0.2
_PROBE_S = 3.0
_KINDS = {"dialer": "dialer", "pages": "app", "flows": "flows"}


@dataclass(frozen=True)
class Component:
    """`off` is not there, `warn` works but wants attention; `ok` None: as the state says."""

    state: State
    reason: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    ok: bool | None = None

    def body(self) -> dict[str, Any]:
        ok = self.state in {"ok", "warn"} if self.ok is None else self.ok
        return {"ok": ok, "state": self.state, "reason": self.reason, **self.facts}


class Remembered(Generic[T]):
    """An answer that is asked for at most once in `fresh_s`, however many look."""

    def __init__(self, ask: Callable[[], Awaitable[T]], *, fresh_s: float) -> None:
        self._ask = ask
        self._fresh_s = fresh_s
        self._task: asyncio.Task[None] | None = None
        self._answer: T | None = None
        self._at = float("-inf")

    async def look(self, wait_s: float = _WAIT_S) -> T | None:
        """Waits a moment for a new answer, then gives the last one and asks on; None: none yet."""
        if time.monotonic() - self._at >= self._fresh_s:
            if self._task is None or self._task.done():
                self._task = asyncio.create_task(self._refresh())
            await asyncio.wait({self._task}, timeout=wait_s)
        return self._answer

    async def _refresh(self) -> None:
        self._answer = await self._ask()
        self._at = time.monotonic()


@dataclass(frozen=True)
class Watched:
    """What the daily watch over models measured last, and what it wants looked at."""

    figures: Sequence[Mapping[str, Any]]
    alerts: Sequence[str]


@dataclass(frozen=True)
class Standing:
    """What the database told at one look."""

    facts: Row
    alive: Mapping[str, int]
    watched: Watched


@dataclass(frozen=True)
class Addresses:
    """Where others are; None is the vendor itself."""

    carrier: str | None
    speech: str | None
    rehearsal: bool


class Health:
    """One per server process."""

    def __init__(
        self,
        *,
        pool: Pool,
        clock: Clock,
        models: ModelServer,
        spool: OptOutSpool,
        home: Path,
        addresses: Addresses,
        redis_url: str | None = None,
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._models = models
        self._spool = spool
        self._home = home
        self._addresses = addresses
        self._redis_url = redis_url
        self._standing = Remembered(self._ask_standing, fresh_s=1.0)
        self._carrier = Remembered(self._ask_carrier, fresh_s=2.0)
        self._speech = Remembered(self._ask_speech, fresh_s=2.0)
        self._redis = Remembered(self._ask_redis, fresh_s=2.0)

    async def look(self) -> tuple[bool, dict[str, Any]]:
        """Whether calls can be held, and every component by name."""
        latency, standing, carrier, speech, redis = await asyncio.gather(
            self._ping(),
            self._standing.look(),
            self._carrier.look(),
            self._speech.look(),
            self._redis.look(),
        )
        silent = Component("warn", "has not answered yet", ok=False)
        parts: Parts = {"database": database_of(latency, standing)}
        parts["models"] = models_of(self._models)
        parts["drift"] = drift_of(standing.watched if standing is not None else None)
        parts["opt_out_spool"] = spool_of(self._spool)
        parts |= processes_of(standing if isinstance(latency, float) else None)
        parts["carrier"] = carrier or silent
        parts["speech"] = speech or silent
        parts["redis"] = redis or silent
        parts["disk"] = self._disk()
        parts |= stores_of(standing if isinstance(latency, float) else None, self._clock.now())
        bodies = {name: part.body() for name, part in parts.items()}
        return all(bodies[name]["ok"] for name in _NEEDED), bodies

    async def standing(self) -> Standing | None:
        """The last look at the database; None when it has not answered."""
        return await self._standing.look(_DATABASE_S)

    async def _ping(self) -> float | str:
        """Milliseconds, or why there is no answer."""
        started = time.perf_counter()
        try:
            async with self._pool.connection(timeout=_DATABASE_S) as db:
                await db.execute("SELECT 1")
        except TROUBLE as error:
            return f"does not answer ({type(error).__name__})"
        return round((time.perf_counter() - started) * 1000, 1)

    async def _ask_standing(self) -> Standing | None:
        rehearsal = self._addresses.rehearsal
        asked = {"rehearsal": rehearsal, "prefix": f"{ALERT} ", "kind": kind(rehearsal=rehearsal)}
        try:
            async with self._pool.connection(timeout=_DATABASE_S) as db:
                found = await db.execute(_SQL.standing, {"now": self._clock.now()})
                facts = await found.fetchone()
                alive = await (await db.execute(_SQL.alive_by_kind)).fetchall()
                watched = await (await db.execute(_SQL.models_watched, asked)).fetchone()
        except TROUBLE:
            return None
        assert facts is not None
        assert watched is not None
        return Standing(facts, {row["kind"]: row["n"] for row in alive}, Watched(**watched))

    async def _ask_carrier(self) -> Component:
        base = self._addresses.carrier
        if not self._addresses.rehearsal:
            return Component("ok", f"live: real people are called through {base or 'Twilio'}")
        return await _rehearsal(base, "a rehearsal: nobody real is called")

    async def _ask_speech(self) -> Component:
        base = self._addresses.speech
        if base is None:
            return Component("ok", "ElevenLabs; its answers are counted in /metrics")
        return await _rehearsal(base, "the simulator's voice and ears")

    async def _ask_redis(self) -> Component:
        if self._redis_url is None:
            return Component("off", "not used", ok=True)
        return await _redis(self._redis_url)

    def _disk(self) -> Component:
        disk = disk_of(self._home)
        facts = {"free_bytes": disk.free_bytes, "total_bytes": disk.total_bytes}
        return Component(disk.state, disk.sentence(), facts)


async def _rehearsal(base: str | None, means: str) -> Component:
    started = time.perf_counter()
    try:
        async with httpx.AsyncClient(timeout=_PROBE_S, trust_env=False) as client:
            answer = await client.get(f"{base}/rehearsal")
            rehearsal = answer.status_code == httpx.codes.OK and answer.json().get("rehearsal")
    except (httpx.HTTPError, ValueError, AttributeError) as error:
        return Component("down", f"{base} does not answer ({type(error).__name__})")
    took = round((time.perf_counter() - started) * 1000, 1)
    if rehearsal is not True:
        return Component("warn", f"{base} answers, but not that it is a rehearsal")
    return Component("ok", f"{base} answers: {means}", {"latency_ms": took})


async def _redis(url: str) -> Component:
    # Only where a Redis is set up: it takes a tenth of a second to load.
    import redis.asyncio
    from redis.exceptions import RedisError

    client = redis.asyncio.Redis.from_url(url, socket_timeout=_PROBE_S)
    started = time.perf_counter()
    try:
        await client.ping()
    except (RedisError, OSError) as error:
        return Component("down", f"does not answer ({type(error).__name__}); check REDIS_URL")
    finally:
        await client.aclose()
    took = round((time.perf_counter() - started) * 1000, 1)
    return Component("ok", "answers", {"latency_ms": took})


def database_of(latency: float | str, standing: Standing | None) -> Component:
    if isinstance(latency, str):
        return Component("down", latency)
    facts: dict[str, Any] = {"latency_ms": latency}
    if standing is None:
        return Component("ok", "answers", facts)
    told = standing.facts
    facts |= {"bytes": told["bytes"], "connections": told["connections"]}
    facts["most_connections"] = told["most_connections"]
    reason = (
        f"answers in {latency:.0f} ms; {told['bytes'] / 1e6:,.0f} MB,"
        f" {told['connections']} of {told['most_connections']} connections"
    )
    crowded = told["connections"] > 0.9 * told["most_connections"]
    return Component("warn" if crowded else "ok", reason, facts)


def models_of(models: ModelServer) -> Component:
    status = models.status()
    serving = {name: model["serving"] for name, model in status.items() if model.get("serving")}
    refused = sorted(name for name, model in status.items() if model.get("refused"))
    if not serving:
        why = f"refused: {', '.join(refused)}" if refused else "none yet"
        return Component("warn", f"{why}; keywords stand in", ok=False)
    reason = "serving " + ", ".join(f"{name} {serving[name]}" for name in sorted(serving))
    tried = {
        f"{name} {slot}": candidate
        for name, model in status.items()
        for slot, candidate in model["candidates"].items()
    }
    reason += "".join(
        f"; {name} {one['version']} ({one['share']:g} % of the calls)"
        for name, one in tried.items()
        if one["version"] is not None
    )
    broken = [name for name, one in tried.items() if one["refused"]]
    if refused:
        return Component("warn", f"{reason}; a new champion is refused: {', '.join(refused)}")
    silent = sorted(name for name, model in status.items() if model.get("fallback"))
    if silent:
        return Component("warn", f"{reason}; drifted, so answering neutral: {', '.join(silent)}")
    if broken:
        return Component("warn", f"{reason}; a candidate is refused: {', '.join(broken)}")
    return Component("ok", reason, {"serving": serving})


def drift_of(watched: Watched | None) -> Component:
    """Whether models still hear what they were taught; calls go on either way."""
    if watched is None:
        return Component("warn", "unknown: the database does not answer", ok=False)
    if not watched.figures:
        return Component("off", "nothing was measured yet; the flows do it once a day", ok=True)
    facts = {"measures": len(watched.figures)}
    if watched.alerts:
        return Component("warn", "; ".join(watched.alerts), facts)
    return Component("ok", "the models hear what they were taught", facts)


def spool_of(spool: OptOutSpool) -> Component:
    waiting = spool.count()
    if waiting:
        return Component("down", f"{waiting} opt-outs wait for the database", {"waiting": waiting})
    return Component("ok", "empty", {"waiting": 0})


def processes_of(standing: Standing | None) -> Parts:
    """Who is alive by heartbeat; that none is, is no fault of the server's."""
    if standing is None:
        unknown = "unknown: the database does not answer"
        return {name: Component("warn", unknown, ok=False) for name in _KINDS}
    return {name: _alive(kind, standing.alive.get(kind, 0)) for name, kind in _KINDS.items()}


def _alive(kind: str, n: int) -> Component:
    if n:
        return Component("ok", f"{n} alive", {"alive": n})
    return Component("off", f"none is running; start `voice-ai {kind}`", {"alive": 0})


def stores_of(standing: Standing | None, now: datetime) -> Parts:
    """What waits in the queues, and whether events have a partition to go to."""
    if standing is None:
        unknown = Component("warn", "unknown: the database does not answer", ok=False)
        return {"queue": unknown, "events": unknown}
    return {"queue": _queue(standing.facts, now), "events": _events(standing.facts)}


def _queue(told: Row, now: datetime) -> Component:
    ages = {name: age_s(told[f"oldest_{name}"], now) for name in ("command", "flow_request")}
    facts = {"commands": told["commands"], "flow_requests": told["flow_requests"]}
    facts |= {f"oldest_{name}_s": age for name, age in ages.items()}
    late = []
    if (ages["command"] or 0) > COMMAND_PATIENCE.total_seconds():
        late.append(f"a command waits for {ages['command']:.0f} s; is a dialer running?")
    if (ages["flow_request"] or 0) > FLOW_PATIENCE.total_seconds():
        late.append(f"a flow request waits for {ages['flow_request']:.0f} s; is `flows` running?")
    waiting = f"{told['commands']} commands and {told['flow_requests']} flow requests are open"
    return Component("warn" if late else "ok", "; ".join([waiting, *late]), facts)


def age_s(since: datetime | None, now: datetime) -> float | None:
    return None if since is None else max(0.0, (now - since).total_seconds())


def _events(told: Row) -> Component:
    facts = {"this_month": told["this_month"], "next_month": told["next_month"]}
    if told["stray_events"]:
        return Component("warn", "some events of a surprising month are in the default partition")
    made = [
        f"{name.replace('_', ' ')} {'is there' if there else 'is made at its first dial'}"
        for name, there in facts.items()
    ]
    return Component("ok", "partition of " + ", of ".join(made), facts)
