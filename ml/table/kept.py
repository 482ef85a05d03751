"""The lead models that take part in scores: one champion for each seller of a home.

A shelf is a home of its own inside the home's models, so that a version is deployed to it, pinned
and proved as any other (`ml.deploy`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from ml.artifact import Manifest, load_verified, safe_name
from ml.deploy import champion_file, models_folder, read_champion, read_manifest
from ml.table.figures import Floats
from ml.table.model import TableModel
from ml.table.rows import Features
from voice_ai.errors import Refused

TASK = "lead"
# Where a model belongs that was learnt from a file: to no seller, so it is never served.
FILES = "files"
_SHELVES = "lead-of-sellers"


@dataclass(frozen=True)
class LeadModel:
    """A version that answers."""

    version: str
    model: TableModel
    manifest: Manifest

    def chances(self, rows: Sequence[Features]) -> Floats:
        """The chance of a contact; float64[rows]."""
        return self.model.success(self.model.batch(rows))


def shelf_of(seller_id: UUID, *, rehearsal: bool) -> str:
    return f"{seller_id}-rehearsal" if rehearsal else str(seller_id)


def shelf_home(home: Path, shelf: str) -> Path:
    return models_folder(home) / _SHELVES / safe_name(shelf)


def served_shelves(home: Path) -> dict[str, str]:
    """Version in use by shelf; those whose files are damaged are left out."""
    found = {}
    for folder in sorted((models_folder(home) / _SHELVES).glob("*")):
        try:
            found[folder.name] = read_champion(champion_file(folder, TASK)).version
        except Refused:
            continue
    return found


def champion(home: Path, shelf: str) -> LeadModel | None:
    """None while there is none. Raises Refused when its files were changed or are damaged."""
    path = champion_file(shelf_home(home, shelf), TASK)
    if not path.exists():
        return None
    told = read_champion(path)
    folder = path.parent / told.version
    manifest = read_manifest(folder, told.manifest_sha256)
    if manifest.settings.get("shelf") != shelf:
        raise Refused(f"lead version {told.version} was learnt from another seller's dials")
    return opened(folder, manifest)


def opened(folder: Path, manifest: Manifest) -> LeadModel:
    """Raises Refused when it is not proved, or no table model."""
    model = load_verified(folder, manifest)
    if not isinstance(model, TableModel):
        raise Refused("the model file is not a lead model")
    return LeadModel(manifest.version or "none", model, manifest)
