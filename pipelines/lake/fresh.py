"""The lake brought to where the database is, then opened: what reports and notebooks read."""

from dataclasses import dataclass
from datetime import datetime

from pipelines.lake import manifest as commits
from pipelines.lake.read import Lake
from pipelines.lake.store import Store
from pipelines.lake.sync import sync
from voice_ai.errors import NotAvailable


@dataclass(frozen=True)
class Fresh:
    """A lake, and up to which moment it has every call that had ended by then."""

    lake: Lake
    as_of: datetime


def fresh(url: str, store: Store, *, now: datetime) -> Fresh:
    """The newest commit after a sync, which costs what is new; where another process is at it, the
    newest there is. A made-up lake is read as it is. Raises Refused; NotAvailable without any
    commit."""
    found, behind = commits.newest(store), True
    if found is None or not found.made_up:
        behind = sync(url, store, now=now).busy
        found = commits.newest(store)
    if found is None:
        raise NotAvailable("the lake is being written for the first time; try again in a moment")
    return Fresh(Lake(store, found), found.as_of if behind else now)
