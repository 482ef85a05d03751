"""An archived report on its way to people: the message, and the word in its row that it went."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from pipelines.notify import Attachment, Channel, Message, Outcome, send_to_all
from pipelines.notify.channels import send_now
from pipelines.report.archive import file_of
from pipelines.report.labels import moment
from voice_ai.db.connect import Db
from voice_ai.store import report_archive as store


def message_of(home: Path, row: Mapping[str, Any]) -> Message:
    """The report as a message with its file. Raises NotAvailable when that is gone."""
    path = file_of(home, row)
    kind = "Rehearsal: no person was called.\n" if row["rehearsal"] else ""
    text = (
        f"{row['title']}, as of {moment(row['as_of'])}, from commit {row['lake_commit']} of the"
        f" lake.\n{kind}"
        f"Report {str(row['id'])[:8]}, {path.name}."
    )
    return Message(row["title"], text, (Attachment(path.name, "text/html", path.read_bytes()),))


def deliver(
    db: Db,
    home: Path,
    row: Mapping[str, Any],
    channels: Sequence[Channel],
    *,
    now: datetime,
    send: Callable[[Channel, Message], None] = send_now,
) -> Outcome:
    """Sends it through every channel and writes down how that went; the report stays what it is."""
    outcome = send_to_all(channels, message_of(home, row), send) if channels else Outcome((), ())
    if outcome.told:
        store.note_sent(db, row["id"], ", ".join(outcome.told), now=now)
    if outcome.failed:
        store.note_not_sent(db, row["id"], "; ".join(outcome.failed))
    return outcome
