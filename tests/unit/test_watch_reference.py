"""The reference of a version that has not spoken much: its own answers to the held-out rows."""

from dataclasses import replace
from pathlib import Path

import skops.io

from ml.artifact import Golden, Manifest, file_sha256
from ml.datasets import Dataset, Example
from ml.deploy import deploy
from ml.fit import fit
from ml.linear_text import clean
from ml.watch_reference import judged


def test_the_served_version_is_judged_on_the_tasks_held_out_rows(tmp_path: Path) -> None:
    rows = {"neutral": ("ok", "fine", "all right", "yes", "so so"), "joy": ("great",) * 5}
    made = fit(Dataset("d", tuple(Example(t, label) for label in rows for t in rows[label])))
    path = tmp_path / "made.skops"
    skops.io.dump(made.pipeline, path)
    scores = dict(
        zip(made.labels, made.pipeline.predict_proba([clean("Fine")])[0].tolist(), strict=True)
    )
    manifest = Manifest(
        task="emotion",
        model_name="voice-ai-emotion",
        version="4",
        sha256=file_sha256(path),
        parameters_sha256=made.parameters_sha256,
        labels=made.labels,
        dataset="d",
        dataset_sha256=made.dataset.sha256,
        metrics={"macro_f1": 1.0},
        golden=(Golden("Fine", scores),),
    )
    assert judged(tmp_path, "emotion", "4") is None
    deploy(path, manifest, tmp_path)
    found = judged(tmp_path, "emotion", "4")
    assert found is not None
    reference = found.reference
    assert (reference.source, reference.labels) == ("held-out", ("joy", "neutral"))
    assert reference.n == sum(reference.label_counts) > 100
    assert reference.length is not None
    assert reference.accuracy is not None
    assert 0 < reference.accuracy < 0.7  # five of seven labels it has never heard of
    assert sum(map(sum, reference.confusion)) < reference.n
    assert reference.unknown_words is not None
    assert found.knows is not None
    assert found.knows("Great!")
    assert not found.knows("grzmot")
    assert judged(tmp_path, "emotion", "5") is None
    assert judged(tmp_path, "moods", "4") is None
    deploy(path, replace(manifest, version="5"), tmp_path)
    assert judged(tmp_path, "emotion", "4") is None
