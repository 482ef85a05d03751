"""States, ZIP codes and the time zones in which they lie."""

import re
from functools import cache
from zoneinfo import available_timezones

from voice_ai.leads.nanp import table

UNITED_STATES = "US"
_CANADA_NAMES = {"canada", "can"}
_US_NAMES = {"united states", "united states of america", "usa", "u.s.", "u.s.a.", "america", "us"}
_ZONE_NAMES = {
    "eastern": "America/New_York",
    "central": "America/Chicago",
    "mountain": "America/Denver",
    "pacific": "America/Los_Angeles",
    "alaska": "America/Anchorage",
    "hawaii": "Pacific/Honolulu",
    "arizona": "America/Phoenix",
    "atlantic": "America/Puerto_Rico",
}
_ZONE_SHORT = {
    "et": "eastern",
    "est": "eastern",
    "edt": "eastern",
    "ct": "central",
    "cst": "central",
    "cdt": "central",
    "mt": "mountain",
    "mst": "mountain",
    "mdt": "mountain",
    "pt": "pacific",
    "pst": "pacific",
    "pdt": "pacific",
    "akst": "alaska",
    "akdt": "alaska",
    "hst": "hawaii",
    "ast": "atlantic",
}


@cache
def state_zones() -> dict[str, tuple[str, ...]]:
    """Every zone of a state or province; a state with two gives both."""
    return {row["code"]: tuple(row["zones"].split()) for row in table("places")}


@cache
def _state_names() -> dict[str, str]:
    names = {row["name"].lower(): row["code"] for row in table("places")}
    return names | {code.lower(): code for code in state_zones()}


def state_code(text: str | None) -> str | None:
    """The two-letter code of a state or province written in any usual way."""
    if text is None:
        return None
    plain = re.sub(r"[.\s]+", " ", text.strip().lower()).strip()
    return _state_names().get(plain) or _state_names().get(plain.replace(" ", ""))


@cache
def zip_states() -> dict[int, tuple[str, ...]]:
    """States by the first three digits of a ZIP."""
    return {
        prefix: tuple(row["states"].split())
        for row in table("zip3")
        for prefix in range(int(row["first"]), int(row["last"]) + 1)
    }


@cache
def zip_zones() -> dict[int, tuple[str, ...]]:
    """Every zone of every state of a ZIP prefix, and of the reservations that keep another."""
    kept = {
        prefix: row["zones"].split()
        for row in table("zip3")
        for prefix in range(int(row["first"]), int(row["last"]) + 1)
    }
    return {
        prefix: tuple(
            sorted({zone for state in states for zone in state_zones()[state]} | set(kept[prefix]))
        )
        for prefix, states in zip_states().items()
    }


def time_zone(text: str | None) -> str | None:
    """The IANA zone meant by a lead file's own word for it, None when it is not one."""
    if text is None or not text.strip():
        return None
    plain = re.sub(r"[\s_]+(standard|daylight)?\s*(time)?$", "", text.strip().lower()).strip()
    plain = plain.removeprefix("us/")
    known = _ZONE_NAMES.get(_ZONE_SHORT.get(plain, plain))
    if known is not None:
        return known
    return _iana_names().get(text.strip().lower().replace(" ", "_"))


@cache
def _iana_names() -> dict[str, str]:
    return {name.lower(): name for name in available_timezones() if "/" in name}


def country_code(text: str | None) -> str | None:
    """ISO 3166-1 alpha-2, None when the text is not a country known here."""
    from phonenumbers import SUPPORTED_REGIONS

    plain = (text or "").strip()
    if plain.lower() in _US_NAMES:
        return UNITED_STATES
    if plain.lower() in _CANADA_NAMES:
        return "CA"
    return plain.upper() if plain.upper() in SUPPORTED_REGIONS else None
