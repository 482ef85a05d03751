"""Both embedded servers under every way in which their users and they themselves can end."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psutil
import psycopg
import pytest
import redis

from voice_ai.embedded import PostgresLease, ValkeyLease, attach_postgres, attach_valkey
from voice_ai.errors import NotAvailable
from voice_ai.vault import Keyring

PATIENCE = 20.0

TENANT = """
import sys
from pathlib import Path
from voice_ai import embedded
from voice_ai.vault import Keyring
home = Path(sys.argv[2])
lease = getattr(embedded, "attach_" + sys.argv[1])(home, Keyring.open(home, None))
print(lease.url, flush=True)
sys.stdin.readline()
lease.close()
"""


def eventually(true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, f"not within {PATIENCE:.0f} s: {what}"
        time.sleep(0.02)


@dataclass(frozen=True)
class Service:
    """One kind of server, with what a test has to know of its protocol."""

    name: str
    attach: Callable[[Path, Keyring], PostgresLease | ValkeyLease]
    write: Callable[[str, str], None]
    read: Callable[[str], str]
    refusal: type[Exception]

    def state(self, home: Path) -> dict[str, Any]:
        state: dict[str, Any] = json.loads((home / self.name / "server.json").read_text())
        return state

    def answers(self, url: str) -> bool:
        try:
            self.read(url)
        except (psycopg.OperationalError, redis.RedisError):
            return False
        return True


def write_row(url: str, text: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (at int PRIMARY KEY, text text)")
        connection.execute(
            "INSERT INTO kept VALUES (1, %s) ON CONFLICT (at) DO UPDATE SET text = %s", [text, text]
        )


def read_row(url: str) -> str:
    with psycopg.connect(url) as connection:
        if connection.execute("SELECT to_regclass('kept')").fetchone() == (None,):
            return ""
        row = connection.execute("SELECT text FROM kept").fetchone()
        return str(row[0]) if row else ""


@contextlib.contextmanager
def redis_client(url: str) -> Iterator[redis.Redis]:
    client = redis.Redis.from_url(url, retry=None, decode_responses=True)
    try:
        yield client
    finally:
        client.close()


def write_entry(url: str, text: str) -> None:
    with redis_client(url) as client:
        client.set("kept", text)


def read_entry(url: str) -> str:
    with redis_client(url) as client:
        return str(client.get("kept") or "")


SERVICES = [
    Service("postgres", attach_postgres, write_row, read_row, psycopg.OperationalError),
    Service("valkey", attach_valkey, write_entry, read_entry, redis.AuthenticationError),
]


@pytest.fixture(params=SERVICES, ids=lambda service: service.name)
def service(request: pytest.FixtureRequest) -> Service:
    found: Service = request.param
    return found


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Shared by the module's tests: each starts its server warm and leaves it stopped."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def keyring(home: Path) -> Keyring:
    return Keyring.open(home, None)


class Tenant:
    """Another process that is attached."""

    def __init__(self, service: Service, home: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", TENANT, service.name, str(home)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def url(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def leave(self) -> None:
        self.process.communicate("leave\n", timeout=PATIENCE)
        assert self.process.returncode == 0

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=PATIENCE)


@pytest.fixture
def tenant(service: Service, home: Path) -> Iterator[Callable[[], Tenant]]:
    made: list[Tenant] = []

    def attached() -> Tenant:
        made.append(Tenant(service, home))
        return made[-1]

    yield attached
    for one in made:
        one.kill()


def is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_what_was_written_is_there_at_the_next_start_at_the_same_address(
    service: Service, home: Path, keyring: Keyring
) -> None:
    with service.attach(home, keyring) as first:
        service.write(first.url, "first start")
    with service.attach(home, keyring) as second:
        assert service.read(second.url) == "first start"
        assert second.url == first.url


def test_last_one_out_leaves_no_process_behind(
    service: Service, home: Path, keyring: Keyring
) -> None:
    lease = service.attach(home, keyring)
    state = service.state(home)
    assert not is_gone(state["pid"])
    lease.close()
    assert is_gone(state["pid"])
    assert is_gone(state["keeper"])
    assert not service.answers(lease.url)


def test_closing_twice_is_closing_once(service: Service, home: Path, keyring: Keyring) -> None:
    first, second = service.attach(home, keyring), service.attach(home, keyring)
    first.close()
    first.close()
    assert service.answers(second.url)
    second.close()
    assert not service.answers(second.url)


def test_server_outlives_the_process_that_started_it(
    service: Service, home: Path, keyring: Keyring, tenant: Callable[[], Tenant]
) -> None:
    starter = tenant()
    url = starter.url()
    with service.attach(home, keyring) as lease:
        assert lease.url == url
        starter.leave()
        assert service.answers(url)
    assert not service.answers(url)


def test_a_killed_process_is_not_counted_as_attached(
    service: Service, home: Path, keyring: Keyring, tenant: Callable[[], Tenant]
) -> None:
    killed = tenant()
    killed.url()
    lease = service.attach(home, keyring)
    killed.kill()
    assert service.answers(lease.url)
    lease.close()
    assert is_gone(service.state(home)["pid"])


def test_server_stops_by_itself_when_every_user_was_killed(
    service: Service, home: Path, tenant: Callable[[], Tenant]
) -> None:
    users = [tenant(), tenant()]
    for user in users:
        user.url()
    state = service.state(home)
    for user in users:
        user.kill()
    eventually(lambda: is_gone(state["pid"]), "the server stops")
    eventually(lambda: is_gone(state["keeper"]), "its keeper ends")


def test_killed_server_comes_back_with_its_data_for_those_attached(
    service: Service, home: Path, keyring: Keyring
) -> None:
    with service.attach(home, keyring) as lease:
        service.write(lease.url, "before the kill")
        killed = service.state(home)["pid"]
        os.kill(killed, signal.SIGKILL)
        eventually(lambda: service.state(home)["pid"] != killed, "the keeper starts a new server")
        eventually(lambda: service.answers(lease.url), "the new server answers")
        assert service.read(lease.url) == "before the kill"


def test_server_and_keeper_killed_together_are_replaced_at_the_next_attach(
    service: Service, home: Path, keyring: Keyring
) -> None:
    with service.attach(home, keyring) as before:
        service.write(before.url, "before both kills")
        state = service.state(home)
        os.kill(state["keeper"], signal.SIGKILL)
        os.kill(state["pid"], signal.SIGKILL)
        with service.attach(home, keyring) as after:
            assert service.read(after.url) == "before both kills"
            assert service.state(home)["pid"] != state["pid"]


def test_server_without_keeper_is_stopped_by_the_last_one_out(
    service: Service, home: Path, keyring: Keyring
) -> None:
    lease = service.attach(home, keyring)
    state = service.state(home)
    os.kill(state["keeper"], signal.SIGKILL)
    lease.close()
    assert is_gone(state["pid"])


def test_server_left_alone_without_keeper_is_used_again(
    service: Service, home: Path, keyring: Keyring, tenant: Callable[[], Tenant]
) -> None:
    user = tenant()
    user.url()
    state = service.state(home)
    os.kill(state["keeper"], signal.SIGKILL)
    user.kill()
    with service.attach(home, keyring) as lease:
        assert service.state(home)["pid"] == state["pid"]
        assert service.answers(lease.url)


def test_processes_that_start_at_once_share_one_server(
    service: Service, home: Path, tenant: Callable[[], Tenant]
) -> None:
    users = [tenant() for _ in range(3)]
    urls = {user.url() for user in users}
    assert len(urls) == 1
    pid = service.state(home)["pid"]
    for user in users:
        user.leave()
    assert is_gone(pid)


def test_a_forked_child_neither_stops_the_server_nor_keeps_it(
    service: Service, home: Path, keyring: Keyring
) -> None:
    lease = service.attach(home, keyring)
    go_on, told = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            lease.close()
            os.close(told)
            os.read(go_on, 1)
            os._exit(0)
        finally:
            os._exit(1)
    try:
        assert service.answers(lease.url)
        lease.close()
        assert not service.answers(lease.url)
        with service.attach(home, keyring) as again:
            assert service.answers(again.url)
    finally:
        os.close(told)
        os.close(go_on)
        _, ended = os.waitpid(child, 0)
    assert ended == 0


@pytest.mark.parametrize("password", ["", "wrong"])
def test_password_is_required(
    service: Service, home: Path, keyring: Keyring, password: str
) -> None:
    with service.attach(home, keyring) as lease:
        parts = urlsplit(lease.url)
        account = f"{parts.username or ''}:{password}@" if password else f"{parts.username or ''}@"
        netloc = f"{account.removeprefix('@')}127.0.0.1:{parts.port}"
        with pytest.raises(service.refusal):
            service.read(urlunsplit(parts._replace(netloc=netloc)))


def test_server_listens_on_loopback_only(service: Service, home: Path, keyring: Keyring) -> None:
    with service.attach(home, keyring):
        server = psutil.Process(service.state(home)["pid"])
        addresses = {
            connection.laddr.ip
            for connection in server.net_connections()
            if connection.status == psutil.CONN_LISTEN
        }
        assert addresses == {"127.0.0.1"}


def test_password_is_on_no_command_line(service: Service, home: Path, keyring: Keyring) -> None:
    with service.attach(home, keyring) as lease:
        password = urlsplit(lease.url).password
        assert password
        for pid in (service.state(home)["pid"], service.state(home)["keeper"]):
            assert password not in " ".join(psutil.Process(pid).cmdline())


def test_pid_on_record_that_became_another_process_is_left_alone(
    service: Service, home: Path, keyring: Keyring
) -> None:
    with service.attach(home, keyring):
        state = service.state(home)
    state_file = home / service.name / "server.json"
    state_file.write_text(json.dumps(state | {"pid": os.getpid(), "keeper": os.getpid()}))
    with service.attach(home, keyring) as lease:
        assert service.answers(lease.url)
        assert service.state(home)["pid"] != os.getpid()


def test_home_in_a_closed_folder_works_and_stays_closed(service: Service, tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    home = closed / "deep er" / "home"
    with service.attach(home, Keyring.open(home, None)) as lease:
        assert service.answers(lease.url)
        server = psutil.Process(service.state(home)["pid"])
        assert server.uids().real != 0
        assert server.uids().effective != 0
    assert closed.stat().st_mode & 0o777 == 0o700
    assert closed.stat().st_uid == os.getuid()


def test_home_that_cannot_be_made_is_one_clear_sentence(service: Service, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NotAvailable, match=r"Not a directory.*VOICE_AI_HOME"):
        service.attach(tmp_path / "file" / "home", Keyring(b"k" * 32))
