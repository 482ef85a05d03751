"""Every code of the ledger has words, and what is not known is not said."""

from datetime import UTC, datetime, timedelta

from voice_ai.compliance import Reason
from voice_ai.day_parts import Window
from voice_ai.standing import forecast, local_time, reason_words

NOW = datetime(2026, 11, 24, 19, tzinfo=UTC)


def test_every_reason_has_words() -> None:
    silent = [code for code in Reason if reason_words(code) == code.replace("_", " ").lower()]
    assert silent == []
    both = reason_words("HOURS_CLOSED+FREQ_GAP")
    assert both.count(" and ") == 1
    assert reason_words("AFTER:no_answer") == "tried again after no answer"
    assert reason_words("A_RULE_OF_TOMORROW") == "a rule of tomorrow"


def test_a_place_that_is_not_known_has_no_clock_of_its_own() -> None:
    assert local_time(NOW, ()) == "Tue 24 Nov 19:00 UTC"
    assert local_time(NOW, ("America/New_York",)) == "Tue 24 Nov 14:00 (America/New_York)"
    assert "one of 2 possible zones" in local_time(NOW, ("America/New_York", "America/Chicago"))


def test_a_forecast_without_a_window_or_a_pace_gives_no_date() -> None:
    known = {"dials": 60, "ready": 10, "dials_of_ready": 0, "done": 30, "dials_of_done": 60}
    hour = timedelta(hours=1)
    told = forecast(**known, running=hour, zones=(), window=Window(), now=NOW, last_at=None)
    assert (told.dials_an_hour, told.dials_left, told.done_at) == (60, 20, None)
    slow = {**known, "dials": 9}
    zones = ("America/New_York",)
    none = forecast(**slow, running=hour, zones=zones, window=Window(), now=NOW, last_at=None)
    assert (none.dials_an_hour, none.done_at) == (None, None)
    last = NOW + timedelta(days=3)
    late = forecast(**known, running=hour, zones=zones, window=Window(), now=NOW, last_at=last)
    assert late.done_at == last
