"""Data files of clips, and the model that is made of them."""

import struct
from pathlib import Path

import numpy as np
import pytest

from ml.artifact import Golden, Manifest, file_sha256, load_model
from ml.deploy import deploy
from ml.kinds import Kind
from ml.serving import ModelServer
from ml.voice import kind
from ml.voice.audio import UnreadableSound, read_sound, telephone
from ml.voice.features import NAMES
from ml.voice.fit import Candidate, Choice, candidates, fitted, heard_clips
from tests.voices import corpus, samples, write_wav
from voice_ai import mulaw
from voice_ai.errors import BadInput


def quietly(share: float, what: str) -> None:
    """Nobody looks at the progress."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> kind.VoiceDataset:
    return kind.load(corpus(tmp_path_factory.mktemp("voices")))


def test_it_can_do_what_every_kind_can() -> None:
    wanted = {name for name in (*vars(Kind), *Kind.__annotations__) if not name.startswith("_")}
    assert wanted <= set(vars(kind))


def test_rows_know_their_speaker_and_their_earlier_clips(data: kind.VoiceDataset) -> None:
    first, second = data.examples[0], data.examples[1]
    assert (first.labels, first.group, dict(first.slices)) == (("calm",), "s0", {"room": "small"})
    width = len(NAMES)
    assert len(first.input) == 3 * width + 1
    assert (first.input[width], second.input[width]) == (0.0, 1.0)
    assert second.input[width + 1 : 2 * width + 1] == first.input[:width]
    assert data.sha256 == kind.load(data.sounds[first.key][0].parent / "voices.csv").sha256


def test_a_trained_model_hears_it_of_strangers_and_is_the_same_again(
    data: kind.VoiceDataset,
) -> None:
    made, again = (kind.fit(data, seed=3, progress=quietly) for _ in range(2))
    assert made.fingerprint == again.fingerprint
    assert made.cross_validated["uar"] >= 0.9
    model = kind.serve(made.pipeline, made.settings)
    assert model.labels == ("anger", "calm")
    right = model.batch(data.inputs).argmax(axis=1) == [e.label == "calm" for e in data.examples]
    assert right.mean() >= 0.9


@pytest.mark.parametrize("candidate", candidates(30), ids=lambda one: one.name)
def test_numpy_gives_scikit_learns_probabilities(
    candidate: Candidate, data: kind.VoiceDataset, tmp_path: Path
) -> None:
    import skops.io

    clips = heard_clips(kind.VoiceDataset(data.name, data.examples), 3, quietly)
    pipeline, settings, _ = fitted(clips, Choice(candidate, 1.7, {}), 3)
    path = tmp_path / "model.skops"
    skops.io.dump(pipeline, path)
    pipeline = load_model(path, file_sha256(path), kind.ALLOWED)
    model = kind.serve(pipeline, settings)
    inputs = [*data.inputs, []]
    expected = kind.reference(pipeline, settings, inputs)
    assert np.abs(model.batch(inputs) - expected).max() < 1e-9
    assert np.abs(model.probabilities(inputs[4]) - expected[4]).max() < 1e-9


def test_a_model_of_other_features_is_refused(data: kind.VoiceDataset) -> None:
    clips = heard_clips(kind.VoiceDataset(data.name, data.examples), 3, quietly)
    pipeline, settings, _ = fitted(clips, Choice(candidates(30)[0], 1.0, {}), 3)
    with pytest.raises(ValueError, match="other features"):
        kind.serve(pipeline, {**settings, "features": ["pitch"]})


def test_a_clip_without_a_voice_stays_in_the_data_and_teaches_nothing(tmp_path: Path) -> None:
    write_wav(tmp_path / "still.wav", np.zeros(8000, np.int16))
    path = corpus(tmp_path, speakers=2, clips=1)
    path.write_text(path.read_text() + "\nstill.wav,calm,s0,big")
    rows = kind.load(path)
    assert rows.examples[-1].input == []
    assert len(heard_clips(rows, 3, quietly).labels) == len(rows.examples) - 1


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("gone.wav,calm,s0,x", "gone.wav cannot be read"),
        ("text.wav,calm,s0,x", "text.wav is not a WAV file"),
        (",calm,s0,x", "is empty"),
    ],
)
def test_a_bad_row_is_named_with_file_line_and_field(tmp_path: Path, row: str, said: str) -> None:
    (tmp_path / "text.wav").write_text("no sound at all")
    path = corpus(tmp_path, speakers=1, clips=1)
    path.write_text(path.read_text() + "\n" + row)
    with pytest.raises(BadInput, match=said) as raised:
        kind.load(path)
    assert (raised.value.line, raised.value.field) == (4, "path")


@pytest.mark.parametrize(("label", "said"), [("calm,anger", "several labels"), ("calm", "1 label")])
def test_what_cannot_be_learnt_is_said(tmp_path: Path, label: str, said: str) -> None:
    write_wav(tmp_path / "a.wav", samples(pitch_hz=100))
    (tmp_path / "d.csv").write_text(f'path,label\na.wav,"{label}"\na.wav,calm')
    with pytest.raises(BadInput, match=said):
        kind.fit(kind.load(tmp_path / "d.csv"), seed=3, progress=quietly)


def riff(kind_: int, bits: int, channels: int, rate: int, body: bytes) -> bytes:
    block = channels * bits // 8
    header = struct.pack("<HHIIHH", kind_, channels, rate, rate * block, block, bits)
    parts = b"fmt " + struct.pack("<I", len(header)) + header
    parts += b"LIST" + struct.pack("<I", 3) + b"abc\0"
    parts += b"data" + struct.pack("<I", len(body)) + body
    return b"RIFF" + struct.pack("<I", 4 + len(parts)) + b"WAVE" + parts


def test_wav_of_every_kind_is_heard_alike(tmp_path: Path) -> None:
    pcm = samples(pitch_hz=150)
    stereo = np.repeat(pcm, 2)
    low = np.zeros((len(pcm), 3), np.uint8)
    low[:, 1:] = pcm.astype("<i2").view(np.uint8).reshape(-1, 2)
    bodies = {
        (1, 16, 1): pcm.astype("<i2").tobytes(),
        (1, 16, 2): stereo.astype("<i2").tobytes(),
        (1, 8, 1): ((pcm.astype(int) >> 8) + 128).astype(np.uint8).tobytes(),
        (1, 24, 1): low.tobytes(),
        (1, 32, 1): (pcm.astype("<i4") << 16).tobytes(),
        (3, 32, 1): (pcm / 32767).astype("<f4").tobytes(),
        (7, 8, 1): mulaw.encode(pcm),
    }
    for (form, bits, channels), body in bodies.items():
        path = tmp_path / "a.wav"
        path.write_bytes(riff(form, bits, channels, 8000, body))
        heard, rate = read_sound(path)
        assert rate == 8000
        assert len(heard) == len(pcm)
        assert np.abs(heard - pcm).max() < (700 if bits == 8 else 2)


@pytest.mark.parametrize(
    "content",
    [b"", b"RIFF....WAVE", riff(2, 4, 1, 8000, b"ab"), riff(1, 16, 1, 8000, b""), b"ID3" * 20],
)
def test_what_is_no_sound_is_said(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    with pytest.raises(UnreadableSound):
        read_sound(path)


def test_a_telephone_has_8_khz_whatever_came() -> None:
    assert len(telephone(samples(pitch_hz=100, rate=44_100).astype(float), 44_100)) == 6400
    assert len(telephone(samples(pitch_hz=100).astype(float), 8000, speed=1.1)) == 5819


def test_a_served_model_listens_to_a_call(data: kind.VoiceDataset, tmp_path: Path) -> None:
    import skops.io

    assert ModelServer(tmp_path).listener() is None
    made = kind.fit(kind.VoiceDataset(data.name, data.examples), seed=3, progress=quietly)
    path = tmp_path / "made.skops"
    skops.io.dump(made.pipeline, path)
    row = kind.reference(made.pipeline, made.settings, data.inputs[:1])[0]
    manifest = Manifest(
        task="emotion_voice",
        kind="voice",
        model_name="voice-ai-emotion-voice",
        version="4",
        sha256=file_sha256(path),
        parameters_sha256=made.fingerprint,
        labels=made.labels,
        settings=made.settings,
        dataset="d",
        dataset_sha256=data.sha256,
        metrics={},
        golden=(Golden(data.inputs[0], dict(zip(made.labels, row.tolist(), strict=True))),),
    )
    deploy(path, manifest, tmp_path)
    server = ModelServer(tmp_path)
    assert server.refresh() == ["emotion_voice: serving version 4"]
    listener = server.listener()
    assert listener is not None
    heard = None
    for higher, loud, swing, label in ((1.0, 3000, 0.02, "calm"), (1.2, 6000, 0.2, "anger")):
        listener.feed(mulaw.encode(samples(pitch_hz=150 * higher, loud=loud, swing=swing)))
        heard = listener.end()
        assert heard is not None
        assert (heard.task, heard.label, heard.version) == ("emotion_voice", label, "4")
    assert heard is not None
    together = listener.together(None, heard)
    assert together is not None
    assert (together.task, together.label) == ("emotion", "anger")
