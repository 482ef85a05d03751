"""Which commits are kept, and what is deleted when nothing that is kept needs it."""

import json
import re
from datetime import UTC, datetime, timedelta

from pydantic import BaseModel, ConfigDict

from pipelines.lake import manifest as commits
from pipelines.lake.store import Store
from voice_ai.errors import BadInput

NEWEST = 100
DAYS = 90
GRACE = timedelta(hours=1)  # a file may belong to a commit that is being written
PINS = "pins"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class SweepReport(BaseModel):
    """`kept`: commits that can still be read."""

    model_config = ConfigDict(frozen=True)

    kept: int
    commits: int
    files: int
    bytes: int


def pin(store: Store, name: str, number: int) -> None:
    """Keeps a commit under a name (letters, digits, `.`, `_`, `-`) for what was made from it, as a
    report; the same name again moves it. Raises NotFound, BadInput."""
    commits.read(store, number)
    store.put(_pin(name), json.dumps({"commit": number}).encode(), again=True)


def unpin(store: Store, name: str) -> None:
    """A name that is not there is no error. Raises BadInput."""
    store.delete([_pin(name)])


def pinned(store: Store) -> dict[str, int]:
    """Commit by name."""
    found = {}
    for path in store.names(PINS):
        name = path.removeprefix(f"{PINS}/").removesuffix(".json")
        found[name] = int(json.loads(store.fresh(path))["commit"])
    return found


def sweep(store: Store, *, now: datetime) -> SweepReport:
    """Deletes commits that are not kept (the newest, the last of each day, pinned ones are) and
    files that no kept commit names. `now`: the machine's time, by which files are old."""
    numbers = commits.commit_numbers(store)
    known = {number: commits.read(store, number) for number in numbers}
    kept = set(numbers[-NEWEST:]) | set(pinned(store).values())
    of_day: dict[str, int] = {}
    for number, made in known.items():
        if made.made_at > now - timedelta(days=DAYS):
            of_day[made.made_at.date().isoformat()] = number
    kept |= set(of_day.values())
    named = {file.path for number in kept if number in known for file in known[number].files}
    left = [commits.path_of(number) for number in numbers if number not in kept]
    loose = [
        file
        for file in store.listed()
        if file.path not in named and _data(file.path) and file.changed < now - GRACE
    ]
    # Manifests first: a commit that can be found has its files.
    store.delete(left)
    store.delete([file.path for file in loose])
    store.drop_copies(named | {commits.path_of(number) for number in kept})
    return SweepReport(
        kept=len(kept & set(numbers)),
        commits=len(left),
        files=len(loose),
        bytes=sum(file.size for file in loose),
    )


def machine_now() -> datetime:
    return datetime.now(UTC)


def _data(path: str) -> bool:
    """Rows, or half of a file that a dead process left."""
    return path.endswith(".parquet") or path.rpartition("/")[2].startswith(".")


def _pin(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise BadInput(f"{name!r} is no name for a pin; letters, digits, '.', '_' and '-' are")
    return f"{PINS}/{name}.json"
