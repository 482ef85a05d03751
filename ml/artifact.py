"""A trained model as files: `model.skops`, and `manifest.json` that pins and proves it.

A model file is never trusted for what it says about itself: its SHA-256 must be the pinned one,
every type in it must be on the list of its kind, and it must then reproduce the recorded answers.
"""

import hashlib
import json
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ml.kinds import Model, kind_of
from voice_ai.errors import Refused

MODEL_FILE = "model.skops"
MANIFEST_FILE = "manifest.json"

_SAME = 1e-9
# Far above any model of ours; a file of some kilobytes can claim to expand to terabytes.
_MOST_BYTES = 1_000_000_000
_MOST_ENTRIES = 20_000
_SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


@dataclass(frozen=True)
class Golden:
    """What the model answered to `input` when it was trained, as scikit-learn computed it."""

    input: Any
    scores: Mapping[str, float]


@dataclass(frozen=True)
class Manifest:
    """`version` is None until the registry has given one; `settings` are those of the kind."""

    task: str
    kind: str
    model_name: str
    version: str | None
    sha256: str
    parameters_sha256: str
    labels: Sequence[str]
    settings: Mapping[str, Any]
    dataset: str
    dataset_sha256: str
    metrics: Mapping[str, float]
    golden: Sequence[Golden]

    def to_bytes(self) -> bytes:
        return json.dumps(asdict(self), indent=1, sort_keys=True).encode()

    @classmethod
    def from_bytes(cls, content: bytes) -> "Manifest":
        """Raises Refused when it is not a manifest."""
        try:
            fields = json.loads(content)
            fields["golden"] = tuple(Golden(**golden) for golden in fields["golden"])
            return cls(**fields)
        except (ValueError, TypeError, KeyError) as error:
            raise Refused(f"{MANIFEST_FILE} is damaged ({error}); deploy the model again") from None


def file_sha256(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def safe_name(name: str) -> str:
    """`name` when it can be part of a path. Raises Refused for anything that could leave it."""
    if not _SAFE_NAME.fullmatch(name):
        raise Refused(f"{name!r} is not the name of a task or a version")
    return name


def check_pin(path: Path, sha256: str) -> None:
    """Raises Refused unless the model file is there and is the pinned one."""
    try:
        found = file_sha256(path)
    except OSError as error:
        raise Refused(f"the model file cannot be read ({error.strerror})") from None
    if found != sha256:
        raise Refused(
            f"the model file has SHA-256 {found[:12]}…, the pinned one is {sha256[:12]}…; "
            "it was changed after training"
        )


def load_model(path: Path, sha256: str, allowed: frozenset[tuple[str, str]]) -> Any:
    """The pipeline in a skops file. Raises Refused when it is not the pinned one, or not safe."""
    check_pin(path, sha256)
    try:
        strange = sorted(f"{kind} ({loader})" for kind, loader in _types(path) - allowed)
        if strange:
            raise Refused(f"the model file holds types that are not allowed: {', '.join(strange)}")
        import skops.io

        # Everything in the file is on our list by now; skops wants to hear which of it is ours.
        return skops.io.load(path, trusted=sorted(kind for kind, _ in allowed))
    except Refused:
        raise
    except Exception as error:  # whatever a damaged file makes skops or a constructor do
        reason = f"{type(error).__name__}: {error}"
        raise Refused(f"the model file cannot be loaded ({reason})") from error


def load_verified(folder: Path, manifest: Manifest) -> Model:
    """The model of a folder, proved by its pin and its golden answers. Raises Refused."""
    kind = kind_of(manifest.kind)
    pipeline = load_model(folder / MODEL_FILE, manifest.sha256, kind.ALLOWED)
    try:
        model = kind.serve(pipeline, manifest.settings)
    except (AttributeError, KeyError, ValueError, TypeError) as error:
        raise Refused(f"the model file is not a {manifest.kind} classifier ({error})") from error
    self_test(model, manifest)
    return model


def self_test(model: Model, manifest: Manifest) -> None:
    """Raises Refused unless the model gives every recorded answer again."""
    if not manifest.golden:
        raise Refused("the manifest records no answers to test the model with")
    # Kinds that compute in single precision say how closely they repeat themselves.
    tolerance = getattr(model, "tolerance", _SAME)
    for golden in manifest.golden:
        scores = dict(zip(model.labels, model.probabilities(golden.input).tolist(), strict=True))
        same = scores.keys() == golden.scores.keys() and all(
            abs(scores[label] - golden.scores[label]) <= tolerance for label in scores
        )
        if not same:
            raise Refused(
                f"the model answers {golden.input!r} differently than when it was trained"
            )


def _types(path: Path) -> set[tuple[str, str]]:
    with zipfile.ZipFile(path) as archive:
        _refuse_bomb(archive)
        schema = json.loads(archive.read("schema.json"))
    return {
        (f"{node.get('__module__')}.{node.get('__class__')}", str(node.get("__loader__")))
        for node in _nodes(schema)
    }


def _refuse_bomb(archive: zipfile.ZipFile) -> None:
    """The sizes are those the archive names; reading stops there, whatever follows."""
    entries = archive.infolist()
    expanded = sum(entry.file_size for entry in entries)
    if len(entries) > _MOST_ENTRIES or expanded > _MOST_BYTES:
        raise Refused(
            f"the model file expands to {expanded / 1e6:,.0f} MB in {len(entries):,} entries; "
            f"at most {_MOST_BYTES / 1e6:,.0f} MB in {_MOST_ENTRIES:,} are loaded"
        )


def _nodes(part: Any) -> Iterator[Mapping[str, Any]]:
    waiting = [part]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if not {"__loader__", "__class__", "__module__"}.isdisjoint(value):
                yield value
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
