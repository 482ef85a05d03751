"""Where the lake's files are: a folder or an object store, by its address. Files never change.

A remote file is fetched once into a folder of this machine and read from there, so that DuckDB,
polars and a notebook all read plain local Parquet.
"""

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast
from urllib.parse import urlsplit
from uuid import uuid4

from voice_ai.errors import BadInput, NotAvailable, Refused

if TYPE_CHECKING:
    from obstore.store import ObjectStore

LOCAL = frozenset({"", "file"})
REMOTE = frozenset({"s3", "gs", "az", "abfs", "abfss", "memory"})


class AlreadyThere(Refused):
    """Somebody else wrote that file first."""


class Listed(NamedTuple):
    """A file: `size` in bytes, `changed` by the clock of where it is."""

    path: str
    size: int
    changed: datetime


@dataclass(frozen=True)
class Store:
    """`root`: local folder of the lake, or of the copies of remote files; `remote`: the object
    store behind it, None where the folder is the lake."""

    url: str
    root: Path
    remote: "ObjectStore | None"

    def put(self, path: str, data: bytes | Path, *, again: bool = False) -> None:
        """Writes a file under a name that was never used before (`again`: or was). It is there
        whole or not at all. Raises NotAvailable."""
        if self.remote is not None:
            import obstore

            with _told(self.url):
                obstore.put(self.remote, path, data)
            if again:
                return
        # Of a remote file this is the copy that readers of this machine would fetch next.
        _write_whole(self.root, path, data)

    def put_new(self, path: str, data: bytes) -> None:
        """Writes the file unless it is there, as one step. Raises AlreadyThere, NotAvailable."""
        if self.remote is None:
            _link_whole(self.root, path, data)
            return
        import obstore

        try:
            with _told(self.url):
                obstore.put(self.remote, path, data, mode="create")
        except obstore.exceptions.AlreadyExistsError:
            raise AlreadyThere(f"{path} is written already") from None

    def get(self, path: str) -> bytes:
        """Raises FileNotFoundError, NotAvailable."""
        return self.local(path).read_bytes()

    def fresh(self, path: str) -> bytes:
        """A file that may have been written again. Raises FileNotFoundError, NotAvailable."""
        if self.remote is None:
            return (self.root / path).read_bytes()
        import obstore

        with _told(self.url):
            return bytes(obstore.get(self.remote, path).bytes())

    def local(self, path: str) -> Path:
        """The file on this machine; a remote one is fetched when it is not here yet. Raises
        FileNotFoundError (remote only), NotAvailable."""
        place = self.root / path
        if self.remote is not None and not place.exists():
            _write_whole(self.root, path, self.fresh(path))
        return place

    def names(self, folder: str) -> list[str]:
        """Paths of the files under `folder`, sorted. Raises NotAvailable."""
        return [
            file.path
            for file in self.listed(folder)
            if not file.path.rpartition("/")[2].startswith(".")
        ]

    def listed(self, folder: str = "") -> list[Listed]:
        """Every file under `folder` by its path, also what a dead process left half-written.
        Raises NotAvailable."""
        if self.remote is None:
            found = []
            for path in (self.root / folder).rglob("*"):
                with suppress(FileNotFoundError):  # gone since it was listed
                    about = path.stat()
                    if stat.S_ISREG(about.st_mode):
                        changed = datetime.fromtimestamp(about.st_mtime, UTC)
                        name = path.relative_to(self.root).as_posix()
                        found.append(Listed(name, about.st_size, changed))
            return sorted(found)
        import obstore

        with _told(self.url):
            return sorted(
                Listed(str(o["path"]), int(o["size"]), o["last_modified"])
                for page in obstore.list(self.remote, folder or None)
                for o in page
            )

    def delete(self, paths: list[str]) -> None:
        """Removes files; one that is gone already is no error. Raises NotAvailable."""
        if self.remote is not None and paths:
            import obstore

            with _told(self.url), suppress(FileNotFoundError):
                obstore.delete(self.remote, paths)
        for path in paths:
            (self.root / path).unlink(missing_ok=True)

    def drop_copies(self, wanted: set[str]) -> None:
        """Removes this machine's copies of remote files but the wanted ones."""
        if self.remote is None:
            return
        for place in self.root.rglob("*"):
            if place.is_file() and place.relative_to(self.root).as_posix() not in wanted:
                place.unlink(missing_ok=True)


def open_store(url: str | None, home: Path) -> Store:
    """The store at that address; None: the folder `lake` of the home. Raises BadInput for an
    address that nothing here can read."""
    if not url:
        return Store(str(home / "lake"), home / "lake", None)
    parts = urlsplit(url)
    if parts.scheme in LOCAL:
        folder = Path(parts.path if parts.scheme else url).expanduser().absolute()
        return Store(str(folder), folder, None)
    if parts.scheme not in REMOTE:
        raise BadInput(
            f"VOICE_AI_LAKE_URL: {parts.scheme}:// is not known here; a folder, s3://bucket/path,"
            " gs://bucket/path or az://container/path is"
        )
    from obstore.store import from_url

    client = {"connect_timeout": "5s", "timeout": "120s"}
    if os.environ.get("AWS_ENDPOINT_URL", "").startswith("http://"):
        client["allow_http"] = "true"
    retry = {"max_retries": 3, "retry_timeout": timedelta(seconds=30)}
    kept = home / "lake-copies" / f"{parts.scheme}-{parts.netloc}{parts.path}".strip("/")
    with _told(url):
        remote = from_url(url, client_options=cast(Any, client), retry_config=cast(Any, retry))
    return Store(url, kept, remote)


class _told:
    """Turns what an object store answers into a sentence for whoever runs the place."""

    def __init__(self, url: str) -> None:
        self.url = url

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        import obstore.exceptions as raised

        known = (raised.AlreadyExistsError, FileNotFoundError, NotAvailable)
        if isinstance(error, raised.BaseError) and not isinstance(error, known):
            said = str(error).splitlines()[0]
            raise NotAvailable(f"the lake at {self.url} did not go along: {said}") from error


def _write_whole(root: Path, path: str, data: bytes | Path) -> None:
    target = _place(root, path)
    part = target.with_name(f".{target.name}.{uuid4().hex}")
    with _left_clean(part):
        _write_synced(part, data)
        part.replace(target)
    _sync_folder(target.parent)


def _link_whole(root: Path, path: str, data: bytes) -> None:
    target = _place(root, path)
    part = target.with_name(f".{target.name}.{uuid4().hex}")
    with _left_clean(part):
        _write_synced(part, data)
        try:
            os.link(part, target)
        except FileExistsError:
            raise AlreadyThere(f"{path} is written already") from None
    _sync_folder(target.parent)


def _place(root: Path, path: str) -> Path:
    """Where the file goes; folders that are new are on the disk before anything names them."""
    target = root / path
    new = []
    folder = target.parent
    while not folder.exists():
        new.append(folder)
        folder = folder.parent
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise NotAvailable(f"the lake's folder {root} cannot be written: {error}") from error
    for made in new:
        _sync_folder(made.parent)
    return target


@contextmanager
def _left_clean(part: Path) -> Iterator[None]:
    """A full disk leaves a sentence and no half of a file."""
    try:
        yield
    except OSError as error:
        raise NotAvailable(f"the lake cannot be written: {error}") from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def _write_synced(part: Path, data: bytes | Path) -> None:
    with part.open("wb") as file:
        if isinstance(data, bytes):
            file.write(data)
        else:
            with data.open("rb") as other:
                shutil.copyfileobj(other, file, 2**20)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
