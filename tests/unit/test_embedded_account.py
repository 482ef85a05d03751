"""Whose account a server runs under, and what it must keep to reach its files."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from voice_ai.embedded import keeper, postgres_bin
from voice_ai.embedded.account import (
    CAP_DAC_OVERRIDE,
    CAP_DAC_READ_SEARCH,
    Account,
    account_for,
    capabilities_needed,
)
from voice_ai.embedded.server import last_line
from voice_ai.errors import NotAvailable

STRANGER = Account(65534, 65534, (65534, 65534))
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root changes accounts")


def test_server_never_runs_as_root(tmp_path: Path) -> None:
    assert account_for(tmp_path / "data").uid != 0


@needs_root
def test_data_keep_the_account_that_made_them(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    os.chown(data, 12345, 12345)
    assert account_for(data) == Account(12345, 12345, (12345, 12345))


def test_mode_bits_decide_what_an_account_reaches(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    (closed / "inside").mkdir()
    mine = Account(os.geteuid(), os.getegid(), (os.geteuid(), os.getegid()))
    assert mine.reaches(closed / "inside", os.R_OK | os.X_OK)
    assert not STRANGER.reaches(closed / "inside", os.X_OK)


@needs_root
def test_a_closed_parent_costs_the_smallest_capability(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    program = closed / "program"
    program.touch(mode=0o755)
    needed = capabilities_needed(STRANGER, programs=[program], folders=[closed])
    assert needed == [CAP_DAC_READ_SEARCH]
    program.chmod(0o700)
    needed = capabilities_needed(STRANGER, programs=[program], folders=[closed])
    assert needed == [CAP_DAC_OVERRIDE]


@needs_root
def test_program_of_another_account_reaches_into_a_closed_folder(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    inside = closed / "inside"
    inside.touch(mode=0o600)
    python = Path(sys.executable).resolve()
    # access(2), as initdb uses it, has rules of its own about capabilities.
    code = f"import os; print(os.getuid(), os.access({str(inside)!r}, os.R_OK))"
    order = {
        "argv": [str(python), "-I", "-S", "-c", code],
        "env": {"PATH": os.defpath},
        "account": STRANGER.put_on,
        "capabilities": capabilities_needed(STRANGER, programs=[python], folders=[closed]),
    }
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(keeper.__file__), "run", json.dumps(order)],
        capture_output=True,
        text=True,
    )
    assert (done.stdout, done.stderr) == (f"{STRANGER.uid} True\n", "")


def test_open_folders_need_no_capability() -> None:
    sh = Path("/bin/sh").resolve()
    assert capabilities_needed(STRANGER, programs=[sh], folders=[Path("/")]) == []


def test_program_that_the_wheel_lacks_names_the_way_out() -> None:
    with pytest.raises(NotAvailable, match="DATABASE_URL"):
        postgres_bin("no-such-program")


@pytest.mark.parametrize(
    ("log", "telling"),
    [
        ("LOG:  one\nFATAL:  no space\nLOG:  shut down\n", "FATAL:  no space"),
        ("one\n\ntwo\n", "two"),
        ("", "it said nothing"),
    ],
)
def test_last_words_of_a_server_are_its_last_complaint(log: str, telling: str) -> None:
    assert last_line(log) == telling
