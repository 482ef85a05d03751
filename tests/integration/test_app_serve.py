"""The process of the pages: it ends when told to, whatever native libraries still wait for."""

from pathlib import Path

import pytest

from tests.e2e.test_app_overview import pages
from voice_ai.db import upgrade
from voice_ai.db.connect import connect
from voice_ai.vault import Keyring

# What Arrow's thread pool does at exit when a page is drawn at that moment: wait for ever.
_WAITS_AT_EXIT = """
import ctypes
libc = ctypes.CDLL(None)
libc.__cxa_atexit(ctypes.cast(libc.pause, ctypes.c_void_p), None, None)
"""


@pytest.mark.timeout(90)
def test_it_ends_and_leaves_though_a_native_exit_handler_never_returns(
    database_url: str, keyring: Keyring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upgrade(database_url, keyring)
    (tmp_path / "sitecustomize.py").write_text(_WAITS_AT_EXIT)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pages(database_url, tmp_path / "home"):  # waits for the end when it is left
        pass
    with connect(database_url) as db:
        left = db.execute("SELECT stopped_at FROM workers WHERE kind = 'app'").fetchall()
    assert [row["stopped_at"] is not None for row in left] == [True]
