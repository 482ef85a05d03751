"""Our own side: models, the way back from the carrier, processes, database, disk, clocks."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from voice_ai.preflight.check import Check, Failed, Light, check, not_told
from voice_ai.vitals import Disk

# domain.md §3.1, infra.
MOST_EVENT_LAG_S = 5.0
MOST_SKEW_S = 1.0
# A claim asks the database several times a tick of 200 ms [assumed].
SLOW_DATABASE_MS = 100.0


@dataclass(frozen=True)
class ModelFacts:
    """By task: the version that loads and passes its golden self-test, and refusals' reasons."""

    serving: Mapping[str, str]
    refused: Mapping[str, str]


@dataclass(frozen=True)
class RoundTrip:
    """A signed callback to our own public address, and one with a wrong signature.

    `skew_s`: how far the server's clock is from this process's.
    """

    url: str
    accepted: bool
    wrong_refused: bool
    seconds: float
    skew_s: float | None
    problem: str = ""


@dataclass(frozen=True)
class DatabaseFacts:
    """`event_lag_s`: between a recent event and its row; None: there is no recent event."""

    latency_ms: float
    connections: int
    most_connections: int
    skew_s: float
    event_lag_s: float | None
    alive: Mapping[str, int]
    stray_events: bool


@dataclass(frozen=True)
class MachineFacts:
    models: ModelFacts | Failed
    round_trip: RoundTrip | Failed
    database: DatabaseFacts | Failed
    disk: Disk
    spooled_opt_outs: int


def judge_machines(facts: MachineFacts) -> Iterator[Check]:
    yield _models(facts.models)
    yield from _round_trip(facts.round_trip)
    if isinstance(facts.database, Failed):
        mend = "Look at `voice-ai health`; without the database nothing is dialed."
        yield not_told("machines.database", "Database", facts.database, mend)
    else:
        yield from _database(facts.database)
    yield _clocks(facts)
    yield _disk(facts.disk)
    yield _spool(facts.spooled_opt_outs)


def _models(facts: ModelFacts | Failed) -> Check:
    title = "Models"
    if isinstance(facts, Failed):
        mend = "Look at `voice-ai models status`."
        return not_told("models.serving", title, facts, mend)
    if facts.refused:
        task, reason = sorted(facts.refused.items())[0]
        mend = "Roll it back or deploy a sound version: `voice-ai models rollback`."
        return check("models.serving", title, Light.RED, f"{task} is refused: {reason}", mend)
    if not facts.serving:
        seen = "no model is deployed here: intents come from keywords, emotions are not heard"
        mend = "Train them (`voice-ai models ensure`), or start with keywords."
        return check("models.serving", title, Light.AMBER, seen, mend)
    told = ", ".join(f"{task} {version}" for task, version in sorted(facts.serving.items()))
    return check("models.serving", title, Light.GREEN, f"loaded, self-test passed: {told}")


def _round_trip(trip: RoundTrip | Failed) -> Iterator[Check]:
    title = "Callbacks"
    mend = (
        "Start `voice-ai server`, and let VOICE_AI_PUBLIC_URL name the address at which the "
        "carrier reaches it."
    )
    if isinstance(trip, Failed):
        yield not_told("machines.webhook", title, trip, mend)
        return
    if not trip.accepted:
        seen = f"`{trip.url}` does not take a signed callback: {trip.problem}"
        yield check("machines.webhook", title, Light.RED, seen, mend)
        return
    seen = f"`{trip.url}` took a signed callback in {trip.seconds * 1000:,.0f} ms"
    yield check("machines.webhook", title, Light.GREEN, seen)
    refused = trip.wrong_refused
    yield check(
        "machines.signature",
        "Wrong signatures",
        Light.GREEN if refused else Light.RED,
        f"a callback with a wrong signature was {'refused' if refused else 'taken'}",
        "Something in front of the server answers in its place: let it pass callbacks through.",
    )


def _database(facts: DatabaseFacts) -> Iterator[Check]:
    crowded = facts.connections > 0.9 * facts.most_connections
    slow = facts.latency_ms > SLOW_DATABASE_MS
    yield check(
        "machines.database",
        "Database",
        Light.AMBER if crowded or slow else Light.GREEN,
        f"answers in {facts.latency_ms:,.0f} ms; {facts.connections} of {facts.most_connections} "
        "connections are used",
        "Look at the Health page: close what holds connections, or give the database more.",
    )
    lag = facts.event_lag_s
    late = lag is not None and lag > MOST_EVENT_LAG_S
    seen = "no event in the last minutes"
    if lag is not None:
        seen = f"written {max(0.0, lag):,.1f} s after they happened"
    yield check(
        "machines.events",
        "Events",
        Light.AMBER if late or facts.stray_events else Light.GREEN,
        seen + ("; some have no partition of their month" if facts.stray_events else ""),
        f"More than {MOST_EVENT_LAG_S:.0f} s: look at the Health page for what is busy.",
    )
    for kind, title, mend in (
        ("dialer", "Dialer", "Start one: `voice-ai dialer`."),
        ("server", "Server", "Start one: `voice-ai server`; without it no call can be held."),
    ):
        n = facts.alive.get(kind, 0)
        seen = f"{n} alive" if n else "none has a fresh heartbeat"
        yield check(f"machines.{kind}", title, Light.GREEN if n else Light.RED, seen, mend)


def _clocks(facts: MachineFacts) -> Check:
    skews = []
    if isinstance(facts.database, DatabaseFacts):
        skews.append(("database", facts.database.skew_s))
    if isinstance(facts.round_trip, RoundTrip) and facts.round_trip.skew_s is not None:
        skews.append(("server", facts.round_trip.skew_s))
    wrong = any(abs(skew) > MOST_SKEW_S for _, skew in skews)
    told = ", ".join(f"{name} {skew:+.2f} s" for name, skew in skews)
    return check(
        "machines.clocks",
        "Clocks",
        Light.RED if wrong else Light.GREEN if skews else Light.AMBER,
        f"against the dialer's: {told}" if told else "no other clock could be read",
        "Set the machines' clocks by NTP: calling hours are kept by them.",
    )


def _disk(disk: Disk) -> Check:
    light = {"ok": Light.GREEN, "warn": Light.AMBER, "down": Light.RED}[disk.state]
    return check("machines.disk", "Disk", light, disk.sentence(), "Free some space on it.")


def _spool(waiting: int) -> Check:
    return check(
        "machines.spool",
        "Opt-outs",
        Light.AMBER if waiting else Light.GREEN,
        f"{waiting:,} wait to be written to the database",
        "Nothing is dialed until they are written; the dialer does that by itself.",
    )
