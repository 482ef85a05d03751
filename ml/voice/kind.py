"""The kind `voice`: one turn's features, and what was usual for its speaker before, in."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ml.datasets import Dataset, Reading, filled, load_rows
from ml.kinds import Fitted, Progress
from ml.voice.audio import UnreadableSound, read_sound, telephone
from ml.voice.features import NAMES, features_of
from ml.voice.model import Input, VoiceModel
from ml.voice.speaker import Population, SpeakerSoFar
from voice_ai.errors import BadInput

COLUMN = "path"
ALLOWED = frozenset(
    {
        ("sklearn.pipeline.Pipeline", "ObjectNode"),
        ("sklearn.preprocessing._data.StandardScaler", "ObjectNode"),
        ("sklearn.kernel_approximation.Nystroem", "ObjectNode"),
        ("sklearn.linear_model._logistic.LogisticRegression", "ObjectNode"),
        ("sklearn.discriminant_analysis.LinearDiscriminantAnalysis", "ObjectNode"),
        ("numpy.ndarray", "NdArrayNode"),
        ("numpy.float64", "NdArrayNode"),
        ("numpy.int64", "NdArrayNode"),
        ("builtins.dict", "DictNode"),
        ("builtins.list", "ListNode"),
        ("builtins.tuple", "TupleNode"),
        ("builtins.str", "JsonNode"),
        ("builtins.str", "TypeNode"),
    }
)


@dataclass(frozen=True)
class VoiceDataset(Dataset):
    """`sounds`: where the clip of a key is, and whose voice it is."""

    sounds: Mapping[str, tuple[Path, str | None]] = field(default_factory=dict)


def load(path: Path, reading: Reading = lambda share: None) -> VoiceDataset:
    """Rows with a sound file each, named from the data file's folder.

    Rows of one `speaker` (or `group`) are taken in file order, as turns of one call: each knows
    the earlier ones only. An input without a voice in it is empty.
    Raises BadInput naming file, line and field.
    """
    speakers: dict[str, SpeakerSoFar] = {}
    sounds: dict[str, tuple[Path, str | None]] = {}

    def listen(row: Mapping[str, object], source: Path, line: int) -> tuple[list[float], str]:
        sound = path.parent / filled(row, COLUMN, source, line)
        speaker = next((str(row[name]) for name in ("speaker", "group") if row.get(name)), None)
        try:
            samples, rate = read_sound(sound)
        except UnreadableSound as error:
            raise BadInput(f"{sound.name} {error}", file=source, line=line, field=COLUMN) from error
        except OSError as error:
            raise BadInput(
                f"{sound} cannot be read ({error.strerror}); paths count from the data file",
                file=source,
                line=line,
                field=COLUMN,
            ) from error
        ulaw = telephone(samples, rate)
        key = hashlib.sha256(ulaw).hexdigest()[:32]
        sounds[key] = sound, speaker
        features = features_of(ulaw)
        if features is None:
            return [], key
        so_far = SpeakerSoFar(len(NAMES))
        if speaker is not None:
            so_far = speakers.setdefault(speaker, so_far)
        return so_far.seen_before(features), key

    data = load_rows(path, COLUMN, listen, reading)
    return VoiceDataset(data.name, data.examples, sounds)


def fit(
    data: Dataset, *, seed: int, progress: Progress, options: Mapping[str, Any] | None = None
) -> Fitted:
    """See `ml.voice.fit`."""
    from ml.voice import fit as fitting

    del options
    return fitting.fit(data, seed=seed, progress=progress)


def quantised(made: Fitted) -> None:
    """None: a voice model is small as it is."""
    del made


def serve(pipeline: Any, settings: Mapping[str, Any]) -> VoiceModel:
    """The same in numpy."""
    return VoiceModel(pipeline, settings)


def reference(pipeline: Any, settings: Mapping[str, Any], inputs: Sequence[Input]) -> Any:
    """scikit-learn's probabilities, n x labels."""
    population = Population.from_settings(settings["population"])
    rows = [
        population.normalised(np.array([voice]))[0] if len(voice) else np.zeros(len(NAMES))
        for voice in inputs
    ]
    return pipeline.predict_proba(np.array(rows))
