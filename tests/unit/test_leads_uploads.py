"""Uploads are kept once, for their owner only, under a harmless name, and not for ever."""

import io
import os
import stat
from pathlib import Path

import pytest

from app import uploads
from voice_ai.errors import BadInput


def test_an_upload_is_found_by_its_hash_and_read_by_its_owner_only(tmp_path: Path) -> None:
    path = uploads.save(tmp_path, "leads.csv", io.BytesIO(b"phone\n1\n"))
    assert path.read_bytes() == b"phone\n1\n"
    assert path.name == "leads.csv"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert uploads.find(tmp_path, path.parent.name) == path
    assert uploads.save(tmp_path, "leads.csv", io.BytesIO(b"phone\n1\n")) == path
    assert [one.name for one in path.parent.iterdir()] == ["leads.csv"]


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\lists\\Q1 leads.xlsx", "Q1-leads.xlsx"),
        ("..", "leads"),
        ("café;rm -rf.csv", "caf-rm--rf.csv"),
        ("x" * 300 + ".csv", "x" * 80 + ".csv"),
    ],
)
def test_a_name_cannot_leave_the_folder(told: str, kept: str) -> None:
    assert uploads.safe_name(told) == kept


def test_an_address_cannot_name_another_folder(tmp_path: Path) -> None:
    (tmp_path / "secret.key").touch()
    assert uploads.find(tmp_path, "..") is None
    assert uploads.find(tmp_path, "0" * 64) is None


def test_an_empty_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="export the list again"):
        uploads.save(tmp_path, "leads.csv", io.BytesIO(b""))


def test_old_uploads_are_cleared_away_by_new_ones(tmp_path: Path) -> None:
    old = uploads.save(tmp_path, "old.csv", io.BytesIO(b"1"))
    os.utime(old.parent, (0, 0))
    new = uploads.save(tmp_path, "new.csv", io.BytesIO(b"2"))
    assert not old.exists()
    assert new.exists()
