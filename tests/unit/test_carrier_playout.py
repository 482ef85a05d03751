"""The playout buffer: 20 ms at a time, marks where they were put."""

from hypothesis import given
from hypothesis import strategies as st

from dialer.simulator.playout import Playout


def drain(playout: Playout) -> bytes:
    """Everything still to be played, without the silence that fills up a broken end."""
    out = b""
    while not playout.empty:
        out += playout.frame() or b""
    return out


@given(st.lists(st.binary(min_size=1, max_size=2000), max_size=12))
def test_any_chunk_sizes_are_played_whole_and_in_order(chunks: list[bytes]) -> None:
    playout = Playout()
    for chunk in chunks:
        playout.write(chunk)
    whole = b"".join(chunks)
    played = drain(playout)
    assert played[: len(whole)] == whole
    assert played[len(whole) :] == b"\xff" * (len(played) - len(whole))
    assert len(played) - len(whole) < 160
    assert playout.played == len(whole)


@given(st.lists(st.integers(1, 900), min_size=1, max_size=8))
def test_a_mark_comes_back_when_everything_before_it_was_played(sizes: list[int]) -> None:
    playout = Playout()
    for number, size in enumerate(sizes):
        playout.write(b"x" * size)
        playout.mark(str(number))
    written, back = 0, []
    ends = [sum(sizes[: number + 1]) for number in range(len(sizes))]
    while not playout.empty:
        playout.frame()
        for name in playout.due():
            written = playout.played
            assert ends[int(name)] <= written
            back.append(name)
    assert back == [str(number) for number in range(len(sizes))]


def test_a_mark_on_an_empty_buffer_is_due_at_once() -> None:
    playout = Playout()
    playout.mark("now")
    assert playout.has_due
    assert playout.due() == ["now"]
    assert not playout.has_due


def test_clear_drops_the_sound_and_returns_the_marks() -> None:
    playout = Playout()
    playout.write(b"x" * 1600)
    playout.mark("one")
    playout.write(b"y" * 1600)
    playout.mark("two")
    playout.frame()
    assert playout.clear() == ["one", "two"]
    assert playout.frame() is None
    playout.write(b"z" * 160)
    assert playout.frame() == b"z" * 160


def test_a_broken_frame_waits_for_its_rest() -> None:
    playout = Playout()
    playout.write(b"a" * 100)
    assert playout.frame() is None
    playout.write(b"a" * 60)
    assert playout.frame() == b"a" * 160


def test_a_broken_end_is_filled_up_after_a_while() -> None:
    playout = Playout()
    playout.write(b"a" * 100)
    frames = [playout.frame() for _ in range(3)]
    assert frames == [None, None, b"a" * 100 + b"\xff" * 60]


def test_what_was_written_last_can_be_taken_back_as_far_as_it_was_not_played() -> None:
    playout = Playout()
    playout.write(b"a" * 320)
    begins = playout.written
    playout.write(b"b" * 320)
    playout.take_back(begins)
    assert playout.written == begins
    assert [playout.frame(), playout.frame(), playout.frame()] == [b"a" * 160, b"a" * 160, None]
    playout.write(b"c" * 320)
    playout.frame()
    playout.take_back(begins)
    assert (playout.empty, playout.written, playout.played) == (True, 480, 480)
