"""Which scripts can be spoken where nothing is recorded, and how."""

from pathlib import Path

import pytest

from voice_ai.campaigns import check_campaign, parse_campaign
from voice_ai.conversation import builtin_scripts, load_script
from voice_ai.conversation.graph import Script
from voice_ai.errors import BadInput
from voice_ai.transports import CONVERSATION_RELAY, MEDIA_STREAMS, find_misfit, for_transport

TEXT = builtin_scripts()["satisfaction_survey"]
CAMPAIGN = """
name: Spring
seller: {name: Sunrise, legal_name: Sunrise Group, callback_number: "+18005550199"}
list: Leads
script: own
caller_ids: ["+12125550100"]
transport: conversation_relay
"""


def script(text: str = TEXT) -> Script:
    return load_script(text, source="survey")


@pytest.mark.parametrize("name", sorted(builtin_scripts()))
def test_built_in_scripts_say_nothing_of_a_recording_that_is_not_made(name: str) -> None:
    built_in = script(builtin_scripts()[name])
    spoken = for_transport(built_in, CONVERSATION_RELAY)
    assert find_misfit(built_in, CONVERSATION_RELAY) is None
    assert not spoken.recorded
    opening = " ".join(text for _, text in spoken.nodes[spoken.start].opening)
    assert "record" not in opening
    assert "I am an automated A I assistant." in opening
    assert for_transport(built_in, MEDIA_STREAMS) is built_in


def test_the_sentence_that_announces_a_recording_is_left_out() -> None:
    told = script(TEXT.replace(" on a recorded line.", ".\n    recording: This call is recorded."))
    spoken = for_transport(told, CONVERSATION_RELAY)
    assert told.nodes["opening"].recording is not None
    assert spoken.nodes["opening"].recording is None
    assert find_misfit(told, CONVERSATION_RELAY) is None


def test_other_words_that_announce_a_recording_are_a_fault_with_its_line() -> None:
    text = TEXT.replace("assistant on a recorded line", "assistant and I record this call")
    with pytest.raises(BadInput) as caught:
        parse_campaign(CAMPAIGN, source="c.yaml", folder=Path(), scripts={"own": text})
    assert "c.yaml:7" in str(caught.value)
    assert "`disclose` announces a recording" in str(caught.value)
    streams = CAMPAIGN.replace("conversation_relay", "media_streams")
    parse_campaign(streams, source="c.yaml", folder=Path(), scripts={"own": text})


def test_a_transport_is_one_of_two_and_audio_unless_said() -> None:
    campaign = parse_campaign(CAMPAIGN, source="c.yaml", folder=Path(), scripts={"own": TEXT})
    assert campaign.config.transport == CONVERSATION_RELAY
    data = campaign.config.model_dump(mode="json", by_alias=True)
    with pytest.raises(BadInput, match="media_streams"):
        check_campaign({**data, "transport": "carrier_pigeon"}, TEXT)
    del data["transport"]
    assert check_campaign(data, TEXT).config.transport == MEDIA_STREAMS


def test_every_arm_is_unannounced_and_only_one_language_is_heard() -> None:
    file = Path(__file__).parents[1] / "scenarios" / "bilingual.script.yaml"
    script = load_script(file.read_text(encoding="utf-8"), source=file.name)
    spoken = for_transport(script, CONVERSATION_RELAY)
    assert set(spoken.wordings) == {("a", None), ("b", None)}
    for worded in spoken.wordings.values():
        assert worded.nodes["opening"].disclose == "I am an automated A I assistant."
    assert spoken.language_for("es") is None
    assert find_misfit(script, CONVERSATION_RELAY) is None


def test_calls_that_may_be_handed_over_need_the_audio() -> None:
    built_in = script()
    misfit = find_misfit(built_in, CONVERSATION_RELAY, transfers=True)
    assert misfit is not None
    assert "leave `transfer` out" in misfit
    assert find_misfit(built_in, MEDIA_STREAMS, transfers=True) is None
