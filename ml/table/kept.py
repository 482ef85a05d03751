"""Lead models of a home: a folder per seller, a folder per version, one of them the champion.

A champion was learnt from that seller's dials and passed its gate. Its files are pinned by SHA-256,
loaded through the allow-list of `ml.artifact`, and must give recorded answers again.
"""

import hashlib
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np

from ml.artifact import MANIFEST_FILE, MODEL_FILE, file_sha256, load_model, safe_name
from ml.deploy import CHAMPION_FILE, models_folder
from ml.table.figures import Floats
from ml.table.fit import Fitted
from ml.table.model import TableModel
from ml.table.rows import Features
from voice_ai.errors import NotFound, Refused

_FOLDER = "lead-of-sellers"
_GOLDEN_ROWS = 24
_SAME = 1e-9
# Where a model is kept that was learnt from a file: it belongs to no seller, and is never served.
FILES = "files"


@dataclass(frozen=True)
class Manifest:
    """`golden` are rows with the probabilities that they had when the model was made."""

    version: str
    shelf: str
    sha256: str
    parameters_sha256: str
    labels: tuple[str, ...]
    settings: Mapping[str, Any]
    dataset: str
    dataset_sha256: str
    source: str
    metrics: Mapping[str, float]
    gate: Mapping[str, Any]
    golden: Sequence[Mapping[str, Any]]

    def to_bytes(self) -> bytes:
        return json.dumps(asdict(self), indent=1, sort_keys=True).encode()

    @classmethod
    def from_bytes(cls, content: bytes) -> "Manifest":
        """Raises Refused."""
        try:
            return cls(**json.loads(content))
        except (ValueError, TypeError) as error:
            raise Refused(f"{MANIFEST_FILE} is damaged ({error}); train the model again") from None


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


def keep(
    home: Path,
    shelf: str,
    made: Fitted,
    *,
    metrics: Mapping[str, float],
    gate: Mapping[str, Any],
) -> Manifest:
    """Write a version, and try whether it loads. Raises Refused."""
    import skops.io

    folder = _shelf(home, shelf)
    folder.mkdir(parents=True, exist_ok=True)
    version = str(1 + max((int(known) for known in _versions(folder)), default=0))
    rows = [row.features for row in made.dataset.rows]
    rows = rows[:: max(1, len(rows) // _GOLDEN_ROWS)][:_GOLDEN_ROWS]
    cleaned = [TableModel(made.pipeline, made.settings).encoding.clean(row) for row in rows]
    answers = made.pipeline.predict_proba(cleaned)
    place = folder / version
    place.mkdir()
    skops.io.dump(made.pipeline, place / MODEL_FILE)
    manifest = Manifest(
        version=version,
        shelf=shelf,
        sha256=file_sha256(place / MODEL_FILE),
        parameters_sha256=made.parameters_sha256,
        labels=made.labels,
        settings=made.settings,
        dataset=made.dataset.name,
        dataset_sha256=made.dataset.sha256,
        source=made.dataset.source,
        metrics=metrics,
        gate=gate,
        golden=[
            {"row": dict(row), "scores": scores.tolist()}
            for row, scores in zip(rows, answers, strict=True)
        ],
    )
    (place / MANIFEST_FILE).write_bytes(manifest.to_bytes())
    _open(place, manifest)
    return manifest


def promote(home: Path, manifest: Manifest) -> None:
    """Make a version its seller's champion, in one step. Raises Refused without a passed gate."""
    if not manifest.gate["passed"] or manifest.shelf == FILES:
        raise Refused(f"lead version {manifest.version} did not pass its gate and is not served")
    pinned = hashlib.sha256(manifest.to_bytes()).hexdigest()
    content = json.dumps({"version": manifest.version, "manifest_sha256": pinned})
    folder = _shelf(home, manifest.shelf)
    with tempfile.NamedTemporaryFile("w", dir=folder, delete=False) as handle:
        handle.write(content)
    Path(handle.name).replace(folder / CHAMPION_FILE)


def champion(home: Path, shelf: str) -> LeadModel | None:
    """None while there is none. Raises Refused when its files were changed or are damaged."""
    folder = _shelf(home, shelf)
    try:
        told = json.loads((folder / CHAMPION_FILE).read_bytes())
        version, pin = safe_name(str(told["version"])), str(told["manifest_sha256"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise Refused(f"{CHAMPION_FILE} cannot be read ({error}); train the model again") from None
    content = _manifest_bytes(folder / version)
    if hashlib.sha256(content).hexdigest() != pin:
        raise Refused(f"{MANIFEST_FILE} of lead version {version} was changed after training")
    manifest = Manifest.from_bytes(content)
    return LeadModel(version, _open(folder / version, manifest), manifest)


def find(home: Path, shelf: str, version: str | None = None) -> LeadModel:
    """A version, the newest when None. Raises NotFound and Refused."""
    folder = _shelf(home, shelf)
    known = _versions(folder)
    if not known or (version is not None and version not in known):
        there = f"; there are {', '.join(known)}" if known else ""
        raise NotFound(f"there is no such lead model{there}; run `voice-ai models train lead`")
    wanted = version or known[-1]
    manifest = Manifest.from_bytes(_manifest_bytes(folder / wanted))
    return LeadModel(wanted, _open(folder / wanted, manifest), manifest)


def _open(folder: Path, manifest: Manifest) -> TableModel:
    pipeline = load_model(folder / MODEL_FILE, manifest.sha256)
    try:
        model = TableModel(pipeline, manifest.settings)
        answers = model.batch([golden["row"] for golden in manifest.golden])
    except (AttributeError, KeyError, ValueError, TypeError) as error:
        raise Refused(f"the model file is not a lead model ({error})") from None
    told = np.array([golden["scores"] for golden in manifest.golden])
    if answers.shape != told.shape or not np.allclose(answers, told, rtol=0, atol=_SAME):
        raise Refused("the lead model answers differently than when it was trained")
    return model


def _manifest_bytes(folder: Path) -> bytes:
    try:
        return (folder / MANIFEST_FILE).read_bytes()
    except OSError as error:
        raise Refused(f"{MANIFEST_FILE} cannot be read ({error.strerror})") from None


def _shelf(home: Path, shelf: str) -> Path:
    return models_folder(home) / _FOLDER / safe_name(shelf)


def _versions(folder: Path) -> list[str]:
    numbers = [int(p.name) for p in folder.glob("*") if p.name.isdigit()]
    return [str(number) for number in sorted(numbers)]
