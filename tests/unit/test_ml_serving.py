"""Serving reads pinned copies: it takes good champions, refuses bad ones, keeps the old."""

import hashlib
import io
import json
import pickle
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import skops.io
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from ml.artifact import MODEL_FILE, Golden, Manifest, file_sha256, load_model, load_verified
from ml.datasets import Dataset
from ml.deploy import champion_file, deploy
from ml.fallback import FILE, note_drift, read_fallback, switch_fallback
from ml.kinds import Fitted
from ml.serving import ModelServer
from ml.text.kind import ALLOWED, example, fit, reference
from voice_ai.errors import Refused

_ROWS = {
    "yes": ("yes", "yeah", "yep", "yes sure", "oh yes"),
    "no": ("no", "nope", "nah", "no sorry", "oh no"),
}


@cache
def made(extra: str = "") -> Fitted:
    rows = [example(text, label) for label, texts in _ROWS.items() for text in texts]
    data = Dataset("d", (*rows, *([example(extra, "yes")] if extra else [])))
    return fit(data, seed=7, progress=lambda share, what: None)


def manifest_of(model: Fitted, path: Path, version: str) -> Manifest:
    skops.io.dump(model.pipeline, path)
    row = reference(model.pipeline, model.settings, ["Yes please"])[0]
    golden = Golden("Yes please", dict(zip(model.labels, row.tolist(), strict=True)))
    return Manifest(
        task="intent",
        kind="text",
        model_name="voice-ai-intent",
        version=version,
        sha256=file_sha256(path),
        parameters_sha256=model.fingerprint,
        labels=model.labels,
        settings=model.settings,
        dataset="d",
        dataset_sha256=model.dataset.sha256,
        metrics={"macro_f1": 1.0},
        golden=(golden,),
    )


def put(home: Path, version: str, extra: str = "") -> Manifest:
    path = home / "made.skops"
    home.mkdir(exist_ok=True)
    manifest = manifest_of(made(extra), path, version)
    deploy(path, manifest, home)
    return manifest


def test_a_champion_is_served_with_its_version_and_a_refresh_without_news_is_silent(
    tmp_path: Path,
) -> None:
    server = ModelServer(tmp_path)
    assert server.refresh() == []
    assert server.predict("intent", "yes") is None
    manifest = put(tmp_path, "1")
    assert server.refresh() == ["intent: serving version 1"]
    assert server.refresh() == []
    heard = server.predict("intent", "Oh, yes!")
    assert heard is not None
    assert (heard.label, heard.version, heard.model_name) == ("yes", "1", "voice-ai-intent")
    assert heard.score == heard.scores["yes"] == max(heard.scores.values())
    assert sum(heard.scores.values()) == pytest.approx(1.0)
    assert heard.latency_us > 0
    assert server.predict("emotion", "yes") is None
    standing = server.status()["intent"]
    assert (standing["serving"], standing["sha256"]) == ("1", manifest.sha256)
    assert standing["refused"] is None


def test_a_new_champion_is_taken_over(tmp_path: Path) -> None:
    server = ModelServer(tmp_path)
    put(tmp_path, "1")
    server.refresh()
    put(tmp_path, "2", "indeed")
    assert server.refresh() == ["intent: serving version 2"]
    heard = server.predict("intent", "indeed")
    assert heard is not None
    assert heard.version == "2"


def break_model(folder: Path) -> str:
    path = folder / "2" / MODEL_FILE
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    return "changed after training"


def break_manifest(folder: Path) -> str:
    path = folder / "2" / "manifest.json"
    path.write_bytes(path.read_bytes().replace(b'"yes"', b'"yea"'))
    return "changed after it was deployed"


def break_pointer(folder: Path) -> str:
    (folder / "champion.json").write_text('{"task": "intent"')
    return "cannot be read"


def escape(folder: Path) -> str:
    fields = {"task": "intent", "version": "../../etc", "manifest_sha256": "0"}
    (folder / "champion.json").write_text(json.dumps(fields))
    return "is not the name"


def lose_model(folder: Path) -> str:
    (folder / "2" / MODEL_FILE).unlink()
    return "cannot be read"


@pytest.mark.parametrize("damage", [break_model, break_manifest, break_pointer, escape, lose_model])
def test_a_damaged_champion_is_refused_with_its_reason_and_the_old_one_kept(
    tmp_path: Path, damage: object
) -> None:
    server = ModelServer(tmp_path)
    put(tmp_path, "1")
    server.refresh()
    put(tmp_path, "2", "indeed")
    reason = damage(champion_file(tmp_path, "intent").parent)  # type: ignore[operator]
    (news,) = server.refresh()
    assert "still serving version 1" in news
    assert reason in news
    assert server.status()["intent"]["refused"] is not None
    heard = server.predict("intent", "yes")
    assert heard is not None
    assert heard.version == "1"
    assert server.refresh() == []  # it is not tried again until it changes
    put(tmp_path, "2", "indeed")
    assert server.refresh() == ["intent: serving version 2"]


def test_a_model_that_answers_differently_than_recorded_is_never_deployed(tmp_path: Path) -> None:
    path = tmp_path / "made.skops"
    manifest = manifest_of(made(), path, "1")
    wrong = replace(manifest, golden=(Golden("yes", {"no": 0.5, "yes": 0.5}),))
    with pytest.raises(Refused, match="answers 'yes' differently"):
        deploy(path, wrong, tmp_path)
    assert not champion_file(tmp_path, "intent").exists()
    with pytest.raises(Refused, match="no answers"):
        deploy(path, replace(manifest, golden=()), tmp_path)
    with pytest.raises(Refused, match="register it first"):
        deploy(path, replace(manifest, version=None), tmp_path)


def test_types_outside_our_list_are_refused_even_with_the_right_hash(tmp_path: Path) -> None:
    path = tmp_path / MODEL_FILE
    skops.io.dump(FunctionTransformer(func=print), path)
    with pytest.raises(Refused, match="types that are not allowed"):
        load_model(path, file_sha256(path), ALLOWED)


def test_allowed_types_that_make_no_text_classifier_are_refused(tmp_path: Path) -> None:
    path = tmp_path / MODEL_FILE
    manifest = manifest_of(made(), path, "1")
    skops.io.dump(Pipeline([("model", LogisticRegression())]), path)
    with pytest.raises(Refused, match="not a text classifier"):
        load_verified(tmp_path, replace(manifest, sha256=file_sha256(path)))


def rewrite(path: Path, change: Callable[[str, bytes], bytes]) -> None:
    """The archive again, each entry's bytes as `change` gives them."""
    other = path.with_suffix(".other")
    with zipfile.ZipFile(path) as before, zipfile.ZipFile(other, "w") as after:
        for name in before.namelist():
            after.writestr(name, change(name, before.read(name)))
    other.replace(path)


def test_a_type_behind_another_loader_is_refused(tmp_path: Path) -> None:
    path = tmp_path / MODEL_FILE
    manifest = manifest_of(made(), path, "1")
    rewrite(path, lambda _, content: content.replace(b'"ObjectNode"', b'"FunctionNode"', 1))
    with pytest.raises(Refused, match="FunctionNode"):
        load_verified(tmp_path, replace(manifest, sha256=file_sha256(path)))


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / MODEL_FILE
    path.write_bytes(b"not a zip")
    with pytest.raises(Refused, match="cannot be loaded"):
        load_model(path, hashlib.sha256(b"not a zip").hexdigest(), ALLOWED)


class Burst:
    """What a pickle may hold: anything, done when it is loaded."""

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (Path("burst"),)


def test_a_pickle_in_a_models_clothes_is_never_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / MODEL_FILE
    path.write_bytes(pickle.dumps(Burst()))
    with pytest.raises(Refused, match="cannot be loaded"):
        load_model(path, file_sha256(path), ALLOWED)
    # Also not from inside an archive, where skops keeps the arrays.
    manifest_of(made(), path, "1")
    array = io.BytesIO()
    np.save(array, np.array([Burst()], dtype=object), allow_pickle=True)
    rewrite(path, lambda name, content: array.getvalue() if name.endswith(".npy") else content)
    with pytest.raises(Refused, match="cannot be loaded"):
        load_model(path, file_sha256(path), ALLOWED)
    assert not (tmp_path / "burst").exists()


def test_an_archive_that_expands_beyond_measure_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / MODEL_FILE
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(20_001):
            archive.writestr(str(number), b"")
    with pytest.raises(Refused, match="20,001 entries"):
        load_model(path, file_sha256(path), ALLOWED)
    manifest_of(made(), path, "1")
    with zipfile.ZipFile(path) as archive:
        (entry,) = [e for e in archive.infolist() if e.filename == "schema.json"]
        honest = entry.file_size.to_bytes(4, "little")
    # The directory at the end says how large the entry becomes.
    content = path.read_bytes()
    start = content.index(b"PK\x01\x02")
    claim = content[start:].replace(honest, (2**31).to_bytes(4, "little"))
    path.write_bytes(content[:start] + claim)
    with pytest.raises(Refused, match="expands to 2,1.. MB"):
        load_model(path, file_sha256(path), ALLOWED)


def test_serving_imports_neither_registry_nor_flows_nor_scikit_learn() -> None:
    code = "import ml.serving, sys; print([m for m in sys.argv[1:] if m in sys.modules])"
    heavy = ["mlflow", "prefect", "sklearn", "skops", "pandas"]
    found = subprocess.run(
        [sys.executable, "-c", code, *heavy], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"


def test_a_drifted_version_falls_silent_only_where_a_person_wants_it(tmp_path: Path) -> None:
    rows = {"neutral": ("ok", "fine", "all right", "yes", "so so"), "joy": ("great",) * 5}
    examples = tuple(example(text, label) for label, texts in rows.items() for text in texts)
    path = tmp_path / "made.skops"
    fitted = fit(Dataset("d", examples), seed=7, progress=lambda share, what: None)
    manifest = replace(manifest_of(fitted, path, "4"), task="emotion")
    deploy(path, manifest, tmp_path)
    server = ModelServer(tmp_path)
    server.refresh()
    note_drift(tmp_path, "emotion", version="4", reason="PSI 0.41")
    assert server.refresh() == []
    switch_fallback(tmp_path, "emotion", on=True)
    assert server.refresh() == ["emotion: version 4 drifted, it answers neutral, without a score"]
    assert server.refresh() == []
    heard = server.predict("emotion", "great")
    assert heard is not None
    assert (heard.label, heard.score, heard.scores, heard.fallback) == ("neutral", None, {}, True)
    assert heard.version == "4"
    assert server.status()["emotion"]["fallback"]

    (champion_file(tmp_path, "emotion").parent / FILE).write_text("{")
    assert len(server.refresh()) == 1  # said, and what was known stays
    with pytest.raises(Refused, match="fallback emotion off"):
        read_fallback(tmp_path, "emotion")
    switch_fallback(tmp_path, "emotion", on=False)
    assert server.refresh() == ["emotion: version 4 again answers for itself"]
    spoken = server.predict("emotion", "great")
    assert spoken is not None
    assert (spoken.label, spoken.fallback) == ("joy", False)


def test_calls_may_begin_before_a_large_model_is_loaded(tmp_path: Path) -> None:
    put(tmp_path, "1")
    server = ModelServer(tmp_path)
    assert server.refresh(most_bytes=10) == [
        "intent: calls begin before this large model is loaded"
    ]
    assert server.predict("intent", "yes") is None
    assert server.refresh() == ["intent: serving version 1"]
    assert server.predict("intent", "yes") is not None


def test_a_phrase_heard_again_gets_the_same_answer_of_the_version_that_serves_now(
    tmp_path: Path,
) -> None:
    put(tmp_path, "1")
    server = ModelServer(tmp_path)
    server.refresh()
    first, again = server.predict("intent", "oh yes"), server.predict("intent", "oh yes")
    assert first is not None
    assert again is not None
    assert (first.label, first.scores) == (again.label, again.scores)
    put(tmp_path, "2", "indeed")
    server.refresh()
    now = server.predict("intent", "oh yes")
    assert now is not None
    assert now.version == "2"
    assert now.scores != first.scores


def test_many_at_once_are_labelled_as_one_by_one(tmp_path: Path) -> None:
    put(tmp_path, "1")
    server = ModelServer(tmp_path)
    server.refresh()
    texts = ["yes sure", "no never", "oh"]
    scored = server.batch("intent", texts)
    assert scored is not None
    one_by_one = [server.predict("intent", text) for text in texts]
    assert scored.labels == [one.label for one in one_by_one if one]
    assert scored.scores == pytest.approx([one.score for one in one_by_one if one])
    assert server.batch("emotion", texts) is None
