"""The composition root that every process shares: settings, keys, database, Redis, clock."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit, urlunsplit

from voice_ai.clock import Clock, SystemClock
from voice_ai.db.connect import connect
from voice_ai.db.roles import role_name
from voice_ai.db.upgrade import is_current, upgrade
from voice_ai.rehearsal import rehearsal_clock_of
from voice_ai.settings import Settings
from voice_ai.vault import Keyring


@dataclass(frozen=True)
class Context:
    """What a process works with. `owner_url` migrates; processes use their role's login."""

    settings: Settings
    keyring: Keyring
    owner_url: str
    redis_url: str | None
    clock: Clock
    has_roles: bool

    def role_url(self, role: str) -> str:
        """The database address with the login of that role (`voice_ai.db.roles.ROLES`)."""
        if not self.has_roles:
            return self.owner_url
        parts = urlsplit(self.owner_url)
        user = role_name(parts.path.lstrip("/"), role)
        password = quote(self.keyring.password_for(role), safe="")
        place = parts.netloc.rpartition("@")[2]
        return urlunsplit(parts._replace(netloc=f"{quote(user, safe='')}:{password}@{place}"))

    @property
    def rehearsal(self) -> bool:
        return not self.settings.live_allowed


@contextmanager
def open_context(
    *, redis: bool = False, anchor: bool = False, speed: float = 1.0
) -> Iterator[Context]:
    """Opens (and on the way out leaves) everything; starts embedded servers where none is given.

    `anchor` sets the rehearsal clock to a good hour first; only `up` and `demo` do that.
    """
    settings = Settings.read()
    keyring = Keyring.open(settings.home, secret_text(settings))
    with ExitStack() as stack:
        owner_url = open_database(settings, keyring, stack)
        redis_url = _redis(settings, keyring, stack) if redis else None
        if not is_current(owner_url):
            upgrade(owner_url, keyring)
        with connect(owner_url, name="voice-ai context") as db:
            row = db.execute(
                "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = %s) AS known",
                (role_name(urlsplit(owner_url).path.lstrip("/"), "dialer"),),
            ).fetchone()
            clock: Clock = SystemClock()
            if not settings.live_allowed:
                clock = rehearsal_clock_of(
                    db, datetime.now(UTC), chosen=settings.clock_start, anchor=anchor, speed=speed
                )
        yield Context(
            settings, keyring, owner_url, redis_url, clock, has_roles=bool(row and row["known"])
        )


def secret_text(settings: Settings) -> str | None:
    return settings.secret_key.get_secret_value() if settings.secret_key else None


def open_database(settings: Settings, keyring: Keyring, stack: ExitStack) -> str:
    if settings.database_url is not None:
        return settings.database_url.get_secret_value()
    from voice_ai.embedded import attach_postgres

    return stack.enter_context(attach_postgres(settings.home, keyring)).url


def database_runs(settings: Settings) -> bool:
    """Whether opening a context would start no embedded database that nobody uses now."""
    if settings.database_url is not None:
        return True
    from voice_ai.embedded.postgres import PostgresServer

    # Only asked whether its process is there, so no password is needed.
    return PostgresServer(settings.home, "").main_process() is not None


def _redis(settings: Settings, keyring: Keyring, stack: ExitStack) -> str:
    if settings.redis_url is not None:
        return settings.redis_url.get_secret_value()
    from voice_ai.embedded import attach_valkey

    return stack.enter_context(attach_valkey(settings.home, keyring)).url
