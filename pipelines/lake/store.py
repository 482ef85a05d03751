"""Where the lake's files are: a folder or an object store, by its address. Files never change.

A remote file is fetched once into a folder of this machine and read from there, so that DuckDB,
polars and a notebook all read plain local Parquet.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import uuid4

from voice_ai.errors import BadInput, NotAvailable, Refused

if TYPE_CHECKING:
    from obstore.store import ObjectStore

LOCAL = frozenset({"", "file"})
REMOTE = frozenset({"s3", "gs", "az", "abfs", "abfss", "memory"})


class AlreadyThere(Refused):
    """Somebody else wrote that file first."""


@dataclass(frozen=True)
class Store:
    """`root`: local folder of the lake, or of the copies of remote files; `remote`: the object
    store behind it, None where the folder is the lake."""

    url: str
    root: Path
    remote: "ObjectStore | None"

    def put(self, path: str, data: bytes | Path) -> None:
        """Writes a file under a name that was never used before."""
        content = data.read_bytes() if isinstance(data, Path) and self.remote is None else data
        if self.remote is None:
            target = self.root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            _write_whole(target, content if isinstance(content, bytes) else content.read_bytes())
            return
        import obstore

        with _told(self.url):
            obstore.put(self.remote, path, data)

    def put_new(self, path: str, data: bytes) -> None:
        """Writes the file unless it is there, as one step. Raises AlreadyThere."""
        if self.remote is None:
            target = self.root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            _link_whole(target, data)
            return
        import obstore

        try:
            with _told(self.url):
                obstore.put(self.remote, path, data, mode="create")
        except obstore.exceptions.AlreadyExistsError:
            raise AlreadyThere(f"{path} is written already") from None

    def get(self, path: str) -> bytes:
        """Raises FileNotFoundError."""
        return self.local(path).read_bytes()

    def local(self, path: str) -> Path:
        """The file on this machine; a remote one is fetched when it is not here yet."""
        place = self.root / path
        if self.remote is None or place.exists():
            return place
        import obstore

        try:
            with _told(self.url):
                data = obstore.get(self.remote, path).bytes()
        except FileNotFoundError:
            raise FileNotFoundError(path) from None
        place.parent.mkdir(parents=True, exist_ok=True)
        _write_whole(place, bytes(data))
        return place

    def names(self, folder: str) -> list[str]:
        """Paths of the files under `folder`, sorted."""
        if self.remote is None:
            base = self.root / folder
            found = (p for p in base.rglob("*") if p.is_file() and not p.name.startswith("."))
            return sorted(p.relative_to(self.root).as_posix() for p in found)
        import obstore

        with _told(self.url):
            return sorted(
                str(o["path"]) for page in obstore.list(self.remote, folder) for o in page
            )

    def delete(self, paths: list[str]) -> None:
        """Removes files; one that is gone already is no error."""
        for path in paths:
            (self.root / path).unlink(missing_ok=True)
        if self.remote is not None and paths:
            import obstore

            with _told(self.url):
                obstore.delete(self.remote, paths)


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

    options: dict[str, Any] = {}
    if parts.scheme == "s3" and os.environ.get("AWS_ENDPOINT_URL", "").startswith("http://"):
        options["client_options"] = {"allow_http": True}
    kept = home / "lake-copies" / f"{parts.scheme}-{parts.netloc}{parts.path}".strip("/")
    return Store(url, kept, from_url(url, **options))


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


def _write_whole(target: Path, data: bytes) -> None:
    part = target.with_name(f".{target.name}.{uuid4().hex}")
    _write_synced(part, data)
    part.replace(target)


def _link_whole(target: Path, data: bytes) -> None:
    part = target.with_name(f".{target.name}.{uuid4().hex}")
    _write_synced(part, data)
    try:
        os.link(part, target)
    except FileExistsError:
        raise AlreadyThere(f"{target} is written already") from None
    finally:
        part.unlink(missing_ok=True)
    _sync_folder(target.parent)


def _write_synced(part: Path, data: bytes) -> None:
    with part.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
