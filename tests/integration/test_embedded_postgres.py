"""What is particular to the embedded PostgreSQL: stale files, orphans, its log, its errors."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from voice_ai.embedded import attach_postgres, postgres_bin
from voice_ai.embedded.postgres import PostgresServer
from voice_ai.errors import NotAvailable
from voice_ai.vault import Keyring


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def keyring(home: Path) -> Keyring:
    return Keyring.open(home, None)


@pytest.fixture
def stranger(home: Path, keyring: Keyring) -> Iterator[int]:
    """The pid of a live process of the server's own account that is no PostgreSQL."""
    with attach_postgres(home, keyring) as lease:
        owner = lease.data_dir.stat().st_uid
    account = {"user": owner} if os.geteuid() == 0 else {}
    with subprocess.Popen(["sleep", "600"], **account) as process:  # type: ignore[call-overload]
        yield process.pid
        process.kill()


def is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_stale_pid_file_that_names_a_live_stranger_confuses_nobody(
    home: Path, keyring: Keyring, stranger: int
) -> None:
    pid_file = home / "postgres" / "data" / "postmaster.pid"
    with attach_postgres(home, keyring):
        lines = pid_file.read_text().splitlines()
    owner = (home / "postgres" / "data").stat()
    pid_file.write_text("\n".join([str(stranger), *lines[1:]]) + "\n")
    os.chown(pid_file, owner.st_uid, owner.st_gid)
    with (
        attach_postgres(home, keyring) as lease,
        psycopg.connect(lease.url) as connection,
    ):
        assert connection.execute("SELECT 1").fetchone() == (1,)
        assert int(pid_file.read_text().splitlines()[0]) != stranger
    assert is_alive(stranger)


@pytest.mark.parametrize("keeper_lives", [True, False])
def test_backend_that_outlives_its_killed_server_is_ended_before_the_next_start(
    home: Path,
    keyring: Keyring,
    keeper_lives: bool,
) -> None:
    with attach_postgres(home, keyring) as lease:
        state = PostgresServer(home, "").state()
        assert state is not None
        with psycopg.connect(lease.url, autocommit=True) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS survivor (id int)")
            connection.execute("INSERT INTO survivor VALUES (1)")
            backend = connection.info.backend_pid
            os.kill(backend, signal.SIGSTOP)
            if not keeper_lives:
                os.kill(state.keeper, signal.SIGKILL)
            os.kill(state.pid, signal.SIGKILL)
            with attach_postgres(home, keyring) as again, psycopg.connect(again.url) as reader:
                assert reader.execute("SELECT id FROM survivor LIMIT 1").fetchone() == (1,)
            assert not is_alive(backend)


def test_settings_keep_what_was_committed_and_speak_utc(home: Path, keyring: Keyring) -> None:
    wanted = {
        "server_version_num": "18",
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "data_checksums": "on",
        "max_connections": "200",
        "TimeZone": "UTC",
        "server_encoding": "UTF8",
        "unix_socket_directories": "",
        "listen_addresses": "127.0.0.1",
    }
    with attach_postgres(home, keyring) as lease, psycopg.connect(lease.url) as connection:
        for name, value in wanted.items():
            row = connection.execute("SELECT current_setting(%s)", [name]).fetchone()
            assert row is not None
            assert row[0].startswith(value), name


def test_log_keeps_no_value_of_a_statement_that_failed(home: Path, keyring: Keyring) -> None:
    secret = "+12025550143"
    with attach_postgres(home, keyring) as lease:
        with psycopg.connect(lease.url, autocommit=True) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS phones (number text PRIMARY KEY)")
            connection.execute("INSERT INTO phones VALUES (%s) ON CONFLICT DO NOTHING", [secret])
            for statement in (
                f"INSERT INTO phones VALUES ('{secret}')",
                f"SELECT '{secret}x'::int",
                f"SELECT no_such_function('{secret}')",
                f"DO $$ BEGIN RAISE EXCEPTION '{secret}'; END $$",
            ):
                with pytest.raises(psycopg.Error):
                    connection.execute(statement.encode())
            connection.execute(f"DO $$ BEGIN RAISE WARNING '{secret}'; END $$".encode())
        log = lease.log_file.read_text()
    assert "ready to accept connections" in log
    assert secret not in log


def test_setting_that_the_server_refuses_is_named_and_can_be_put_right(
    home: Path, keyring: Keyring
) -> None:
    own = home / "postgres" / "local.conf"
    own.write_text("shared_buffers = 'plenty'\n")
    try:
        with pytest.raises(NotAvailable, match=r"ended while starting \(.*postgres\.log") as error:
            attach_postgres(home, keyring)
        assert "DATABASE_URL" in error.value.message
    finally:
        own.unlink()
    with attach_postgres(home, keyring) as lease, psycopg.connect(lease.url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_another_secret_key_is_refused_with_a_hint_and_leaves_nothing_running(
    home: Path, keyring: Keyring
) -> None:
    with attach_postgres(home, keyring):
        pass
    with pytest.raises(NotAvailable, match="another secret key"):
        attach_postgres(home, Keyring(b"another secret key, of 32 bytes!"))
    marker = PostgresServer(home, "").marker
    assert not [
        process
        for process in psutil.process_iter(["cmdline"])
        if marker in " ".join(process.info["cmdline"] or [])
    ]


def test_port_that_was_taken_meanwhile_is_given_up(home: Path, keyring: Keyring) -> None:
    import socket

    with attach_postgres(home, keyring) as lease:
        before = lease.port
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", before))
        other.listen()
        with attach_postgres(home, keyring) as lease:
            assert lease.port != before


def test_half_made_cluster_is_made_anew(tmp_path: Path) -> None:
    half = tmp_path / "postgres" / "initdb-0badcafe" / "data"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    with attach_postgres(tmp_path, Keyring.open(tmp_path, None)) as lease:
        assert lease.data_dir.is_dir()
    assert not list((tmp_path / "postgres").glob("initdb-*"))


def test_home_that_is_removed_and_made_anew_gets_a_server_of_its_own(tmp_path: Path) -> None:
    home = tmp_path / "home"
    old = attach_postgres(home, Keyring.open(home, None))
    shutil.rmtree(home)
    with attach_postgres(home, Keyring.open(home, None)) as new:
        assert new.url != old.url
        old.close()
        with psycopg.connect(new.url) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)


def test_programs_of_the_wheel_run_and_speak_to_the_server(home: Path, keyring: Keyring) -> None:
    with attach_postgres(home, keyring) as lease:
        assert lease.bin_dir == postgres_bin("psql").parent
        said = subprocess.run(
            [postgres_bin("psql"), lease.url, "-Atc", "SELECT current_database()"],
            capture_output=True,
            text=True,
            check=True,
        )
    assert said.stdout.strip() == "voice_ai"
