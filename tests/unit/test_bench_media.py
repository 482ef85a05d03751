"""How the media bench counts: a listener's waits, and the search for the most calls."""

from array import array

from dialer.bench_media import Step, most_calls
from dialer.bench_media_load import lateness, waits


def test_a_listener_waits_for_a_late_sound_once_and_for_no_answer() -> None:
    sounds = [(0.0, 0.02), (0.02, 0.02), (0.07, 0.02), (0.09, 0.02), (5.0, 0.02), (5.02, 0.02)]
    assert [round(late, 3) for late in waits(sounds, 0.0, 9.0)] == [0.0, 0.0, 0.03, 0.0, 0.0]


def test_sound_that_is_there_early_is_not_late() -> None:
    assert waits([(0.0, 1.0), (0.01, 1.0), (0.02, 1.0)], 0.0, 9.0)[1:] == [0.0, 0.0]


def test_a_frame_that_was_never_handled_is_late_for_ever() -> None:
    sent = {"MZ1": array("d", [1.0, 1.02, 1.04])}
    told = lateness(sent, {"MZ1": {"in": [1.001, 1.021], "out": []}}, 0.0, 2.0)
    assert (told["frames"], told["missing"], told["in_ms"]) == (3, 1, float("inf"))


def found(limit: int, first: int) -> tuple[int, list[int]]:
    tried = []

    def measure(calls: int) -> Step:
        tried.append(calls)
        return Step(calls, 1.0 if calls <= limit else 99.0, 0.0, calls, 0.5)

    return most_calls(measure, first).calls, tried


def test_the_most_calls_are_sought_upwards_then_downwards() -> None:
    assert found(130, 80) == (125, [80, 100, 125, 156, 156])
    assert found(60, 80) == (51, [80, 80, 64, 64, 51])
    assert found(0, 2)[0] == 0


def test_one_spoiled_measurement_spoils_nothing() -> None:
    spoiled = iter([True])

    def measure(calls: int) -> Step:
        late = next(spoiled, False) or calls > 100
        return Step(calls, 50.0 if late else 1.0, 0.0, calls, 0.5)

    assert most_calls(measure, 80).calls == 100
