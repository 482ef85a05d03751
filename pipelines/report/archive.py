"""Keeps reports under the home, and builds one again to see that it is the same."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from pipelines.flow_list import report_name, reports_folder
from pipelines.lake import manifest as commits
from pipelines.lake.read import Lake
from pipelines.lake.store import Store
from pipelines.lake.sweep import pin
from pipelines.report.export import write_calls
from pipelines.report.facts import Scope
from pipelines.report.make import Made, build
from pipelines.report.write import write_text
from pipelines.report_kinds import Kind
from voice_ai.db.connect import Db
from voice_ai.errors import NotAvailable, Refused
from voice_ai.store import report_archive as store


@dataclass(frozen=True)
class Kept:
    """Where a report is, and under which id."""

    id: UUID
    path: Path
    calls: Path | None


def archive_folder(home: Path) -> Path:
    return reports_folder(home) / "archive"


def keep(db: Db, home: Path, made: Made, *, lake: Lake, by: str, now: datetime) -> Kept:
    """Keeps the commit, writes the file, then the row: a row never names a file that is not there.
    A compliance report brings the CSV of its dials. Raises BadInput, NotFound."""
    name = uuid4()
    pin(lake.store, f"report-{name}", made.scope.commit)
    folder = archive_folder(home) / made.kind
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"{made.scope.as_of:%Y-%m-%dT%H%M}Z-{report_name(made.campaign or made.kind)[:-5]}"
    path = write_text(made.html, folder / f"{stem}-{str(name)[:8]}.html")
    calls = None
    if made.kind == "compliance":
        calls = path.with_suffix(".csv")
        write_calls(lake, made.facts, made.scope, calls)
    content = made.html.encode()
    values = {
        "id": name,
        "kind": made.kind,
        "title": made.title,
        "campaign_id": made.scope.campaign_id,
        "rehearsal": made.scope.rehearsal,
        "as_of": made.scope.as_of,
        "lake_commit": made.scope.commit,
        "path": path.relative_to(home).as_posix(),
        "sha256": sha256(content).hexdigest(),
        "bytes": len(content),
        "made_by": by,
        "made_at": now,
    }
    store.keep(db, values, made.facts)
    return Kept(name, path, calls)


def file_of(home: Path, row: Mapping[str, Any]) -> Path:
    """The file of an archived report. Raises NotAvailable when it is gone or was changed."""
    path = home / str(row["path"])
    try:
        content = path.read_bytes()
    except OSError as error:
        raise NotAvailable(
            f"the file of the report is gone ({path}); `voice-ai reports again` builds it anew"
        ) from error
    if sha256(content).hexdigest() != row["sha256"]:
        raise NotAvailable(f"{path} was changed after the report was made")
    return path


def again(lake_store: Store, row: Mapping[str, Any]) -> Made:
    """Builds an archived report from its commit and its facts. Raises NotFound when the commit is
    gone, Refused when it comes out otherwise."""
    lake = Lake(lake_store, commits.read(lake_store, row["lake_commit"]))
    campaign = None if row["campaign_id"] is None else str(row["campaign_id"])
    kind: Kind = row["kind"]
    scope = Scope(row["rehearsal"], row["as_of"], row["lake_commit"], campaign)
    made = build(lake, kind, scope, row["facts"])
    if sha256(made.html.encode()).hexdigest() != row["sha256"]:
        raise Refused(
            "built again it is not the same: the program tells reports otherwise now, or the file"
            " of the commit was changed"
        )
    return made
