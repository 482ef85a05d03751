"""Campaign files: what is sound is understood, and every fault names file, line and field."""

from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest
import yaml

from tests.factories_core import CALLBACK, CALLER_ID, CAMPAIGN_FILE, campaign_of
from tests.transfer_scripts import clinic_help
from voice_ai.campaigns import Campaign, check_campaign, e164, load_campaign, zone_exists
from voice_ai.conversation.script import builtin_scripts
from voice_ai.errors import BadInput

SHORT = """\
name: Short
seller: {name: clinic, legal_name: The Clinic, callback_number: "+12125550199"}
list: patients
script: satisfaction_survey
caller_ids: ["+1 (212) 555-0100"]
"""


def changed(old: str, new: str) -> str:
    assert CAMPAIGN_FILE.count(old) == 1
    return CAMPAIGN_FILE.replace(old, new)


def test_a_sound_file_is_understood() -> None:
    config = campaign_of().config
    assert (config.name, config.leads) == ("Spring reminders", "patients")
    assert (config.schedule.start, config.schedule.end) == (time(9, 0), time(18, 0))
    assert config.schedule.weekdays == {0, 1, 2}
    assert config.pacing.max_concurrent == 5
    assert config.retries.max_attempts == 4
    assert config.caller_ids == (CALLER_ID,)


TRANSFER = """\
transfer:
  to: ["+1 (212) 555-0177"]
  hours: {start: "09:00", end: "12:00", zone: America/New_York}
"""


def test_whom_calls_are_handed_to_is_understood_and_no_number_is_stored() -> None:
    campaign = campaign_of(SHORT + TRANSFER)
    transfer = campaign.config.transfer
    assert transfer is not None
    assert transfer.to == ("+12125550177",)
    assert (transfer.kind, transfer.ring_s) == ("blind", 20)
    assert "to" not in campaign.stored_config()["transfer"]
    morning = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)  # ten in New York, a Tuesday
    assert transfer.are_open(morning)
    assert not transfer.are_open(morning + timedelta(hours=2))
    assert not transfer.are_open(morning + timedelta(days=4))


def test_a_campaign_without_transfers_has_the_hash_it_always_had() -> None:
    assert "transfer" not in campaign_of(SHORT).stored_config()


@pytest.mark.parametrize(
    ("old", "new", "field", "message"),
    [
        ("+1 (212) 555-0177", "+12125550199", "transfer.to.0", "the campaign's own"),
        ("+1 (212) 555-0177", "+12125550100", "transfer.to.0", "the campaign's own"),
        ("+1 (212) 555-0177", "0177", "transfer.to", "+12125550123"),
        ("America/New_York", "Mars", "transfer.hours.zone", "Europe/Berlin"),
        ("12:00", "08:00", "transfer.hours", "start must be before end"),
        ("  hours", "  ring_s: 90\n  hours", "transfer.ring_s", "60"),
        ("  hours", "  hour", "transfer.hour", "no such field"),
    ],
)
def test_a_fault_in_whom_to_hand_to_is_named(old: str, new: str, field: str, message: str) -> None:
    with pytest.raises(BadInput) as caught:
        campaign_of(SHORT + TRANSFER.replace(old, new))
    assert (caught.value.field, message in caught.value.message) == (field, True)


def test_a_script_that_hands_calls_over_needs_somebody_to_hand_them_to() -> None:
    script = clinic_help()
    with pytest.raises(BadInput, match="nobody is named; add `transfer"):
        check_campaign(yaml.safe_load(SHORT), script)
    check_campaign(yaml.safe_load(SHORT + TRANSFER), script)


def test_what_is_left_out_is_lawful_and_careful() -> None:
    config = campaign_of(SHORT).config
    assert (config.schedule.start, config.schedule.end) == (time(8, 0), time(21, 0))
    assert config.schedule.weekdays == {0, 1, 2, 3, 4}
    assert config.pacing.ring_timeout_s >= 15
    assert config.max_attempts_24h == 3
    assert (config.purpose, config.policy) == ("telemarketing", "strictest")
    assert set(config.countries) == {"US", "PR", "VI", "GU", "MP", "AS"}
    assert config.detect_machines
    assert config.caller_ids == ("+12125550100",)


@pytest.mark.parametrize(
    ("old", "new", "line", "field", "message"),
    [
        ("list: patients", "lists: patients", 1, "list", "missing"),
        ("list: patients", "list:", 6, "list", "string"),
        ("list: patients", "list: patients\ncolour: red", 7, "colour", "no such field"),
        ("  start: 09:00", "  begin: 09:00", 10, "schedule.begin", "no such field"),
        ("  start: 09:00", "  start: 9", 10, "schedule.start", "time"),
        ("  start: 09:00", "  start: 09:00+02:00", 10, "schedule.start", "without an offset"),
        ("  start: 09:00", "  start: 19:00", 9, "schedule", "start must be before end"),
        ("[mon, tue, wed]", "[mon, tuesday]", 12, "schedule.days", "tuesday"),
        ("[mon, tue, wed]", "[]", 12, "schedule.days", "none"),
        (f'"{CALLBACK}"', "5550199", 5, "seller.callback_number", "+12125550123"),
        (f'"{CALLBACK}"', '"+1212"', 5, "seller.callback_number", "possible"),
        (f'["{CALLER_ID}"]', "[]", 8, "caller_ids", "cannot be empty"),
        (f'["{CALLER_ID}"]', '["+1 2"]', 8, "caller_ids", "number"),
        ("max_concurrent: 5", "max_concurrent: 0", 14, "pacing.max_concurrent", "greater"),
        ("max_concurrent: 5", "max_concurrent: many", 14, "pacing.max_concurrent", "integer"),
        ("calls_per_second: 2", "calls_per_second: 0", 15, "pacing.calls_per_second", "greater"),
        ("calls_per_second: 2", "calls_per_second: nan", 15, "pacing.calls_per_second", ""),
        ("calls_per_second: 2", "calls_per_second: inf", 15, "pacing.calls_per_second", ""),
        ("calls_per_second: 2", "ring_timeout_s: 10", 15, "pacing.ring_timeout_s", "15"),
        ("delays_s: [600]", "delays_s: [-1]", 19, "retries.rules.busy.delays_s.0", "greater"),
        ("appointment_reminder", "no_such_script", 7, "script", "appointment_reminder"),
        ("legal_name: The", "legal_names: The", 2, "seller.legal_name", "missing"),
        ("name: Spring reminders", 'name: ""', 1, "name", "cannot be empty"),
        ("list: patients", "list: patients\npurpose: fun", 7, "purpose", "telemarketing"),
        ("list: patients", "list: patients\npolicy: loose", 7, "policy", "strictest"),
        ("list: patients", "list: patients\ncountries: [US, AU]", 7, "countries", "AU"),
        ("list: patients", "list: patients\ncountries: []", 7, "countries", "empty"),
    ],
)
def test_a_fault_names_file_line_and_field(
    old: str, new: str, line: int, field: str, message: str
) -> None:
    with pytest.raises(BadInput) as raised:
        campaign_of(changed(old, new))
    assert raised.value.file == "spring.yaml"
    assert raised.value.field == field
    assert raised.value.line == line
    assert raised.value.message.startswith(f"spring.yaml:{line}, field {field}: ")
    assert message in raised.value.message
    assert "\n" not in raised.value.message
    assert raised.value.exit_code == 1


@pytest.mark.parametrize("text", ["", "just words", "- a\n- list", "name: [unclosed", "a: &x b"])
def test_a_file_that_is_no_campaign_is_a_sentence(text: str) -> None:
    with pytest.raises(BadInput) as raised:
        campaign_of(text)
    assert raised.value.message.startswith("spring.yaml")


def test_a_key_that_is_written_twice_is_refused_at_the_second_place() -> None:
    with pytest.raises(BadInput, match=r"spring\.yaml:7.*list.*line 6"):
        campaign_of(changed("list: patients", "list: patients\nlist: others"))


def test_a_slot_that_the_script_needs_and_nobody_fills_is_named(tmp_path: Path) -> None:
    script = builtin_scripts()["appointment_reminder"]
    needy = script.replace("slots:\n", "slots:\n  town: {required: true}\n")
    needy = needy.replace("say: No problem.", "say: No problem in {town}.")
    (tmp_path / "own.yaml").write_text(needy)
    text = changed("script: appointment_reminder", "script: own.yaml\nslots:\n  other: x")
    with pytest.raises(BadInput, match="slot") as raised:
        campaign_of(text, tmp_path)
    assert raised.value.file == "spring.yaml"
    assert raised.value.field is not None
    assert raised.value.field.startswith("slots")
    filled = changed(
        "script: appointment_reminder", "script: own.yaml\nslots:\n  town: Springfield"
    )
    assert campaign_of(filled, tmp_path).script_text == needy


def test_a_fault_in_the_script_names_the_script_and_its_line(tmp_path: Path) -> None:
    broken = builtin_scripts()["appointment_reminder"].replace("next: goodbye", "next: nowhere", 1)
    (tmp_path / "own.yaml").write_text(broken)
    line = broken[: broken.index("next: nowhere")].count("\n") + 1
    with pytest.raises(BadInput, match="nowhere") as raised:
        campaign_of(changed("appointment_reminder", "own.yaml"), tmp_path)
    assert raised.value.message.startswith(f"own.yaml:{line}")


def test_a_script_that_is_no_text_is_a_fault_of_the_campaign(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadInput, match="cannot be read") as raised:
        campaign_of(changed("appointment_reminder", "own.yaml"), tmp_path)
    assert (raised.value.line, raised.value.field) == (7, "script")


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"])
def test_a_campaign_file_that_cannot_be_read_is_a_sentence(
    content: bytes | None, tmp_path: Path
) -> None:
    file = tmp_path / "spring.yaml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(BadInput, match="cannot be read") as raised:
        load_campaign(file)
    assert raised.value.file == file


def test_a_campaign_file_finds_a_script_beside_it(tmp_path: Path) -> None:
    script = builtin_scripts()["satisfaction_survey"]
    (tmp_path / "own.yaml").write_text(script)
    (tmp_path / "spring.yaml").write_text(SHORT.replace("satisfaction_survey", "own.yaml"))
    assert load_campaign(tmp_path / "spring.yaml").script_text == script


def test_what_is_stored_holds_no_number_of_the_seller() -> None:
    campaign = campaign_of()
    stored = repr(campaign.stored_config())
    assert CALLBACK[2:] not in stored
    assert CALLER_ID[2:] not in stored
    assert campaign.stored_config()["list"] == "patients"


def test_the_hash_follows_the_content() -> None:
    assert campaign_of().sha256 == campaign_of().sha256
    other = campaign_of(changed("max_concurrent: 5", "max_concurrent: 6"))
    assert other.sha256 != campaign_of().sha256
    spoken = campaign_of(changed("appointment_reminder", "satisfaction_survey"))
    assert spoken.sha256 != campaign_of().sha256


@pytest.mark.parametrize(
    ("text", "number"),
    [("+1 (212) 555-0123", "+12125550123"), ("+44 20 7946 0123", "+442079460123")],
)
def test_a_number_is_written_in_e164(text: str, number: str) -> None:
    assert e164(text) == number


@pytest.mark.parametrize("text", ["", "911", "2125550123", "+1", "+999123456", "clinic"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="number"):
        e164(text)


def test_zones_are_looked_up_and_not_believed() -> None:
    assert zone_exists("America/Indiana/Knox")
    assert not any(zone_exists(name) for name in ("Mars/Olympus", "", "../etc/passwd", "America"))


INFORMS = """\
    recording: This call is recorded, and emotions are recognised in your voice.
"""


def listening(countries: str, *, informs: bool, transport: str = "media_streams") -> Campaign:
    """A campaign that hears emotions from the voice, with a script that says so or does not."""
    script = builtin_scripts()["satisfaction_survey"]
    if informs:
        at = "    disclose:"
        assert script.count(at) == 1
        script = script.replace(at, INFORMS + at)
    data = yaml.safe_load(SHORT) | {
        "emotion": "voice",
        "countries": countries.split(),
        "transport": transport,
        "script": "satisfaction_survey",
    }
    return check_campaign(data, script)


def test_emotions_are_heard_from_the_words_where_nothing_is_said() -> None:
    campaign = campaign_of(SHORT)
    assert campaign.config.emotion == "text"
    assert "emotion" not in campaign.stored_config()  # the hash it had before


def test_off_and_voice_are_stored_with_the_campaign() -> None:
    assert campaign_of(SHORT + "emotion: off\n").stored_config()["emotion"] == "off"
    assert listening("US", informs=False).stored_config()["emotion"] == "voice"


@pytest.mark.parametrize("countries", ["DE", "US FR"])
def test_in_the_union_a_voice_is_heard_only_of_who_was_told(countries: str) -> None:
    with pytest.raises(BadInput, match=r"EU-50-3.*art\. 50\(3\)") as raised:
        listening(countries, informs=False)
    assert raised.value.field == "emotion"
    assert listening(countries, informs=True).config.emotion == "voice"


def test_without_audio_no_voice_is_heard() -> None:
    with pytest.raises(BadInput, match="media_streams only"):
        listening("US", informs=False, transport="conversation_relay")


def test_another_word_for_it_is_refused_with_its_line() -> None:
    with pytest.raises(BadInput, match="'text', 'voice' or 'off'") as raised:
        campaign_of(SHORT + "emotion: face\n")
    assert (raised.value.line, raised.value.field) == (6, "emotion")
