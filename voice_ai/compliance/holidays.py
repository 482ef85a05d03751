"""Holidays on which a state forbids sales calls: the library's, and the pack's own days."""

from datetime import date
from functools import lru_cache

from voice_ai.compliance.rules import Calendar


def holiday_name(calendar: Calendar, day: date) -> str | None:
    """What the day is called in that calendar, None when it is an ordinary day."""
    return _year(calendar, day.year).get(day)


@lru_cache(maxsize=512)
def _year(calendar: Calendar, year: int) -> dict[date, str]:
    from holidays import country_holidays

    country, _, part = calendar.library.partition("-")
    found = country_holidays(country, subdiv=part or None, years=year)
    # A day that is kept in the week before may belong to the next year's first of January.
    days = {day: str(name) for day, name in found.items() if day.year == year}
    extra = ((extra.in_year(year), extra.name) for extra in calendar.add)
    return days | {day: name for day, name in extra if day is not None}


def is_holiday_somewhere(day: date) -> bool:
    """Whether any state that restricts calls on its holidays has one."""
    from voice_ai.compliance.packs import built_in

    calendars = built_in().calendars.values()
    return any(holiday_name(calendar, day) is not None for calendar in calendars)
