"""The moment that somebody names for another call ("tomorrow at three", "in half an hour").

Careful rather than clever: words that name no time of day, or several, or a past one, are no
agreement, and the lead then follows the rule for callbacks without a time.
"""

import re
from datetime import UTC, datetime, time, timedelta

_COUNTED = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven")
_NUMBERS = {word: value for value, word in enumerate((*_COUNTED, "twelve"), start=1)} | {
    "a": 1,
    "an": 1,
    "fifteen": 15,
    "twenty": 20,
    "thirty": 30,
    "couple of": 2,
    "couple": 2,
}
_NUMBER = "|".join(sorted(_NUMBERS, key=len, reverse=True)) + r"|\d{1,3}"
_UNITS = {"minute": timedelta(minutes=1), "min": timedelta(minutes=1), "hour": timedelta(hours=1)}
_DAYS = {"day": 1, "week": 7}
# Nobody means what lies farther off; it was misheard.
_FARTHEST = timedelta(days=60)
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_IN = re.compile(rf"\bin (half )?(?:about )?(a |)({_NUMBER}) (minute|min|hour|day|week)s?\b")
_CLOCK = re.compile(
    rf"\b(?:at|around|about|after|by) ({_NUMBER})(?: (thirty|fifteen|forty five|\d\d))?"
    r"(?: ?([ap]) ?m\b| o ?clock\b)?"
)
_MINUTES = {"thirty": 30, "fifteen": 15, "forty five": 45}
# What people mean when they name a part of the day; the order decides ("after lunch").
_PARTS = (
    ("after lunch", time(13, 30)),
    ("lunch", time(12, 0)),
    ("afternoon", time(15, 0)),
    ("noon", time(12, 0)),
    ("morning", time(10, 0)),
    ("evening", time(18, 30)),
    ("tonight", time(18, 30)),
)
_LATE = re.compile(r"\b(?:afternoon|evening|tonight|night)\b")


def time_named(words: str, now: datetime) -> datetime | None:
    """The moment, by the clock of `now` (the person's own); None when the words leave it open.

    `words` are plain: lower case, no punctuation, as `find_when` gives them.
    """
    at = _named(words, now)
    return at if at is not None and now < at < now + _FARTHEST else None


def _named(words: str, now: datetime) -> datetime | None:
    said = " ".join(words.lower().split())
    soon = _IN.search(said)
    if soon is not None:
        return _in_a_while(soon, said, now)
    days, clock = _days_named(said, now), _clock_named(said)
    if clock is None or len(days) > 1:
        return None
    at = now.replace(hour=clock.hour, minute=clock.minute, second=0, microsecond=0)
    if days:
        return at + timedelta(days=days[0])
    return at if at > now else at + timedelta(days=1)


def _in_a_while(found: re.Match[str], said: str, now: datetime) -> datetime | None:
    half, _, count, unit = found.groups()
    value = _value(count)
    if unit in _DAYS:
        clock = _clock_named(said) or now.time()
        at = now + timedelta(days=value * _DAYS[unit])
        return at.replace(hour=clock.hour, minute=clock.minute, second=0, microsecond=0)
    wait = _UNITS[unit] * value
    # Through UTC: an hour is an hour, also in the night when clocks change.
    later = now.astimezone(UTC) + (wait / 2 if half else wait)
    return later.astimezone(now.tzinfo)


def _days_named(said: str, now: datetime) -> list[int]:
    """Every day that is named, in days from today."""
    days = [
        (place - now.weekday() - 1) % 7 + 1
        for place, day in enumerate(_WEEKDAYS)
        if re.search(rf"\b{day}\b", said)
    ]
    if "tomorrow" in said:
        days.append(1)
    if re.search(r"\b(?:today|tonight|this (?:after|morn|even)\w*)\b", said):
        days.append(0)
    return days


def _clock_named(said: str) -> time | None:
    clocks = list(_CLOCK.finditer(said))
    if len(clocks) > 1:
        return None
    if not clocks:
        return next((at for word, at in _PARTS if word in said), None) or _whole_day(said)
    hour_said, minute_said, half = clocks[0].groups()
    hour = _value(hour_said)
    minute = 0 if minute_said is None else _MINUTES.get(minute_said, _digits(minute_said))
    if not 1 <= hour <= 23 or minute > 59:
        return None
    if hour <= 12:
        hour = _of_the_day(hour, half, late=_LATE.search(said) is not None)
    return time(hour, minute)


def _of_the_day(hour: int, half: str | None, *, late: bool) -> int:
    """Without a.m. or p.m., people mean an hour at which they would be called."""
    if half is None:
        half = "p" if hour < 8 or hour == 12 or late else "a"
    return hour % 12 + (12 if half == "p" else 0)


def _whole_day(said: str) -> time | None:
    """ "Tomorrow", "on Friday": a day is a promise too; it begins in the morning."""
    named = "tomorrow" in said or any(day in said for day in _WEEKDAYS)
    return time(10, 0) if named and "night" not in said else None


def _value(word: str) -> int:
    return _NUMBERS.get(word) or _digits(word)


def _digits(word: str) -> int:
    return int(word) if word.isdigit() else 0
