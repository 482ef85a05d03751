"""The environment: empty is unset, a wrong value is named, and other variables stay outside."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import ValidationError

from voice_ai.errors import BadInput, Refused
from voice_ai.settings import Settings

NAMES = [str(field.alias) for field in Settings.model_fields.values()]


def test_with_nothing_set_everything_is_local_and_nobody_real_can_be_called(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VOICE_AI_HOME")
    settings = Settings.read()
    assert settings.home == tmp_path / ".voice-ai"
    assert settings.database_url is None
    assert settings.redis_url is None
    assert settings.clock_start is None
    assert not settings.live_allowed
    assert not settings.has_carrier_credentials
    assert not settings.home_was_chosen


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_variable_is_an_unset_one(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VOICE_AI_HOME")
    unset = Settings.read()
    monkeypatch.setenv(name, "")
    assert Settings.read() == unset


def test_the_login_home_is_not_the_data_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "login"))
    monkeypatch.setenv("VOICE_AI_HOME", str(tmp_path / "data"))
    assert Settings.read().home == tmp_path / "data"
    monkeypatch.delenv("VOICE_AI_HOME")
    monkeypatch.chdir(tmp_path)
    assert Settings.read().home == tmp_path / ".voice-ai"


@pytest.mark.parametrize("field", ["public_url", "live_calls", "clock_start", "home"])
def test_a_variable_counts_only_by_its_documented_name(
    field: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = Settings.read()
    monkeypatch.setenv(field.upper(), "2026-11-24T11:00:00-05:00")
    assert Settings.read() == before


def test_a_home_below_the_login_home_is_found(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("VOICE_AI_HOME", "~/voice")
    settings = Settings.read()
    assert settings.home == tmp_path / "voice"
    assert settings.home_was_chosen


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TWILIO_BASE_URL", "localhost:4010"),
        ("TWILIO_BASE_URL", "ftp://localhost"),
        ("ELEVENLABS_BASE_URL", "not an address"),
        ("VOICE_AI_PUBLIC_URL", "example.org"),
        ("DATABASE_URL", "garbage"),
        ("DATABASE_URL", "mysql://user:hunter2@host/name"),
        ("DATABASE_URL", "postgresql://user:hunter2@host:port/name"),
        ("DATABASE_URL", "postgresql://user:hunter2@[host/name"),
        ("REDIS_URL", "http://user:hunter2@host"),
        ("VOICE_AI_CLOCK_START", "noon"),
        ("VOICE_AI_CLOCK_START", "2026-11-24T11:00:00"),
    ],
)
def test_a_wrong_value_is_one_sentence_that_names_the_variable_and_no_password(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(BadInput) as raised:
        Settings.read()
    assert raised.value.message.startswith(name)
    assert "\n" not in raised.value.message
    assert "hunter2" not in raised.value.message


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://user:secret@db.example.org:5432/voice",
        "postgres://user@localhost/voice",
        "postgresql:///voice?host=/run/postgresql",
    ],
)
def test_usual_database_addresses_are_taken(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    taken = Settings.read().database_url
    assert taken is not None
    assert taken.get_secret_value() == url


def test_no_secret_is_shown_when_settings_are_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "hunter2")
    monkeypatch.setenv("ELEVENLABS_API_KEY", "hunter2")
    monkeypatch.setenv("VOICE_AI_SECRET_KEY", "hunter2")
    monkeypatch.setenv("DATABASE_URL", "postgresql://user:hunter2@host/name")
    monkeypatch.setenv("REDIS_URL", "redis://:hunter2@host/0")
    settings = Settings.read()
    assert "hunter2" not in repr(settings)
    assert "hunter2" not in settings.model_dump_json()


def test_a_base_address_loses_its_last_slash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWILIO_BASE_URL", "http://127.0.0.1:4010/")
    assert Settings.read().twilio_base_url == "http://127.0.0.1:4010"


def test_an_offset_clock_and_live_calls_exclude_each_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("VOICE_AI_CLOCK_START", "2026-11-24T11:00:00-05:00")
    assert Settings.read().clock_start == datetime(2026, 11, 24, 16, 0, tzinfo=UTC)
    monkeypatch.setenv("VOICE_AI_LIVE_CALLS", "yes")
    with pytest.raises(Refused, match="VOICE_AI_CLOCK_START"):
        Settings.read()
    monkeypatch.delenv("VOICE_AI_CLOCK_START")
    assert Settings.read().live_allowed


@pytest.mark.parametrize("value", ["true", "1", "YES", "Yes", "y", "on", "no", " yes"])
def test_nothing_but_yes_means_yes(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOICE_AI_LIVE_CALLS", value)
    assert not Settings.read().live_allowed


def test_half_a_credential_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", "AC1")
    assert not Settings.read().has_carrier_credentials
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "token")
    assert Settings.read().has_carrier_credentials


def test_settings_do_not_change_after_they_were_read() -> None:
    settings = Settings.read()
    with pytest.raises(ValidationError, match="frozen"):
        settings.live_calls = "yes"  # type: ignore[misc]
