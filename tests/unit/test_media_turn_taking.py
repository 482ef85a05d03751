import pytest

from dialer.media.playback import Floor
from dialer.media.turn_taking import (
    BargeIn,
    EndOfTurn,
    FinalMissing,
    PersonTurn,
    Signal,
    SilenceOver,
    TurnLimits,
    TurnTaking,
    Verdict,
    is_backchannel,
    is_pick_up,
    verdict,
)
from tests.unit.media_fakes import LOUD

QUIET = b"\xff" * 160


class Ear:
    """Feeds seconds of sound and keeps the signals with their times."""

    def __init__(self, limits: TurnLimits | None = None) -> None:
        self.taking = TurnTaking(limits or TurnLimits())
        self.taking.opening = False
        self.signals: list[tuple[float, Signal]] = []

    def hear(self, sound: bytes, seconds: float, floor: Floor = Floor.QUIET) -> None:
        for _ in range(round(seconds / 0.02)):
            signal = self.taking.hear(sound, floor)
            if signal is not None:
                self.signals.append((self.taking.now_s, signal))

    def partial(
        self, text: str, floor: Floor = Floor.QUIET, *, asking: bool = False
    ) -> BargeIn | None:
        return self.taking.partial(text, floor, asking=asking)

    @property
    def kinds(self) -> list[type[Signal]]:
        return [type(signal) for _, signal in self.signals]


def test_a_turn_is_over_half_a_second_after_the_last_sound() -> None:
    ear = Ear()
    ear.hear(QUIET, 1.0)
    ear.hear(LOUD, 1.0)
    ear.hear(QUIET, 1.0)
    ((at_s, signal),) = ear.signals
    assert isinstance(signal, EndOfTurn)
    assert at_s == pytest.approx(2.5)
    assert signal.turn.onset_s == pytest.approx(1.0)
    assert signal.turn.voiced_until_s == pytest.approx(2.0)
    assert signal.turn.endpoint_s == pytest.approx(0.5)


@pytest.mark.parametrize("endpoint_s", [0.4, 1.2])
def test_a_question_says_which_pause_ends_its_answer(endpoint_s: float) -> None:
    ear = Ear()
    ear.taking.listen_for(endpoint_s)
    ear.hear(LOUD, 1.0)
    ear.hear(QUIET, 2.0)
    ((at_s, signal),) = ear.signals
    assert isinstance(signal, EndOfTurn)
    assert at_s == pytest.approx(1.0 + endpoint_s, abs=0.03)
    ear.taking.final("yes")
    ear.taking.listen_for(None)
    ear.hear(LOUD, 1.0)
    ear.hear(QUIET, 2.0)
    assert ear.signals[-1][0] == pytest.approx(4.5, abs=0.03), "what nothing was asked about"


def test_a_breath_does_not_end_a_turn() -> None:
    ear = Ear()
    for _ in range(4):
        ear.hear(LOUD, 0.6)
        ear.hear(QUIET, 0.4)
    assert ear.signals == []
    ear.hear(QUIET, 0.2)
    assert ear.kinds == [EndOfTurn]


def test_a_click_is_no_turn() -> None:
    ear = Ear()
    ear.hear(LOUD, 0.08)
    ear.hear(QUIET, 2.0)
    assert ear.signals == []
    assert ear.taking.open_since_s == float("inf")


def test_somebody_who_never_stops_is_understood_in_pieces() -> None:
    ear = Ear(TurnLimits(longest_turn_s=5.0))
    ear.hear(LOUD, 6.0)
    assert ear.kinds == [EndOfTurn]


def test_someone_too_soft_for_the_loudness_is_noticed_by_their_words() -> None:
    ear = Ear()
    ear.hear(QUIET, 1.0)
    ear.partial("yes")
    ear.hear(QUIET, 1.0)
    ear.partial("yes please")
    ear.hear(QUIET, 1.9)
    assert ear.signals == []
    ear.hear(QUIET, 0.2)
    assert ear.kinds == [EndOfTurn]
    turn = ear.taking.final("Yes, please.")
    assert turn is not None
    assert turn.noticed_by_text
    assert turn.endpoint_s is None


def test_on_a_loud_line_the_turn_ends_when_the_words_stop_changing() -> None:
    ear = Ear()
    ear.hear(LOUD, 1.0)
    ear.partial("I would say four")
    ear.hear(LOUD, 2.1)
    assert ear.kinds == [EndOfTurn]


def test_long_speech_over_an_open_prompt_interrupts_it_without_any_text() -> None:
    ear = Ear()
    ear.hear(LOUD, 0.6, Floor.OPEN)
    assert ear.signals == []
    ear.hear(LOUD, 1.0, Floor.OPEN)
    assert ear.kinds == [BargeIn], "once"


def test_speech_over_a_protected_prompt_interrupts_nothing() -> None:
    ear = Ear()
    ear.hear(LOUD, 3.0, Floor.PROTECTED)
    assert ear.partial("excuse me", Floor.PROTECTED) is None
    assert ear.partial("excuse me sir", Floor.OPEN) is None, "it began over protected words"
    assert ear.signals == []


def test_a_word_interrupts_sooner_than_loudness() -> None:
    ear = Ear()
    ear.hear(LOUD, 0.14, Floor.OPEN)
    assert ear.partial("wait", Floor.OPEN) is None, "too short to be sure"
    ear.hear(LOUD, 0.1, Floor.OPEN)
    assert isinstance(ear.partial("wait a", Floor.OPEN), BargeIn)
    assert ear.partial("wait a minute", Floor.OPEN) is None, "once"


@pytest.mark.parametrize("text", ["mhm", "Okay.", "uh-huh, right", "I see.", ""])
def test_listening_words_interrupt_nothing(text: str) -> None:
    ear = Ear()
    ear.hear(LOUD, 0.4, Floor.OPEN)
    assert ear.partial(text, Floor.OPEN) is None


def test_okay_over_a_question_is_an_answer() -> None:
    ear = Ear()
    ear.hear(LOUD, 0.4, Floor.OPEN)
    assert isinstance(ear.partial("okay", Floor.OPEN, asking=True), BargeIn)


def test_hello_interrupts_nothing_while_the_opening_is_spoken() -> None:
    ear = Ear()
    ear.taking.opening = True
    ear.hear(LOUD, 0.4, Floor.OPEN)
    assert ear.partial("hello", Floor.OPEN) is None
    assert isinstance(ear.partial("hello listen", Floor.OPEN), BargeIn)


def test_silence_counts_from_the_question() -> None:
    ear = Ear()
    ear.hear(QUIET, 3.0)
    ear.taking.wait_for_answer(6.0)
    ear.hear(QUIET, 5.9)
    assert ear.signals == []
    ear.hear(QUIET, 8.0)
    ((at_s, signal),) = ear.signals
    assert signal == SilenceOver(6.0)
    assert at_s == pytest.approx(9.0)


def test_nobody_is_called_silent_while_they_speak_or_are_being_understood() -> None:
    ear = Ear()
    ear.taking.wait_for_answer(2.0)
    ear.hear(LOUD, 1.9)
    ear.hear(QUIET, 0.5)
    ear.hear(QUIET, 3.0)
    assert ear.kinds == [EndOfTurn], "the transcript is still owed"
    ear.taking.final("")
    ear.hear(QUIET, 1.0)
    assert ear.kinds == [EndOfTurn, SilenceOver]


def test_nothing_is_waited_for_after_a_goodbye() -> None:
    ear = Ear()
    ear.taking.wait_for_answer(None)
    ear.hear(QUIET, 60.0)
    assert ear.signals == []


def test_a_missing_transcript_is_given_up_and_then_not_believed_twice() -> None:
    ear = Ear()
    ear.hear(LOUD, 0.6)
    ear.partial("stop calling")
    ear.hear(QUIET, 0.5)
    ear.hear(QUIET, 4.1)
    missing = ear.signals[-1][1]
    assert isinstance(missing, FinalMissing)
    assert missing.turn.partial == "stop calling"
    assert ear.taking.final("stop calling me") is None, "the late one says the same"
    assert ear.taking.final("something else") is not None


def test_transcripts_belong_to_their_turns_in_order() -> None:
    ear = Ear()
    ear.hear(LOUD, 0.5)
    ear.hear(QUIET, 0.6)
    ear.hear(LOUD, 0.3)
    first = ear.taking.final("Yes.")
    assert first is not None
    assert first.onset_s == pytest.approx(0.0)
    assert ear.taking.open_since_s == pytest.approx(1.1)
    ear.hear(QUIET, 0.6)
    second = ear.taking.final("But not today.")
    assert second is not None
    assert second.onset_s == pytest.approx(1.1)
    assert ear.taking.open_since_s == float("inf")


def test_a_hang_up_ends_the_turn_that_was_going_on() -> None:
    ear = Ear()
    ear.hear(LOUD, 0.5)
    end = ear.taking.end_now()
    assert end is not None
    assert end.turn.committed_s == pytest.approx(0.5)
    assert ear.taking.end_now() is None
    assert ear.taking.give_up() == [end.turn]
    assert ear.taking.give_up() == []


def turn(over: Floor = Floor.QUIET) -> PersonTurn:
    return PersonTurn(onset_s=0.0, voiced_until_s=1.0, over=over)


@pytest.mark.parametrize(
    ("text", "over", "floor", "expected"),
    [
        ("", Floor.OPEN, Floor.OPEN, "nothing"),
        ("Yes.", Floor.QUIET, Floor.QUIET, "answer"),
        ("Mhm.", Floor.OPEN, Floor.QUIET, "answer"),
        ("Who is calling?", Floor.OPEN, Floor.OPEN, "interrupt"),
        ("Who is calling?", Floor.QUIET, Floor.OPEN, "interrupt"),
        ("Mhm.", Floor.OPEN, Floor.OPEN, "aside"),
        ("Who is calling?", Floor.PROTECTED, Floor.PROTECTED, "over_protected"),
        ("Who is calling?", Floor.PROTECTED, Floor.OPEN, "over_protected"),
        ("Who is calling?", Floor.OPEN, Floor.PROTECTED, "over_protected"),
        ("Yes.", Floor.PROTECTED, Floor.QUIET, "answer"),
    ],
)
def test_what_a_transcript_means_for_the_agents_speech(
    text: str, over: Floor, floor: Floor, expected: Verdict
) -> None:
    told = verdict(turn(over), text, floor=floor, asking=False, opening=False, opts_out=False)
    assert told == expected


@pytest.mark.parametrize("floor", [Floor.OPEN, Floor.PROTECTED])
def test_an_opt_out_stops_everything(floor: Floor) -> None:
    told = verdict(
        turn(Floor.PROTECTED), "Stop.", floor=floor, asking=False, opening=True, opts_out=True
    )
    assert told == "interrupt"


def test_a_greeting_over_the_opening_is_no_interruption() -> None:
    for opening, expected in ((True, "over_protected"), (False, "interrupt")):
        told = verdict(
            turn(Floor.OPEN),
            "Hello?",
            floor=Floor.OPEN,
            asking=False,
            opening=opening,
            opts_out=False,
        )
        assert told == expected


def test_words_of_listening_and_of_lifting_the_phone() -> None:
    assert is_backchannel("Uh-huh.", asking=True)
    assert is_backchannel("Okay, right.", asking=False)
    assert not is_backchannel("Okay.", asking=True)
    assert not is_backchannel("Okay stop", asking=False)
    assert not is_backchannel("", asking=False)
    assert is_pick_up("Yes, hello?")
    assert not is_pick_up("Hello, who is this please?")
