"""Events: each documented, each with a stable key, none with a number, a name or speech."""

import dataclasses
import json
import re
import types
import typing
from pathlib import Path

import pytest

from voice_ai import events
from voice_ai.events import EVENTS, TERMINAL_KEY, CallEvent, dictionary

PAGE = Path(__file__).parents[2] / "docs" / "events.md"
SID = "CA00000000000000000000000000000001"

# Kinds and keys are stored: a change here is a change of the stable surface.
KEYS = {
    events.DialIntended(attempt_no=1, caller_id=7): "dial_intended",
    events.DialUnknown(reason="timeout"): "dial_unknown",
    events.CallPlaced(carrier_call_sid=SID): "call_placed",
    events.CarrierStatus(SID, "ringing", 2): f"status:{SID}:2",
    events.AnswerClassified("human", None): "answer_classified",
    events.AnswerHeard("human", 0.9, 1900.0, "pick_up"): "answer_heard:1900:human",
    events.MediaStarted(stream_sid="MZ1"): "media_started:MZ1",
    events.TurnTaken(3, "caller", None, "yes", "joy"): "turn:3",
    events.BargeIn(4, 0.5): "barge_in:4",
    events.OptOutHeard(evidence="keywords"): "opt_out_heard",
    events.RecordingDeclined(): "recording_declined",
    events.ArmAssigned(experiment="kind_question", arm="b"): "arm_assigned",
    events.OutcomeReached("goal", "finished"): "outcome_reached",
    events.MediaStopped(reason="hangup"): "media_stopped",
    events.TransferStarted(1, "warm", "script"): "transfer_started:1",
    events.TransferAnswered(1): "transfer_answered:1",
    events.TransferFailed(2, "no_answer"): "transfer_failed:2",
    events.LateCallCancelled(carrier_call_sid=SID): f"late:{SID}",
    events.CallEnded("completed", "human", "goal", "finished", "callback"): "terminal",
}


def by_kind(event: type[CallEvent]) -> str:
    return event.kind


def test_every_event_is_known_here_with_its_key() -> None:
    assert {type(event) for event in KEYS} == set(EVENTS)
    for event, key in KEYS.items():
        assert event.key == key
        assert dataclasses.replace(event).key == key


def test_kinds_are_unique_and_only_the_end_is_terminal() -> None:
    kinds = [event.kind for event in EVENTS]
    assert len(set(kinds)) == len(kinds)
    assert [event.kind for event in KEYS if event.key == TERMINAL_KEY] == ["call_ended"]


@pytest.mark.parametrize("event", EVENTS, ids=by_kind)
def test_every_event_is_explained_in_one_sentence_and_frozen(event: type[CallEvent]) -> None:
    assert event.__doc__ is not None
    assert event.__doc__.endswith(".")
    assert "\n" not in event.__doc__
    assert not event.__doc__.startswith(event.__name__)  # what a dataclass writes by itself
    assert event.__dataclass_params__.frozen  # type: ignore[attr-defined]


@pytest.mark.parametrize("event", KEYS, ids=lambda event: event.kind)
def test_a_payload_is_its_fields_as_json(event: CallEvent) -> None:
    payload = json.loads(json.dumps(event.payload()))
    assert payload == {
        field.name: getattr(event, field.name) for field in dataclasses.fields(event)
    }


@pytest.mark.parametrize("event", EVENTS, ids=by_kind)
def test_a_payload_has_no_place_for_personal_data(event: type[CallEvent]) -> None:
    hints = typing.get_type_hints(event)
    for field in dataclasses.fields(event):
        assert not re.search(r"name|number|phone|text|said|words|transcript", field.name)
        kind = hints[field.name]
        members = set(typing.get_args(kind)) if isinstance(kind, types.UnionType) else {kind}
        assert members <= {str, int, float, type(None)}, field.name


def test_the_page_is_what_the_types_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == dictionary(), "run `voice-ai docs events`"


def test_the_page_has_a_section_and_a_row_of_two_cells_for_every_field() -> None:
    page = dictionary()
    for event in EVENTS:
        section = page.split(f"## `{event.kind}`\n")[1].split("\n## ")[0]
        assert event.__doc__ is not None
        assert event.__doc__ in section
        rows = [line for line in section.splitlines() if line.startswith("| `")]
        assert len(rows) == len(dataclasses.fields(event))
        assert all(len(re.split(r"(?<!\\)\|", row)) == 4 for row in rows)
