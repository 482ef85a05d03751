"""A time agreed with a person: who writes it down, who is refused, and that it is kept."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dialer.call_log import PostgresCallLog
from dialer.metrics import ServerMetrics
from dialer.spool import OptOutSpool
from tests.factories import LAW, NOW, Lead
from tests.integration.dialer_parts import House
from tests.integration.test_retries_settling import dialed, tell
from voice_ai.__main__ import run
from voice_ai.errors import BadInput, NotFound, Refused
from voice_ai.ids import AttemptId, CampaignId
from voice_ai.store.callbacks import Agreed, agree_callback

pytest_plugins = ("tests.integration.dialer_fixtures",)

# NOW is 14:00 in New York on Tuesday the 24th.
TOMORROW_AT_THREE = datetime(2026, 11, 25, 15, 0)
THEN = datetime(2026, 11, 25, 20, 0, tzinfo=UTC)


def prepared(dialer: House, count: int = 1) -> tuple[CampaignId, list[Lead]]:
    leads = dialer.office.leads(count)
    return dialer.office.campaign(**LAW, pacing={"max_concurrent": 1, "calls_per_second": 1}), leads


def agree(
    dialer: House, campaign_id: CampaignId, lead: Lead, local: datetime = TOMORROW_AT_THREE
) -> Agreed:
    now = dialer.clock.now()
    return agree_callback(dialer.office.db, campaign_id, lead.id, local, by="ana", now=now)


async def test_a_lead_is_called_at_the_agreed_time_before_all_others(dialer: House) -> None:
    campaign_id, leads = prepared(dialer, 5)
    done = agree(dialer, campaign_id, leads[3])
    assert (done.at, done.due) == (THEN, THEN)
    assert "called back at Wed 25 Nov 15:00 (America/New_York)" in done.sentence
    row = dialer.office.lead(leads[3].id)
    assert (row["callback_at"], row["callback_by"], row["state"]) == (THEN, "ana", "ready")
    dialer.clock.at = THEN - timedelta(minutes=1)
    first = await dialer.claim_one()
    assert first[0].lead_id == leads[0].id
    dialer.office.db.execute("UPDATE attempts SET state = 'ended', disposition = 'goal'")
    dialer.clock.at = THEN
    second = await dialer.claim_one()
    assert second[0].lead_id == leads[3].id


async def test_a_lead_that_waits_longer_or_is_done_is_opened_again(dialer: House) -> None:
    campaign_id, (lead,) = prepared(dialer)
    attempt_id, sid = await dialed(dialer)
    dialer.office.db.execute("UPDATE attempts SET answer_class = 'human', outcome = 'goal'")
    await tell(dialer, attempt_id, sid, "completed")
    assert dialer.office.lead(lead.id)["state"] == "done"
    agree(dialer, campaign_id, lead)
    row = dialer.office.lead(lead.id)
    assert (row["state"], row["next_allowed_at"]) == ("ready", THEN)


async def test_a_time_when_nobody_may_be_called_is_moved_and_said(dialer: House) -> None:
    campaign_id, (lead,) = prepared(dialer)
    done = agree(dialer, campaign_id, lead, datetime(2026, 11, 25, 6, 0))
    assert done.at == datetime(2026, 11, 25, 11, 0, tzinfo=UTC)
    assert done.due == datetime(2026, 11, 25, 13, 0, tzinfo=UTC)
    assert "nobody may be called there" in done.sentence


@pytest.mark.parametrize(
    ("prepare", "words"),
    [
        (
            "INSERT INTO suppressions (number_id, scope, source, reason, created_at)"
            " SELECT number_id, 'all', 'page', 'opt_out', now() FROM campaign_leads",
            "not to be called again",
        ),
        ("UPDATE numbers SET erased_at = now()", "not to be called again"),
        ("UPDATE campaign_leads SET state = 'done', disposition = 'wrong_number'", "of no use"),
        ("UPDATE campaign_leads SET state = 'done', disposition = 'opt_out'", "of no use"),
        ("UPDATE campaign_leads SET attempts = 6", "all of its 6 attempts"),
        ("UPDATE leads SET zones = '{}'", "time zone is unknown"),
    ],
)
def test_who_may_not_be_called_is_not_called_back(dialer: House, prepare: str, words: str) -> None:
    campaign_id, (lead,) = prepared(dialer)
    dialer.office.db.execute(prepare)
    with pytest.raises(Refused, match=words):
        agree(dialer, campaign_id, lead)
    assert dialer.office.lead(lead.id)["callback_at"] is None


def test_a_time_that_cannot_be_meant_is_refused(dialer: House) -> None:
    campaign_id, (lead,) = prepared(dialer)
    for local in (datetime(2026, 11, 24, 13, 0), datetime(2028, 1, 1, 12, 0)):
        with pytest.raises(BadInput, match="not in the next year"):
            agree(dialer, campaign_id, lead, local)
    with pytest.raises(NotFound):
        agree_callback(
            dialer.office.db, campaign_id, lead.id + 99, TOMORROW_AT_THREE, by="ana", now=NOW
        )


def log_of(dialer: House, attempt_id: AttemptId, folder: Path) -> PostgresCallLog:
    spool, metrics = OptOutSpool(folder), ServerMetrics()
    return PostgresCallLog(
        dialer.pool, dialer.keyring, dialer.clock, spool, attempt_id, (), metrics
    )


@pytest.mark.parametrize(
    ("words", "then"),
    [
        ("tomorrow at three", THEN),
        # Without a time of day: the next day, at another part of it.
        ("later", datetime(2026, 11, 25, 13, 0, tzinfo=UTC)),
        ("", datetime(2026, 11, 25, 13, 0, tzinfo=UTC)),
    ],
)
async def test_a_time_named_in_a_call_is_agreed(
    dialer: House, tmp_path: Path, words: str, then: datetime
) -> None:
    _, (lead,) = prepared(dialer)
    attempt_id, sid = await dialed(dialer)
    log = log_of(dialer, attempt_id, tmp_path)
    await log.outcome("callback_requested", "callback", {"callback_when": words})
    await tell(dialer, attempt_id, sid, "in-progress", "completed")
    row = dialer.office.lead(lead.id)
    assert (row["disposition"], row["state"]) == ("callback_requested", "ready")
    assert row["next_allowed_at"] == then
    assert row["callback_by"] == ("call" if then == THEN else None)
    assert row["rotate_from"] == (None if then == THEN else NOW)


def test_the_commands_agree_and_tell_what_comes_next(
    dialer: House,
    dialer_database: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """With the login of the pages, which may do no more than this."""
    _, (lead,) = prepared(dialer)
    monkeypatch.setenv("DATABASE_URL", dialer_database)
    monkeypatch.setenv("VOICE_AI_CLOCK_START", "2026-11-24T14:00:00-05:00")

    def asked(*words: str, code: int = 0) -> dict[str, Any]:
        assert run(words[0], [*words[1:], "--json"]) == code
        answer: dict[str, Any] = json.loads(capsys.readouterr().out)
        return answer

    done = asked(
        "leads", "callback", str(lead.id), "--campaign", "Spring", "--at", "2026-11-25 15:00"
    )
    assert "Wed 25 Nov 15:00" in str(done["sentence"])
    shown = asked("campaign", "show", "Spring", "--lead", str(lead.id))
    assert "It is called back at Wed 25 Nov 15:00" in str(shown["sentences"])
    whole = asked("campaign", "show", "Spring")
    (waiting,) = whole["waiting"]
    assert (waiting["decision"], waiting["n"]) == ("CALLBACK", 1)
    assert asked("campaign", "decisions", "Spring", "--reason", "hours_closed") == {
        "campaign": "Spring",
        "decisions": [],
    }
    assert run("campaign", ["decisions", "Spring", "--reason", "NOTHING"]) == 2
    assert "HOURS_CLOSED" in capsys.readouterr().err
    assert run("campaign", ["show", "Spring", "--lead", str(lead.id)]) == 0
    assert "If the next call ends with no answer" in capsys.readouterr().out
