import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.media.playback import Floor, Line, Playback

SECOND = 8000


def line(text: str, *, interruptible: bool = True) -> Line:
    return Line(text=text, key=None, interruptible=interruptible, node="n")


def sent(playback: Playback, *lines: Line, seconds: float = 2.0, now_s: float = 0.0) -> None:
    for each in lines:
        playback.sent(each, round(seconds * SECOND), now_s)
        each.all_sent = True


def test_the_floor_follows_the_line_that_is_being_played() -> None:
    playback = Playback()
    first, second = line("One.", interruptible=False), line("Two?")
    floors = [playback.floor]
    playback.queue([first, second])
    floors.append(playback.floor)
    sent(playback, first, second)
    assert playback.marked(first.mark, 2.1) == [first]
    floors.append(playback.floor)
    assert playback.marked(second.mark, 4.2) == [second]
    floors.append(playback.floor)
    assert floors == [Floor.QUIET, Floor.PROTECTED, Floor.OPEN, Floor.QUIET]
    assert (first.starts_s, first.ended_s) == (0.0, 2.1)
    assert (second.starts_s, second.ended_s) == (2.1, 4.2)
    assert playback.heard_text == "One. Two?"


def test_a_cut_keeps_the_words_that_were_played_to_their_end() -> None:
    playback = Playback()
    first, second = line("Hello there."), line("How satisfied are you with us?")
    playback.queue([first, second])
    sent(playback, first, second, seconds=3.0)
    playback.marked(first.mark, 3.0)
    (cut,) = playback.cut(4.5)
    assert cut.line is second
    assert cut.heard_fraction == 0.5
    assert cut.heard_text == "How satisfied"
    assert playback.heard_text == "Hello there. How satisfied"
    assert playback.floor is Floor.QUIET


def test_where_the_vendor_aligned_its_audio_the_words_are_those_that_had_sounded() -> None:
    playback = Playback()
    slow_start = line("Well then, how are you?")
    # "Well" is drawn out over two of the three seconds.
    slow_start.ends_ms = [*range(500, 2001, 500), *range(2050, 2951, 50)]
    playback.queue([slow_start])
    sent(playback, slow_start, seconds=3.0)
    assert slow_start.heard_text(1.9) == ""
    assert slow_start.heard_text(2.0) == "Well"
    assert slow_start.heard_text(2.4) == "Well then,"
    (cut,) = playback.cut(2.96)
    assert cut.heard_text == "Well then, how are you?"


def test_what_was_never_begun_was_not_heard() -> None:
    playback = Playback()
    first, second = line("Hello there."), line("How are you?")
    playback.queue([first, second])
    sent(playback, first, second)
    cuts = playback.cut(1.0)
    assert [cut.heard_fraction for cut in cuts] == [0.5, 0.0]
    assert cuts[1].heard_text == ""


def test_the_length_of_an_unfinished_synthesis_is_guessed_by_its_letters() -> None:
    playback = Playback()
    long = line("x" * 70)  # about five seconds
    playback.queue([long])
    playback.sent(long, 1 * SECOND, 10.0)
    (cut,) = playback.cut(20.0)
    assert cut.heard_fraction == pytest.approx(0.2)


def test_marks_of_before_a_cut_are_ignored() -> None:
    playback = Playback()
    old = line("Old.")
    playback.queue([old])
    sent(playback, old)
    playback.cut(1.0)
    new = line("New.")
    playback.queue([new])
    sent(playback, new, now_s=1.1)
    assert new.mark != old.mark
    assert playback.marked(old.mark, 1.2) == []
    assert playback.lines == (new,)
    assert new.starts_s == 1.1


def test_a_mark_speaks_for_the_lines_before_it() -> None:
    playback = Playback()
    first, second, third = line("One."), line("Two."), line("Three.")
    playback.queue([first, second, third])
    sent(playback, first, second, third)
    assert playback.marked(second.mark, 4.0) == [first, second]
    assert playback.lines == (third,)
    assert playback.marked("unheard of", 5.0) == []


def test_lines_whose_marks_are_lost_are_over_after_a_while() -> None:
    playback = Playback()
    first, second = line("One."), line("Two.")
    playback.queue([first, second])
    sent(playback, first, second)
    assert playback.overdue(3.9, grace_s=2.0) == []
    assert playback.overdue(4.0, grace_s=2.0) == [first]
    assert first.ended_s == 2.0
    assert playback.overdue(6.0, grace_s=2.0) == [second]


def test_a_line_that_is_still_being_sent_is_not_overdue() -> None:
    playback = Playback()
    slow = line("One.")
    playback.queue([slow])
    playback.sent(slow, 100, 0.0)
    assert playback.overdue(60.0, grace_s=2.0) == []


def test_each_answer_counts_its_own_heard_text() -> None:
    playback = Playback()
    first = line("One.")
    playback.queue([first])
    sent(playback, first)
    playback.marked(first.mark, 2.0)
    playback.queue([line("Two.")])
    assert playback.heard_text == ""


@given(st.lists(st.text("ab c", min_size=1, max_size=20), min_size=1, max_size=5), st.floats(0, 20))
def test_heard_text_is_a_beginning_of_what_was_said(texts: list[str], now_s: float) -> None:
    playback = Playback()
    lines = [line(text) for text in texts]
    playback.queue(lines)
    sent(playback, *lines, seconds=1.0)
    for number, each in enumerate(lines, start=1):
        if number <= now_s:
            playback.marked(each.mark, float(number))
    cuts = playback.cut(now_s)
    assert " ".join(texts).startswith(playback.heard_text)
    fractions = [cut.heard_fraction for cut in cuts]
    assert fractions == sorted(fractions, reverse=True)
    assert all(0.0 <= fraction <= 1.0 for fraction in fractions)
