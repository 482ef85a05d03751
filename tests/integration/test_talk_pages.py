"""The pages on conversations and emotions over a made-up history, without a browser."""

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app import lake as lakes
from app import presence, session
from tests.factories_lake import small_lake
from voice_ai.db import upgrade
from voice_ai.vault import Keyring

VIEWS = Path(session.__file__).parent / "views"
SECRET = base64.urlsafe_b64encode(b"a secret of the tests, 32 bytes.").decode()


@pytest.fixture
def home(
    database_url: str, keyring: Keyring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    upgrade(database_url, keyring)
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("VOICE_AI_SECRET_KEY", SECRET)
    monkeypatch.setenv("VOICE_AI_HOME", str(tmp_path))
    lakes.seen.clear()
    try:
        yield tmp_path
    finally:
        presence.leave()
        lakes.seen.clear()
        session.context.clear()
        session.engine.clear()


def opened(page: str, **query: str) -> AppTest:
    view = AppTest.from_file(str(VIEWS / f"{page}.py"), default_timeout=60)
    for name, value in query.items():
        view.query_params[name] = value
    view.run()
    assert not view.exception
    return view


def told(view: AppTest) -> str:
    return "\n".join(str(one.value) for one in (*view.markdown, *view.caption, *view.info))


def test_feelings_are_told_as_guesses_with_their_n(home: Path) -> None:
    """The other page links to pages, which only the whole app knows: a browser looks at it."""
    lake = small_lake(home)
    felt = told(opened("emotion"))
    assert "a model's guess" in felt
    assert "No model of the task is served here now" in felt
    name = str(lake.rows("campaigns")["campaign"][0])
    for page, campaigns in ((felt, lake.rows("campaigns")["campaign"]), (
        told(opened("emotion", campaign=name)), [name],
    )):  # fmt: skip
        turns = lake.sql(
            "SELECT count(*) AS n FROM turns t JOIN attempts a USING (attempt_id)"
            " WHERE speaker = 'caller' AND human_answered AND list_contains($names, a.campaign)",
            {"names": list(campaigns)},
        ).item()
        assert f"n = {turns:,} caller turns" in page


def test_a_lake_without_a_row_says_what_to_do(home: Path) -> None:
    for page in ("conversations", "emotion"):
        assert "There is no campaign yet" in told(opened(page))
