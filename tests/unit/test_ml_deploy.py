"""Going back in a home: which version serves, which can be gone back to, and what is refused."""

from pathlib import Path

import pytest

from ml.deploy import HISTORY_FILE, damage_of, go_back, history, in_use, serve_nothing
from ml.seal import proves, seal_of
from tests.unit.test_ml_serving import put
from voice_ai.errors import NotFound, Refused
from voice_ai.vault import Keyring

NAME = "intent"


def serving(home: Path) -> str | None:
    champion = in_use(home, NAME)
    return champion.version if champion else None


def versions(home: Path) -> list[str]:
    return [one.version for one in history(home, NAME)]


def test_going_back_again_goes_further_back_and_ends_with_a_sentence(tmp_path: Path) -> None:
    for version in ("1", "2", "2", "3"):
        put(tmp_path, version)
    assert versions(tmp_path) == ["1", "2", "3"]
    assert go_back(tmp_path, NAME).version == "2"
    assert go_back(tmp_path, NAME).version == "1"
    assert (serving(tmp_path), versions(tmp_path)) == ("1", ["1"])
    with pytest.raises(NotFound, match="no version before the one in use of intent"):
        go_back(tmp_path, NAME)
    with pytest.raises(NotFound, match="holds no version 9 of intent .* it holds none"):
        go_back(tmp_path, NAME, "9")


def test_a_version_that_was_in_use_can_be_named(tmp_path: Path) -> None:
    for version in ("1", "2", "3"):
        put(tmp_path, version)
    assert go_back(tmp_path, NAME, "1").version == "1"
    assert serving(tmp_path) == "1"


def test_a_damaged_copy_is_not_gone_back_to(tmp_path: Path) -> None:
    put(tmp_path, "1")
    put(tmp_path, "2")
    (tmp_path / "models" / NAME / "1" / "model.skops").write_bytes(b"x")
    with pytest.raises(Refused, match="changed after training"):
        go_back(tmp_path, NAME)
    assert serving(tmp_path) == "2"
    assert damage_of(tmp_path, NAME) is None


def test_a_home_from_before_the_history_and_a_damaged_one_lose_nothing(tmp_path: Path) -> None:
    put(tmp_path, "1")
    (tmp_path / "models" / NAME / HISTORY_FILE).unlink()
    put(tmp_path, "2")
    assert versions(tmp_path) == ["1", "2"]
    (tmp_path / "models" / NAME / HISTORY_FILE).write_text("[3]")
    assert versions(tmp_path) == ["2"]


def test_serving_nothing_is_not_damage(tmp_path: Path) -> None:
    put(tmp_path, "1")
    serve_nothing(tmp_path, NAME)
    assert (serving(tmp_path), damage_of(tmp_path, NAME), versions(tmp_path)) == (None, None, [])


def test_a_seal_binds_the_key_the_task_and_the_bytes(keyring: Keyring) -> None:
    seal = seal_of(keyring, NAME, "a" * 64)
    assert proves(keyring, NAME, "a" * 64, seal)
    assert not proves(keyring, "emotion", "a" * 64, seal)
    assert not proves(keyring, NAME, "b" * 64, seal)
    assert not proves(Keyring(b"another secret, also 32 bytes ..."), NAME, "a" * 64, seal)
    assert not proves(keyring, NAME, "a" * 64, None)
    assert not proves(keyring, NAME, None, seal)
