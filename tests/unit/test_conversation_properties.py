"""What holds of every conversation, whatever is heard in it."""

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from voice_ai.conversation.script import builtin_scripts, load_script
from voice_ai.conversation.step import begin, step
from voice_ai.conversation.turns import (
    Action,
    Answered,
    Ask,
    Digits,
    Disposition,
    FindAnswer,
    HangUp,
    Heard,
    HungUp,
    MachineDetected,
    OptOut,
    Say,
    Silence,
    Speech,
    State,
    TimeUp,
)
from voice_ai.conversation.understanding import INTENTS, opt_out_evidence

FOLDER = Path(__file__).parents[1] / "scenarios"
SCRIPTS = [load_script(text, source=name) for name, text in builtin_scripts().items()] + [
    load_script(file.read_text(encoding="utf-8"), source=file.name)
    for file in sorted(FOLDER.glob("*.script.yaml"))
]
SLOTS = {"seller": "Lakeside Clinic", "callback_number": "+18005550100"}

PHRASES = [
    "yes",
    "no",
    "hello?",
    "four",
    "one or two",
    "call me back",
    "call me tomorrow at five",
    "I'm busy",
    "are you a robot?",
    "say that again",
    "wrong number",
    "who is this?",
    "when are you open?",
    "¿español?",
    "english please",
    "the staff was kind but the wait was long and the room was cold all day",
    "",
    "  ",
    "mhm",
    "9",
    "9" * 400,
]
speech = st.builds(
    Speech,
    text=st.sampled_from(PHRASES) | st.text(max_size=40),
    intent=st.none()
    | st.sampled_from(sorted(INTENTS.keys() - {"opt_out"}))
    | st.just("unheard_of"),
    intent_score=st.none() | st.floats(0, 1),
    emotion=st.none() | st.sampled_from(["neutral", "joy", "anger", "boredom"]),
    emotion_score=st.none() | st.floats(0, 1),
    heard_of_agent=st.none() | st.sampled_from(["", "Hello, this is", "May I ask them now?"]),
    over_agent=st.booleans(),
)
talk = speech | st.builds(Silence, st.floats(0, 60)) | st.builds(Digits, st.text("01234*#"))
answers = st.builds(
    Answered,
    st.integers(0, 30),
    st.none() | st.just("The clinic is open from nine to five.") | st.text(max_size=40),
    st.none() | st.just("late"),
)
signals = st.just(HungUp()) | st.just(TimeUp())
verdicts = st.builds(
    MachineDetected, st.sampled_from(["human", "unknown", "machine_start", "fax", ""])
)
anything: st.SearchStrategy[Heard] = talk | signals | verdicts | answers
asks_out: st.SearchStrategy[Heard] = st.sampled_from(
    [
        Speech("please stop calling me"),
        Speech("Take my number off your list!", "yes", 1.0),
        Speech("whatever", "opt_out", 0.4),
        Digits("9"),
    ]
)


# Whatever is looked for, nothing comes of it.
NOTHING_WRITTEN = [Answered(number, None, "late") for number in range(30)]


def play(index: int, heard: list[Heard]) -> tuple[State, list[tuple[Action, ...]]]:
    state, actions = begin(SCRIPTS[index % len(SCRIPTS)], SLOTS)
    answers = [actions]
    for item in heard:
        state, actions = step(SCRIPTS[index % len(SCRIPTS)], state, item)
        answers.append(actions)
    return state, answers


@settings(deadline=None)
@given(st.integers(0, len(SCRIPTS) - 1), st.lists(talk, min_size=24, max_size=24))
def test_every_call_ends_within_its_turns(index: int, heard: list[Heard]) -> None:
    script = SCRIPTS[index % len(SCRIPTS)]
    assert len(heard) > script.max_turns
    state, answers = play(index, [item for one in heard for item in (one, *NOTHING_WRITTEN)])
    assert state.ended is not None
    assert any(isinstance(action, HangUp) for answer in answers for action in answer)


@settings(deadline=None)
@given(st.integers(0, len(SCRIPTS) - 1), st.lists(anything, max_size=30))
def test_every_answer_waits_for_an_answer_or_ends_the_call(index: int, heard: list[Heard]) -> None:
    for answer in play(index, heard)[1]:
        closers = [action for action in answer if isinstance(action, Ask | HangUp | FindAnswer)]
        assert len(closers) == (1 if answer else 0)
        assert not answer or answer[-1] is closers[0]
        for action in answer:
            if isinstance(action, Say | Ask):
                assert action.text
                assert not {"{", "}"} & set(action.text)
                assert action.text.endswith("?") == isinstance(action, Ask)


@settings(deadline=None)
@given(st.integers(0, len(SCRIPTS) - 1), st.lists(anything, max_size=30))
def test_hanging_up_comes_once_with_one_disposition_before_it(
    index: int, heard: list[Heard]
) -> None:
    said = [action for answer in play(index, heard)[1] for action in answer]
    if any(isinstance(action, OptOut) for action in said):
        return  # a late opt-out ends the call a second time, see the next property
    ends = [type(action) for action in said if isinstance(action, Disposition | HangUp)]
    assert ends in ([], [Disposition, HangUp])
    assert HangUp not in [type(action) for action in said[:-1]]


@settings(deadline=None)
@given(
    st.integers(0, len(SCRIPTS) - 1),
    st.lists(anything, max_size=12),
    asks_out,
    st.lists(anything, max_size=6),
)
def test_opt_out_wins_anywhere_and_nothing_is_asked_after_it(
    index: int, before: list[Heard], wish: Heard, after: list[Heard]
) -> None:
    assert opt_out_evidence(wish) is not None
    before = [item for item in before if opt_out_evidence(item) is None]
    _, answers = play(index, [*before, wish, *after])
    answer, rest = answers[len(before) + 1], answers[len(before) + 2 :]
    assert [type(action) for action in answer] == [OptOut, Say, Disposition, HangUp]
    assert all(later == () for later in rest)


@settings(deadline=None)
@given(st.integers(0, len(SCRIPTS) - 1), st.lists(anything, max_size=12))
def test_the_same_words_make_the_same_call(index: int, heard: list[Heard]) -> None:
    assert play(index, heard) == play(index, heard)


@settings(deadline=None)
@given(st.lists(speech, max_size=6), speech)
def test_a_step_leaves_the_state_it_was_given_as_it_was(before: list[Heard], heard: Heard) -> None:
    state, _ = play(0, before)
    copy = repr(state)
    step(SCRIPTS[0], state, heard)
    assert repr(state) == copy
