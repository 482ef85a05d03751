"""The archive of reports, for the page about it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

_QUERY = """
SELECT r.id, r.kind, r.title, r.rehearsal, r.as_of, r.lake_commit, r.path, r.bytes, r.made_by,
       r.made_at, r.sent_to, r.sent_at, r.send_error
FROM report_archive r WHERE :kind = '' OR r.kind = :kind
ORDER BY r.made_at DESC, r.id LIMIT 50
"""


@dataclass(frozen=True)
class Archived:
    """One row of `report_archive`; `path` is under the home."""

    id: UUID
    kind: str
    title: str
    rehearsal: bool
    as_of: datetime
    lake_commit: int
    path: str
    bytes: int
    made_by: str
    made_at: datetime
    sent_to: str | None
    sent_at: datetime | None
    send_error: str | None

    @property
    def went(self) -> str:
        """Where it was sent, or why not."""
        parts = [f"sent to {self.sent_to}, {self.sent_at:%F %R} UTC"] if self.sent_to else []
        parts += [f"last try: {self.send_error}"] if self.send_error else []
        return "; ".join(parts) or "not sent"


def archived(connection: sa.Connection, kind: str | None = None) -> list[Archived]:
    """The fifty newest, the newest first; of one kind or of all."""
    rows = connection.execute(sa.text(_QUERY), {"kind": kind or ""})
    return [Archived(**row._mapping) for row in rows]


def campaigns(connection: sa.Connection) -> list[str]:
    """Names, the newest first."""
    rows = connection.execute(sa.text("SELECT name FROM campaigns ORDER BY created_at DESC"))
    return [row.name for row in rows]
