"""Whose voice is listened to in a call, and when: the person's, once told, and nobody else's."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from dialer.adapters import twilio_transfer
from dialer.media.feeling import Feeling
from dialer.media.handover import Resumed
from dialer.media.playback import Floor
from dialer.media.turn_taking import PersonTurn
from dialer.mind import ServedMind
from dialer.ports import Prediction
from dialer.virtual.world import Guess
from ml.serving import NO_ARMS, Arms, ModelServer, VoiceListener
from ml.voice.features import NAMES
from ml.voice.listening import Listener
from tests.transfer_scripts import clinic_help
from tests.unit.media_fakes import LOUD, SLOTS, Call
from tests.voices import samples
from voice_ai import mulaw
from voice_ai.conversation import begin, builtin_scripts, load_script, step
from voice_ai.conversation.turns import Speech
from voice_ai.emotions import EmotionSource

SURVEY = load_script(builtin_scripts()["satisfaction_survey"], source="survey")
CLINIC = load_script(clinic_help("warm"), source="clinic")
QUESTION = "May I ask them now?"
COLLEAGUE_QUESTION = "Would you like to talk to one of my colleagues?"
CONNECTS = "I will connect you now."


class Ears:
    """Hears anger in everything, and keeps how much it was given of each turn."""

    def __init__(self) -> None:
        self.turn = 0
        self.turns: list[int] = []
        self.dropped = 0

    def feed(self, ulaw: bytes) -> None:
        self.turn += len(ulaw)

    def drop(self) -> None:
        self.turn, self.dropped = 0, self.dropped + 1

    def end(self) -> Prediction | None:
        self.turns.append(self.turn)
        self.turn = 0
        return Guess("emotion_voice", "angry", scores={"angry": 0.8, "neutral": 0.2})

    def together(self, words: Prediction | None, sound: Prediction) -> Prediction | None:
        return VoiceListener.together(words, sound)


async def asked(question: str, ears: Ears | None, script: Any = SURVEY) -> Call:
    call = Call(script)
    call.voice_ears = ears
    call.pick_up()
    await call.until_asked(question)
    return call


def heard(call: Call) -> list[tuple[str | None, list[str]]]:
    """Of each of the person's turns the emotion, and the tasks that were answered."""
    return [
        (turn.emotion.label if turn.emotion else None, [one.task for one in turn.predictions])
        for turn in call.log.turns
        if turn.speaker == "caller"
    ]


async def test_a_turn_is_heard_from_its_onset_and_fused_with_its_words() -> None:
    ears = Ears()
    call = await asked(QUESTION, ears)
    call.mind.emotions["yes"] = "neutral"
    await call.say("yes", 1.0)
    await call.until(lambda: bool(heard(call)))
    # All of what was said, and of the silence after it what shows that it is over.
    assert 8000 <= ears.turns[0] <= 8000 + 8000
    assert heard(call) == [("anger", ["emotion", "emotion_text", "emotion_voice"])]


async def test_a_call_whose_campaign_does_not_listen_has_words_only() -> None:
    call = await asked(QUESTION, None)
    call.mind.emotions["yes"] = "neutral"
    await call.say("yes")
    await call.until(lambda: bool(heard(call)))
    assert heard(call) == [("neutral", ["emotion"])]


async def test_nothing_is_heard_before_the_person_was_told() -> None:
    ears = Ears()
    call = Call(SURVEY)
    call.voice_ears = ears
    call.pick_up()
    await call.pass_time(0.4)
    await call.say("Hello?", 0.6)
    assert (ears.turn, ears.turns) == (0, [])
    await call.until_asked(QUESTION)
    await call.say("yes")
    assert len(ears.turns) == 1


async def test_who_objects_is_not_listened_to_any_more() -> None:
    ears = Ears()
    call = await asked(QUESTION, ears)
    await call.say("Please do not record this.")
    assert len(ears.turns) == 1
    await call.until(lambda: not call.line.seconds_left)
    await call.say("yes")
    await call.pass_time(1.0, LOUD)
    assert (len(ears.turns), ears.turn) == (1, 0)


class Desk:
    """The carrier takes every call."""

    async def begin(self, transfer: Any, state: Any) -> str | None:
        return None

    async def taken_over(self, state: Any) -> bool:
        return False


async def test_whoever_speaks_once_a_colleague_is_called_is_not_listened_to() -> None:
    ears = Ears()
    call = Call(CLINIC)
    call.voice_ears, call.handover = ears, Desk()
    call.pick_up()
    await call.until_asked(COLLEAGUE_QUESTION)
    await call.say("Yes.")
    await call.until_asked(CONNECTS)
    await call.pass_time(0.2)
    turns = len(ears.turns)
    await call.say("This is the colleague, how can I help?", 2.0)
    assert (len(ears.turns), ears.turn) == (turns, 0)
    assert (await call.until_over(20)).end_reason == "transfer"


@pytest.mark.parametrize("first", [None, "One moment."])
def test_a_colleagues_call_has_no_stream_to_us(first: str | None) -> None:
    language, action = "en-US", "https://here/next"
    dialed = twilio_transfer.dial_twiml(
        "+12125550177", caller_id="+12125550100", ring_s=20, max_talk_s=60, action=action,
        leg=action, language=language, first=first,
    )  # fmt: skip
    waits = twilio_transfer.wait_twiml(
        "room", max_talk_s=60, action=action, language=language, first=first
    )
    whispered = twilio_transfer.whisper_twiml("Anna", "Press one.", action, language)
    for twiml in (dialed, waits, whispered, twilio_transfer.join_twiml("room")):
        for word in ("<Stream", "<Start", "<Connect", "record", "transcri"):
            assert word not in twiml


async def test_a_call_that_comes_back_knows_what_the_person_was_told_and_refused() -> None:
    state, _ = begin(CLINIC, SLOTS)
    state, _ = step(CLINIC, state, Speech("yes"))
    assert Feeling.of_call(None, CLINIC, state) is None
    untold = Feeling.of_call(Ears(), CLINIC, Resumed(state, "busy", 3).state)
    refused, _ = step(CLINIC, state, Speech("do not record me"))
    assert untold is not None
    assert Feeling.of_call(Ears(), CLINIC, refused) is None


def test_what_was_no_turn_is_dropped() -> None:
    ears = Ears()
    feeling = Feeling(ears, informed=True)
    feeling.hear(LOUD, 0.02, None)
    feeling.hear(LOUD, 0.04, 0.0)  # noticed a frame late
    assert ears.turn == 2 * len(LOUD)
    feeling.hear(LOUD, 0.06, None)
    assert (ears.turn, ears.dropped) == (0, 1)
    feeling.end(PersonTurn(0.0, 0.0, Floor.QUIET))
    assert ears.turns == []


def test_one_feeling_names_every_model_that_said_something() -> None:
    words = Guess("emotion", "anger", scores={"anger": 0.6, "joy": 0.4}, model_name="words")
    sound = Guess("emotion_voice", "angry", scores={"angry": 0.9, "happy": 0.1}, version="2")
    silent = Guess("emotion", "neutral", scores={})  # drifted, so it is to say nothing
    for witness, name, version in ((words, "words+guess", "1+2"), (silent, "guess", "2")):
        fused = VoiceListener.together(witness, sound)
        assert fused is not None
        assert (fused.label, fused.model_name, fused.version) == ("anger", name, version)


def test_two_witnesses_who_differ_say_nothing_together_and_each_is_kept() -> None:
    feeling = Feeling(Ears(), informed=True)
    words = Guess("emotion", "joy", scores={"joy": 0.9, "anger": 0.1})
    sound = Guess("emotion_voice", "angry", scores={"angry": 0.9, "happy": 0.1})
    mind = ServedMind(ModelServer(Path("/nowhere")))
    understood = feeling.understood(mind.understand("great"), None)
    assert understood.apart == ()
    both = feeling.understood(type(understood)(intent=None, emotion=words), sound)
    assert both.emotion is None
    assert [(one.task, one.label) for one in both.apart] == [
        ("emotion_text", "joy"),
        ("emotion_voice", "angry"),
    ]


class Asked(ModelServer):
    """Notes which tasks are asked."""

    def predict(self, task: str, text: Any, arms: Arms = NO_ARMS) -> None:
        del text, arms
        TASKS.append(task)


TASKS: list[str] = []


@pytest.mark.parametrize("source", ["off", "text", "voice"])
def test_off_asks_no_model_for_an_emotion(source: EmotionSource) -> None:
    TASKS.clear()
    mind = ServedMind(Asked(Path("/nowhere"))).of_call("call", emotion=source)
    assert mind.understand("yes").emotion is None
    assert "intent" in TASKS
    assert ("emotion" in TASKS) is (source != "off")
    assert mind.voice_ears() is None  # no model is served


def test_a_listener_knows_the_person_by_their_earlier_turns() -> None:
    asked: list[Sequence[float]] = []

    def ask(voice: Sequence[float]) -> str:
        asked.append(voice)
        return "anger"

    listener = Listener(ask)
    voice = mulaw.encode(samples(pitch_hz=150))
    listener.feed(voice)
    listener.drop()
    assert listener.end() is None
    for _ in range(2):
        listener.feed(voice)
        assert listener.end() == "anger"
    assert [one[len(NAMES)] for one in asked] == [0.0, 1.0]
