"""The labelling page against a real database, without a browser."""

import base64
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app import presence, session
from ml.watch import draw_labels
from tests.factories import NOW, Office, login_url
from tests.factories_models import heard
from voice_ai.vault import Keyring

VIEWS = Path(session.__file__).parent / "views"
SECRET = base64.urlsafe_b64encode(b"a secret of the tests, 32 bytes.").decode()


@pytest.fixture
def office(
    database_url: str, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Office]:
    """A home with calls in it; the pages' own context is closed again."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("VOICE_AI_SECRET_KEY", SECRET)
    with Office(database_url, keyring) as made:
        made.db.execute("SET session_replication_role = replica")  # attempts of no worker
        made.leads(20)
        made.campaign(start=False)
        heard(made, NOW - timedelta(hours=3), calls=3, rehearsal=True)
        try:
            yield made
        finally:
            presence.leave()
            session.context.clear()
            session.engine.clear()


def opened(who: str) -> AppTest:
    view = AppTest.from_file(str(VIEWS / "labelling.py"), default_timeout=60)
    view.run()
    view.selectbox(key="task").set_value("emotion")
    view.text_input(key="labeller").set_value(who)
    return view.run()


def press(view: AppTest, label: str) -> AppTest:
    (button,) = [one for one in view.button if one.label == label]
    return button.click().run()


def shown(view: AppTest) -> str:
    assert not view.exception
    return "\n".join(str(one.value) for one in (*view.markdown, *view.caption, *view.info))


def test_a_turn_is_labelled_taken_back_skipped_and_settled_by_a_third(
    office: Office, database_url: str, keyring: Keyring
) -> None:
    empty = opened("ana")
    assert "No turn of emotion was drawn yet" in shown(empty)
    press(empty, "Draw this week's turns now")
    (asked,) = office.rows("SELECT flow, parameters FROM flow_requests")
    assert asked == {"flow": "watch-models", "parameters": {"draw": "emotion"}}
    flows = login_url(database_url, "flows", keyring)
    assert draw_labels(flows, "emotion", now=NOW, rehearsal=True) == 15

    ana = opened("ana")
    assert "Agent: How was it?" in shown(ana)
    before = shown(ana)
    press(ana, "Anger")
    assert office.rows("SELECT label FROM turn_labels") == [{"label": "anger"}]
    assert shown(ana) != before
    press(ana, "Undo")
    assert shown(ana) == before
    press(ana, "Skip")
    assert shown(ana) != before
    assert office.rows("SELECT FROM turn_labels WHERE withdrawn_at IS NULL") == []

    first = opened("ana")
    press(first, "Anger")
    press(opened("ben"), "Joy")
    cem = opened("cem")
    cem.segmented_control(key="what").set_value("Settle disagreements").run()
    assert "Two people heard **Anger or Joy**" in shown(cem)
    press(cem, "Joy")
    assert "1 settled · 0 disputed" in shown(cem)
    said = office.rows(
        "SELECT labeller, label, decides FROM turn_labels WHERE withdrawn_at IS NULL"
    )
    assert [tuple(row.values()) for row in said] == [
        ("ana", "anger", False),
        ("ben", "joy", False),
        ("cem", "joy", True),
    ]
