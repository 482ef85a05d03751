"""Campaigns in the database: made whole or not at all, and asked through command rows."""

from typing import Any, get_args

import psycopg
import pytest

from tests.factories_core import (
    CALLBACK,
    CALLER_ID,
    CAMPAIGN_FILE,
    NOW,
    campaign_of,
    login,
    make_list,
)
from voice_ai.campaigns import Campaign
from voice_ai.db import connect, upgrade
from voice_ai.db.connect import Db
from voice_ai.errors import BadInput, NotFound, Refused
from voice_ai.store import campaign_versions as versions
from voice_ai.store import campaigns as store
from voice_ai.vault import Keyring

TABLES = ("sellers", "numbers", "campaigns", "campaign_versions", "campaign_leads", "caller_ids")


def create(
    db: Db, keyring: Keyring, campaign: Campaign | None = None, *, rehearsal: bool = True
) -> store.CreatedCampaign:
    return store.create_campaign(
        db, keyring, campaign or campaign_of(), by="me", now=NOW, rehearsal=rehearsal
    )


def counts(db: Db) -> dict[str, int]:
    found = {}
    for table in TABLES:
        row = db.execute(f"SELECT count(*) AS n FROM {table}").fetchone()
        assert row is not None
        found[table] = row["n"]
    return found


def test_a_campaign_enrols_its_list_in_order_as_a_draft(
    database_url: str, keyring: Keyring
) -> None:
    with connect(database_url, autocommit=True) as db:
        make_list(db, keyring, leads=4)
        made = create(db, keyring)
        assert (made.name, made.leads) == ("Spring reminders", 4)
        row = store.find_campaign(db, "Spring reminders")
        assert (row["id"], row["state"], row["version"]) == (made.id, "draft", 1)
        assert (row["leads"], row["ready"], row["calling"], row["done"]) == (4, 4, 0, 0)
        enrolled = db.execute(
            "SELECT c.position, c.attempts, c.next_allowed_at, c.number_id = l.number_id AS same"
            " FROM campaign_leads c JOIN leads l ON l.id = c.lead_id ORDER BY c.position"
        ).fetchall()
    assert [tuple(lead.values()) for lead in enrolled] == [(n, 0, None, True) for n in (1, 2, 3, 4)]


def test_what_is_stored_is_what_was_checked_and_holds_no_number_in_clear(
    database_url: str, keyring: Keyring
) -> None:
    campaign = campaign_of()
    with connect(database_url, autocommit=True) as db:
        make_list(db, keyring)
        create(db, keyring, campaign)
        version = db.execute("SELECT * FROM campaign_versions").fetchone()
        numbers = db.execute("SELECT fingerprint, number_sealed FROM numbers").fetchall()
        owned = db.execute(
            "SELECT n.fingerprint FROM caller_ids c JOIN numbers n ON n.id = c.number_id"
        ).fetchall()
        seller = db.execute(
            "SELECT s.legal_name, n.fingerprint FROM sellers s"
            " JOIN numbers n ON n.id = s.callback_number_id"
        ).fetchone()
    assert version is not None
    assert version["config_sha256"] == campaign.sha256
    assert version["script"] == campaign.script_text
    assert version["config"] == campaign.stored_config()
    assert CALLBACK[2:] not in str(version)
    assert CALLER_ID[2:] not in str(version)
    opened = {keyring.decrypt(row["number_sealed"]).decode() for row in numbers}
    assert {CALLBACK, CALLER_ID} <= opened
    assert [row["fingerprint"] for row in owned] == [keyring.fingerprint(CALLER_ID)]
    assert seller == {
        "legal_name": "The Clinic of Somewhere",
        "fingerprint": keyring.fingerprint(CALLBACK),
    }


def test_a_number_is_stored_once_however_it_came(database_url: str, keyring: Keyring) -> None:
    with connect(database_url, autocommit=True) as db:
        first = store.ensure_number(db, keyring, CALLER_ID, NOW)
        assert store.ensure_number(db, keyring, CALLER_ID, NOW) == first
        assert store.ensure_number(db, keyring, CALLBACK, NOW) != first
        assert counts(db)["numbers"] == 2


def test_a_name_that_is_taken_is_refused_and_nothing_is_left(
    database_url: str, keyring: Keyring
) -> None:
    with connect(database_url, autocommit=True) as db:
        make_list(db, keyring)
        create(db, keyring)
        before = counts(db)
        other = campaign_of(CAMPAIGN_FILE.replace("+12125550100", "+12125550177"))
        with pytest.raises(BadInput, match="Spring reminders.*already") as raised:
            create(db, keyring, other)
        assert raised.value.field == "name"
        assert counts(db) == before


@pytest.mark.parametrize(("there", "hint"), [(True, "there are: patients"), (False, "import")])
def test_a_list_that_is_not_there_is_refused_with_a_hint(
    database_url: str, keyring: Keyring, there: bool, hint: str
) -> None:
    with connect(database_url, autocommit=True) as db:
        if there:
            make_list(db, keyring)
        before = counts(db)
        campaign = campaign_of(CAMPAIGN_FILE.replace("list: patients", "list: pateints"))
        with pytest.raises(BadInput, match=f"'pateints'.*{hint}") as raised:
            create(db, keyring, campaign)
        assert raised.value.field == "list"
        assert counts(db) == before


@pytest.mark.parametrize("seller_rehearses", [True, False])
def test_a_seller_is_for_rehearsals_or_for_live_calls_and_never_for_both(
    database_url: str, keyring: Keyring, seller_rehearses: bool
) -> None:
    with connect(database_url, autocommit=True) as db:
        make_list(db, keyring, rehearsal=seller_rehearses)
        before = counts(db)
        with pytest.raises(BadInput, match="seller 'clinic' is for"):
            create(db, keyring, rehearsal=not seller_rehearses)
        assert counts(db) == before
        assert create(db, keyring, rehearsal=seller_rehearses).leads == 3


@pytest.mark.parametrize("list_rehearses", [True, False])
def test_a_list_with_rehearsal_consent_is_never_called_live_nor_the_other_way(
    database_url: str, keyring: Keyring, list_rehearses: bool
) -> None:
    live = list_rehearses  # the campaign is what the list is not
    with connect(database_url, autocommit=True) as db:
        make_list(db, keyring, rehearsal=list_rehearses, seller_rehearsal=not live)
        before = counts(db)
        with pytest.raises(BadInput, match="list 'patients' is for") as raised:
            create(db, keyring, rehearsal=not live)
        assert raised.value.field == "list"
        assert counts(db) == before


def test_two_campaigns_may_share_a_list(database_url: str, keyring: Keyring) -> None:
    with connect(database_url, autocommit=True) as db:
        make_list(db, keyring)
        create(db, keyring)
        second = create(
            db, keyring, campaign_of(CAMPAIGN_FILE.replace("Spring reminders", "Summer"))
        )
        assert second.leads == 3
        assert {row["name"] for row in store.list_campaigns(db)} == {"Spring reminders", "Summer"}


def test_a_campaign_that_is_not_there_is_named_beside_those_that_are(
    database_url: str, keyring: Keyring
) -> None:
    with connect(database_url, autocommit=True) as db:
        with pytest.raises(NotFound, match="'Winter'.*none yet"):
            store.find_campaign(db, "Winter")
        make_list(db, keyring)
        create(db, keyring)
        with pytest.raises(NotFound, match="'Winter'.*Spring reminders"):
            store.find_campaign(db, "Winter")


def test_what_is_asked_is_a_row_that_somebody_obeys(database_url: str, keyring: Keyring) -> None:
    with connect(database_url, autocommit=True) as db:
        make_list(db, keyring)
        made = create(db, keyring)
        for kind in get_args(store.CommandKind):
            asked = store.ask(db, kind, made.id, by="me", now=NOW, reason="a test")
            row = db.execute("SELECT * FROM commands WHERE id = %s", (asked,)).fetchone()
            assert row is not None
            assert (row["kind"], row["campaign_id"], row["asked_by"]) == (kind, made.id, "me")
            assert (row["reason"], row["asked_at"], row["obeyed_at"]) == ("a test", NOW, None)
            assert store.answer_of(db, asked, timeout=0) is None
            db.execute(
                "UPDATE commands SET obeyed_at = %s, outcome = 'done' WHERE id = %s", (NOW, asked)
            )
            assert store.answer_of(db, asked, timeout=0) == "done"


def test_an_answer_is_waited_for_as_long_as_was_said(database_url: str) -> None:
    elapsed = 0.0

    def sleep(seconds: float) -> None:
        nonlocal elapsed
        elapsed += seconds

    with connect(database_url, autocommit=True) as db:
        asked = store.ask(db, "emergency_stop", None, by="me", now=NOW)
        found = store.answer_of(db, asked, timeout=3, sleep=sleep, monotonic=lambda: elapsed)
    assert found is None
    assert 3 <= elapsed < 3.1


def test_a_version_stays_when_somebody_tries_to_write_it_again(
    database_url: str, keyring: Keyring
) -> None:
    with connect(database_url, autocommit=True) as db:
        make_list(db, keyring)
        made = create(db, keyring)
        with pytest.raises(psycopg.errors.UniqueViolation):
            db.execute(
                "INSERT INTO campaign_versions SELECT * FROM campaign_versions"
                " WHERE campaign_id = %s",
                (made.id,),
            )


def revise(
    db: Db, keyring: Keyring, made: store.CreatedCampaign, text: str, **more: Any
) -> store.Revised:
    return store.revise_campaign(db, keyring, made.id, campaign_of(text), by="ana", now=NOW, **more)


FASTER = CAMPAIGN_FILE.replace("max_concurrent: 5", "max_concurrent: 9\n  ring_timeout_s: 30")


@pytest.mark.parametrize("state", ["draft", "running", "paused", "stopped"])
def test_a_change_is_a_new_version_and_the_old_one_stays(
    database_url: str, keyring: Keyring, state: str
) -> None:
    with connect(database_url, autocommit=True) as db:
        make_list(db, keyring)
        made = create(db, keyring)
        db.execute("UPDATE campaigns SET state = %s", (state,))
        revised = revise(db, keyring, made, FASTER + "max_leads: 2\n", seen_version=1)
        assert (revised.version, revised.changed) == (2, True)
        known = versions.versions(db, made.id)
        assert [(row["version"], row["in_force"], row["created_by"]) for row in known] == [
            (2, True, "ana"),
            (1, False, "me"),
        ]
        row = store.find_campaign(db, made.name)
        assert (row["version"], row["max_leads"], row["state"]) == (2, 2, state)
        first = versions.stored_version(db, keyring, made.id, 1)
        second = versions.stored_version(db, keyring, made.id)
        assert first.data["pacing"]["max_concurrent"] == 5
        assert "+  max_concurrent: 9" in versions.difference(first, second)
        assert versions.difference(second, second) == ""


def test_what_says_the_same_makes_no_version(database_url: str, keyring: Keyring) -> None:
    with connect(database_url, autocommit=True) as db:
        make_list(db, keyring)
        made = create(db, keyring)
        before = counts(db)
        assert revise(db, keyring, made, CAMPAIGN_FILE) == store.Revised(1, changed=False)
        assert counts(db) == before


@pytest.mark.parametrize(
    ("there", "given"), [(CALLER_ID, "+12125550101"), (CALLBACK, "+12125550198")]
)
def test_another_number_is_a_change_though_the_stored_file_holds_none(
    database_url: str, keyring: Keyring, there: str, given: str
) -> None:
    with connect(database_url, autocommit=True) as db:
        make_list(db, keyring)
        made = create(db, keyring)
        assert revise(db, keyring, made, CAMPAIGN_FILE.replace(there, given)).version == 2
        assert given in versions.version_as_yaml(db, keyring, made.id)


@pytest.mark.parametrize(
    ("there", "given", "field"),
    [
        ("name: Spring", "name: Autumn", "name"),
        ("name: clinic", "name: other", "seller.name"),
        ("list: patients", "list: others", "list"),
    ],
)
def test_name_seller_and_list_stay(
    database_url: str, keyring: Keyring, there: str, given: str, field: str
) -> None:
    with connect(database_url, autocommit=True) as db:
        make_list(db, keyring)
        made = create(db, keyring)
        before = counts(db)
        with pytest.raises(BadInput, match="stays") as raised:
            revise(db, keyring, made, CAMPAIGN_FILE.replace(there, given))
        assert raised.value.field == field
        assert counts(db) == before


@pytest.mark.parametrize("state", ["draining", "emergency_stopped"])
def test_a_campaign_on_its_way_out_is_not_changed(
    database_url: str, keyring: Keyring, state: str
) -> None:
    with connect(database_url, autocommit=True) as db:
        make_list(db, keyring)
        made = create(db, keyring)
        db.execute("UPDATE campaigns SET state = %s", (state,))
        with pytest.raises(Refused, match=state.replace("_", " ")):
            revise(db, keyring, made, FASTER)


def test_a_change_on_top_of_an_older_version_is_refused(
    database_url: str, keyring: Keyring
) -> None:
    with connect(database_url, autocommit=True) as db:
        make_list(db, keyring)
        made = create(db, keyring)
        revise(db, keyring, made, FASTER, seen_version=1)
        with pytest.raises(Refused, match="version 2 was saved meanwhile"):
            revise(db, keyring, made, CAMPAIGN_FILE + "max_leads: 1\n", seen_version=1)


def test_what_is_exported_reads_back_as_the_same_campaign(
    database_url: str, keyring: Keyring
) -> None:
    with connect(database_url, autocommit=True) as db:
        make_list(db, keyring)
        made = create(db, keyring)
        text = versions.version_as_yaml(db, keyring, made.id)
        assert campaign_of(text) == campaign_of()
        assert not revise(db, keyring, made, text).changed
        with pytest.raises(NotFound, match="no version 7"):
            versions.stored_version(db, keyring, made.id, 7)


def test_a_copy_is_a_draft_of_its_own(database_url: str, keyring: Keyring) -> None:
    with connect(database_url, autocommit=True) as db:
        make_list(db, keyring)
        made = create(db, keyring)
        db.execute("UPDATE campaigns SET state = 'emergency_stopped'")
        copy = store.copy_campaign(db, keyring, made.id, "Second", by="me", now=NOW, rehearsal=True)
        row = store.find_campaign(db, "Second")
        assert (row["id"], row["state"], row["version"], row["leads"]) == (copy.id, "draft", 1, 3)


def test_the_pages_own_login_may_revise(database_url: str, keyring: Keyring) -> None:
    upgrade(database_url, keyring)
    with connect(database_url, autocommit=True) as db:
        make_list(db, keyring)
        made = create(db, keyring)
    with connect(login(database_url, "app", keyring), autocommit=True) as db:
        assert revise(db, keyring, made, FASTER).version == 2
