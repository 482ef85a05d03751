"""Under whose account the embedded servers run: PostgreSQL refuses root, and so do we for both.

Nothing is opened up for that account: where a parent folder is closed to it (the home of root, a
pytest folder), the server gets the one capability that lets it pass, and no permission changes.
"""

import os
import pwd
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from voice_ai.errors import NotAvailable

CAP_DAC_OVERRIDE = 1
CAP_DAC_READ_SEARCH = 2
_UNPRIVILEGED = ("postgres", "nobody")


@dataclass(frozen=True)
class Account:
    """`put_on` is (uid, gid) when root has to change to it, None when we already are it."""

    uid: int
    gid: int
    put_on: tuple[int, int] | None

    def own(self, path: Path) -> None:
        """Make a file or folder of ours belong to the account."""
        if self.put_on is not None:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def reaches(self, path: Path, wanted: int) -> bool:
        """Whether mode bits alone let the account through to `path` with `wanted` (rwx bits)."""
        if self.put_on is None:
            return True
        parents = all(self._may(parent, os.X_OK) for parent in path.parents)
        return parents and self._may(path, wanted)

    def _may(self, path: Path, wanted: int) -> bool:
        status = path.stat()
        if status.st_uid == self.uid:
            bits = status.st_mode >> 6
        elif status.st_gid == self.gid:
            bits = status.st_mode >> 3
        else:
            bits = status.st_mode
        return bits & 0o7 & wanted == wanted


def account_for(data: Path) -> Account:
    """The owner of `data` if it exists, else us, or an unprivileged account when we are root."""
    owner = data.stat().st_uid if data.exists() else None
    me = os.geteuid()
    if me != 0:
        if owner is not None and owner != me:
            raise NotAvailable(
                f"{data} belongs to another user (uid {owner}); "
                "run as that user or as root, or set VOICE_AI_HOME to a folder of your own"
            )
        return Account(me, os.getegid(), None)
    return _unprivileged(owner)


def _unprivileged(owner: int | None) -> Account:
    if owner:
        try:
            return _worn(pwd.getpwuid(owner))
        except KeyError:
            return Account(owner, owner, (owner, owner))
    for name in _UNPRIVILEGED:
        try:
            return _worn(pwd.getpwnam(name))
        except KeyError:
            continue
    raise NotAvailable(
        "a database server must not run as root and there is no user postgres or nobody; "
        "run as an ordinary user, or set DATABASE_URL and REDIS_URL"
    )


def _worn(entry: pwd.struct_passwd) -> Account:
    return Account(entry.pw_uid, entry.pw_gid, (entry.pw_uid, entry.pw_gid))


def capabilities_needed(
    account: Account, *, programs: Iterable[Path], folders: Iterable[Path]
) -> list[int]:
    """What the account must keep of root's rights to run `programs` and to search `folders`."""
    programs, folders = list(programs), list(folders)
    searches = [*folders, *(program.parent for program in programs)]
    executable = all(
        program.stat().st_mode & stat.S_IXOTH or account.reaches(program, os.X_OK)
        for program in programs
    )
    readable = all(account.reaches(folder, os.R_OK | os.X_OK) for folder in searches)
    if executable and readable:
        return []
    held = _held_capabilities()
    enough = [CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE] if executable else [CAP_DAC_OVERRIDE]
    for capability in enough:
        if held & 1 << capability:
            return [capability]
    closed = next(path for path in (*searches, *programs) if not account.reaches(path, os.X_OK))
    raise NotAvailable(
        f"the user {pwd.getpwuid(account.uid).pw_name} cannot reach {closed}; "
        "run as an ordinary user, or set VOICE_AI_HOME to a folder that this user can reach"
    )


def _held_capabilities() -> int:
    status = Path("/proc/self/status")
    if not status.exists():
        return 0
    for line in status.read_text().splitlines():
        if line.startswith("CapPrm:"):
            return int(line.split()[1], 16)
    return 0
