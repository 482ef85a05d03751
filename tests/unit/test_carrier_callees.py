"""Who answers, and what they say: drawn, repeatable, and driven by what they hear."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.simulator.callee import (
    FRAME_S,
    SILENT_FRAME,
    Callee,
    Human,
    Voicemail,
    ticks,
)
from dialer.simulator.callees import (
    COLLEAGUES,
    NUMBER_WORDS,
    Plan,
    answer,
    cast,
    digit_for,
    line,
    plan_attempt,
)
from dialer.simulator.config import ANSWER_MIX, Pacing, SimulatorConfig
from dialer.simulator.detection import detect
from dialer.simulator.draws import Draws
from dialer.simulator.machines import callee_for
from dialer.simulator.orders import Detection
from dialer.simulator.speech import Speech
from voice_ai.mulaw import FRAME_BYTES

PACING = Pacing()
QUESTION = "Hello, this is the clinic. Are you happy with your visit?"
GOODBYE = "Thank you, goodbye."


@pytest.fixture(scope="module")
def speech() -> Speech:
    return Speech(seed=7)


def plan_of(persona: str, number: str = "+14155550100", outcome: str = "human") -> Plan:
    config = SimulatorConfig(answer_mix={outcome: 1.0}, personas={persona: 1.0})
    return plan_attempt(config, number, 1)


def frames(audio: bytes) -> list[bytes | None]:
    return [audio[at : at + FRAME_BYTES] for at in range(0, len(audio), FRAME_BYTES)]


def listen(callee: Callee, audio: bytes = b"", seconds: float = 0.0) -> float | None:
    """Play to the callee, then be silent; when the callee hung up, in seconds from the start."""
    script = frames(audio) + [None] * ticks(seconds)
    for number, frame in enumerate(script):
        callee.tick(frame)
        if callee.hung_up is not None:
            return number * FRAME_S
    return None


def spoken(speech: Speech, text: str) -> bytes:
    return speech.speak(text, voice="agent").audio


def test_the_default_mix_is_what_the_configuration_says() -> None:
    config = SimulatorConfig(seed=3)
    drawn = Counter(plan_attempt(config, f"+1415{n:07}", 1).outcome for n in range(4000))
    for outcome, share in ANSWER_MIX.items():
        assert drawn[outcome] / 4000 == pytest.approx(share, abs=0.03)  # type: ignore[index]


def test_every_persona_turns_up() -> None:
    config = SimulatorConfig(seed=3)
    seen = {plan_attempt(config, f"+1415{n:07}", 1).persona.name for n in range(2000)}
    assert seen == {name for name, each in cast().personas.items() if each.weight > 0}


def test_a_colleague_does_what_the_configuration_says() -> None:
    number = "+12125550123"
    for does, (outcome, persona) in COLLEAGUES.items():
        plan = plan_attempt(SimulatorConfig(colleagues={number: does}), number, 1)
        assert (plan.outcome, plan.persona.name) == (outcome, persona)


@given(st.integers(0, 10**9), st.integers(1, 5))
def test_a_person_stays_who_they_are_and_an_attempt_what_it_is(number: int, attempt: int) -> None:
    config = SimulatorConfig(seed=5)
    to = f"+1{number:010}"
    first, again = plan_attempt(config, to, attempt), plan_attempt(config, to, attempt)
    assert first == again
    assert plan_attempt(config, to, attempt + 1).persona == first.persona


def test_draws_do_not_depend_on_the_order_of_weights() -> None:
    draws = Draws.about(1, "x")
    assert draws.weighted({"a": 1, "b": 2}, "q") == draws.weighted({"b": 2, "a": 1}, "q")
    assert draws.weighted({"a": 0, "b": 1}, "q") == "b"


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("On a scale from one to five, how satisfied are you?", "rating"),
        ("Am I speaking with the person in charge?", "identity"),
        ("Do you have a minute?", "time_now"),
        ("When would be a better time to call?", "when"),
        ("Is there anything else?", "more"),
        ("Can you make it to your appointment?", "yes_no"),
        ("Your visit is on Monday, is that right?", "yes_no"),
        ("Why is that?", "reason"),
        ("What did you like most?", "open"),
        ("Could you tell me how it went?", "open"),
    ],
)
def test_questions_are_told_apart(question: str, kind: str) -> None:
    assert cast().kind_of(question) == kind


@pytest.mark.parametrize("persona", ["pleased", "neutral", "annoyed"])
def test_ratings_fit_the_mood_and_stay_the_same(persona: str) -> None:
    plan = plan_of(persona)
    question = "On a scale from one to five, how was it?"
    said = [answer(plan, question, before).lower() for before in range(3)]
    words = {word for text in said for word in NUMBER_WORDS[1:] if word in text}
    assert len(words) == 1
    assert NUMBER_WORDS.index(words.pop()) in plan.persona.mood.ratings
    assert len(set(said)) > 1


def test_an_own_line_is_said_in_other_words_the_next_time() -> None:
    plan = plan_of("opts_out")
    assert line(plan, "opt_out", 0) != line(plan, "opt_out", 1)


def test_a_key_is_pressed_only_when_one_is_named() -> None:
    plan = plan_of("neutral")
    assert digit_for(plan, "For yes press 1, for no press two.") in {"1", "2"}
    assert digit_for(plan, "Are you still there?") is None
    assert digit_for(plan, "Please press on with it.") is None


def test_a_question_is_answered_after_its_end_and_only_once(speech: Speech) -> None:
    callee = Human(plan_of("pleased"), speech, PACING)
    listen(callee, seconds=2)
    assert len(callee.said) == 1
    audio = spoken(speech, QUESTION)
    listen(callee, audio, seconds=9)
    assert len(callee.said) == 2
    end = 2 + len(audio) / 8000
    assert end < callee.said[1].at_s <= end + PACING.reaction[1] + 0.1
    assert callee.heard == [QUESTION]


def test_the_answer_does_not_depend_on_how_the_audio_was_cut(speech: Speech) -> None:
    audio = spoken(speech, QUESTION)

    def said_after(script: bytes) -> list[str]:
        callee = Human(plan_of("annoyed"), speech, PACING)
        listen(callee, seconds=2)
        listen(callee, script, seconds=5)
        return [each.text for each in callee.said]

    gap = SILENT_FRAME * 5
    cut = audio[:4000] + gap + audio[4000:9001] + gap + audio[9001:]
    assert said_after(audio) == said_after(cut)


def test_a_gap_between_two_sentences_is_not_taken_for_the_end(speech: Speech) -> None:
    callee = Human(plan_of("neutral"), speech, PACING)
    listen(callee, seconds=2)
    gap = SILENT_FRAME * ticks(1.5)
    listen(callee, spoken(speech, "This is the clinic.") + gap + spoken(speech, QUESTION))
    assert len(callee.said) == 1
    listen(callee, seconds=3)
    assert len(callee.said) == 2


def test_a_reply_waits_for_the_agent_to_finish(speech: Speech) -> None:
    callee = Human(plan_of("neutral"), speech, PACING)
    listen(callee, seconds=2)
    more = spoken(speech, "I ask because we want to get better at what we do.")
    listen(callee, spoken(speech, QUESTION) + SILENT_FRAME * 13 + more)
    assert len(callee.said) == 1
    listen(callee, seconds=3)
    assert len(callee.said) == 2


def test_asked_again_the_person_answers_differently(speech: Speech) -> None:
    callee = Human(plan_of("pleased"), speech, PACING)
    listen(callee, seconds=2)
    for _ in range(2):
        listen(callee, spoken(speech, QUESTION), seconds=5)
    assert callee.said[1].text != callee.said[2].text


def test_a_goodbye_makes_the_person_hang_up(speech: Speech) -> None:
    callee = Human(plan_of("neutral"), speech, PACING)
    listen(callee, seconds=2)
    audio = spoken(speech, GOODBYE)
    left = listen(callee, audio, seconds=6)
    assert callee.hung_up == "goodbye"
    assert left == pytest.approx(len(audio) / 8000 + PACING.after_goodbye, abs=0.2)


@pytest.mark.parametrize(
    ("persona", "kind"),
    [
        ("opts_out", "opt_out"),
        ("asks_robot", "ask_robot"),
        ("wrong_person", "wrong_person"),
        ("calls_back", "callback"),
        ("asks_again", "repeat"),
    ],
)
def test_personas_say_their_own_line_by_the_second_question(
    speech: Speech, persona: str, kind: str
) -> None:
    callee = Human(plan_of(persona), speech, PACING)
    listen(callee, seconds=2)
    listen(callee, spoken(speech, QUESTION), seconds=5)
    listen(callee, spoken(speech, "Do you have a minute?"), seconds=5)
    own = [each.text for each in callee.said if each.text in cast().lines[kind]]
    assert len(own) == (2 if callee.said[1].text in own and _insists(persona) else 1)


def _insists(persona: str) -> bool:
    return cast().personas[persona].insists


def test_somebody_who_opted_out_hangs_up_when_asked_on_and_on(speech: Speech) -> None:
    callee = Human(plan_of("opts_out"), speech, PACING)
    listen(callee, seconds=2)
    for number in range(6):
        listen(callee, spoken(speech, f"Is this question number {number}?"), seconds=5)
    assert callee.hung_up == "insisted"


def test_a_barge_in_comes_into_the_opening(speech: Speech) -> None:
    callee = Human(plan_of("barges_in"), speech, PACING)
    listen(callee, seconds=3)
    audio = spoken(speech, "This is the clinic, and there is a lot to say. " * 5)
    listen(callee, audio)
    low, high = callee._plan.persona.barges_in_after or (0.0, 0.0)
    assert len(callee.said) == 2
    assert 3 + low <= callee.said[1].at_s <= 3 + high + 0.1


def test_early_leavers_leave_early_and_the_mute_leave_late(speech: Speech) -> None:
    early = listen(Human(plan_of("hangs_up"), speech, PACING), seconds=10)
    assert early is not None
    assert 0.7 < early < 6.1
    mute = Human(plan_of("mute"), speech, PACING)
    assert listen(mute, seconds=30) == pytest.approx(PACING.gives_up, abs=0.1)
    assert (mute.hung_up, mute.said) == ("quiet", [])


def test_silence_is_answered_by_one_more_hello(speech: Speech) -> None:
    callee = Human(plan_of("neutral"), speech, PACING)
    listen(callee, seconds=20)
    assert [each.text in cast().lines["second_hello"] for each in callee.said] == [False, True]


def test_skipping_idle_time_changes_nothing(speech: Speech) -> None:
    one, other = (Human(plan_of("neutral"), speech, PACING) for _ in range(2))
    while one.hung_up is None:
        one.tick(None)
    while other.hung_up is None:
        idle = other.idle_ticks()
        if idle > 0:
            other.skip(idle)
        other.tick(None)
    assert (one.said, one._tick) == (other.said, other._tick)
    assert len(one.said) == 2


def test_a_voicemail_greets_for_six_seconds_beeps_and_hangs_up(speech: Speech) -> None:
    for number in range(6):
        plan = plan_of("neutral", f"+1415555{number:04}", "voicemail")
        machine = callee_for(plan, speech, PACING)
        assert isinstance(machine, Voicemail)
        assert 6.0 < machine.beep_ends_s < 25.0
        left = listen(machine, seconds=60)
        assert left == pytest.approx(machine.beep_ends_s + PACING.voicemail_hangs_up, abs=0.1)


@pytest.mark.parametrize(
    ("outcome", "mode", "error_rate", "verdicts"),
    [
        ("human", "Enable", 0.0, {"human"}),
        ("human", "Enable", 1.0, {"machine_start"}),
        ("human", "DetectMessageEnd", 1.0, {"machine_end_silence"}),
        ("voicemail", "Enable", 0.0, {"machine_start"}),
        ("voicemail", "DetectMessageEnd", 0.0, {"machine_end_beep"}),
        ("voicemail", "Enable", 1.0, {"human"}),
    ],
)
def test_detection_says_who_answered_and_errs_as_often_as_told(
    speech: Speech, outcome: str, mode: str, error_rate: float, verdicts: set[str]
) -> None:
    plan = plan_of("neutral", outcome=outcome)
    detection = Detection(mode=mode, asynchronous=True, callback=None, timeout=30)
    verdict = detect(detection, plan, callee_for(plan, speech, PACING), error_rate)
    assert verdict.answered_by in verdicts
    assert verdict.at_s > 1.4


def test_nobody_can_tell_what_a_mute_person_is(speech: Speech) -> None:
    plan = plan_of("mute")
    detection = Detection(mode="Enable", asynchronous=True, callback=None, timeout=30)
    verdict = detect(detection, plan, callee_for(plan, speech, PACING), 0.0)
    assert verdict.answered_by == "unknown"


def test_a_message_that_outlasts_the_timeout_stays_unknown(speech: Speech) -> None:
    plan = plan_of("neutral", outcome="voicemail")
    detection = Detection(mode="DetectMessageEnd", asynchronous=True, callback=None, timeout=3)
    verdict = detect(detection, plan, callee_for(plan, speech, PACING), 0.0)
    assert (verdict.answered_by, verdict.at_s) == ("unknown", 3)


def test_pacing_can_be_changed_for_a_rehearsal(speech: Speech) -> None:
    patient = replace(PACING, gives_up=5.0, second_hello=4.0)
    assert listen(Human(plan_of("mute"), speech, patient), seconds=9) == pytest.approx(5, abs=0.1)
