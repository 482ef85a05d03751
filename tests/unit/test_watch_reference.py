"""The reference of a version that has not spoken much: its own answers to the held-out rows."""

from dataclasses import replace
from pathlib import Path

from ml.datasets import Dataset
from ml.deploy import deploy
from ml.text.kind import example, fit
from ml.watch_reference import judged
from tests.unit.test_ml_serving import manifest_of


def test_the_served_version_is_judged_on_the_tasks_held_out_rows(tmp_path: Path) -> None:
    rows = {"neutral": ("ok", "fine", "all right", "yes", "so so"), "joy": ("great",) * 5}
    examples = tuple(example(text, label) for label, texts in rows.items() for text in texts)
    made = fit(Dataset("d", examples), seed=7, progress=lambda share, what: None)
    path = tmp_path / "made.skops"
    manifest = replace(manifest_of(made, path, "4"), task="emotion")
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
