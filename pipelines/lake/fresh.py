"""The lake brought to where the database is, then opened: what reports and notebooks read."""

from datetime import datetime

from pipelines.lake import manifest as commits
from pipelines.lake.read import Lake
from pipelines.lake.store import Store
from pipelines.lake.sync import sync

# A history that was made up as a lake belongs to no database.
MADE_UP = "generated:"


def fresh(url: str, store: Store, *, now: datetime) -> Lake:
    """The newest commit after a sync, which costs what is new; where another process is at it, the
    newest there is. A made-up lake is read as it is. Raises Refused, NotAvailable."""
    found = commits.newest(store)
    if found is None or not found.source.startswith(MADE_UP):
        sync(url, store, now=now)
        found = commits.newest(store)
    return Lake(store, found)
