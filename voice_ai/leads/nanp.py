"""Area codes of the North American plan, derived from the metadata that `phonenumbers` ships.

Nearly all of its geographic numbers follow one shape, `area code + [2-9]\\d{6}`. The area codes
that follow it are read out of the patterns themselves, so that the vectorised path accepts exactly
what `phonenumbers` accepts, and everything else is left to the library.
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
import numpy.typing as npt
import phonenumbers
import polars as pl
from phonenumbers import PhoneMetadata

CODES = 1000
_SUBSCRIBER = r"[2-9]\d{6}"
_PLAIN_COUNTRIES = ("US", "CA", "PR")
_TERRITORIES = {"PR", "VI", "GU", "AS", "MP"}


@dataclass(frozen=True)
class Plan:
    """What the first three digits of a ten-digit number say; arrays are indexed by area code.

    `geographic` and `toll_free` hold only where the fourth digit is 2 to 9.
    """

    geographic: npt.NDArray[np.bool_]
    toll_free: npt.NDArray[np.bool_]
    country: pl.Series


@cache
def plan() -> Plan:
    geographic, toll_free = (np.zeros(CODES, dtype=np.bool_) for _ in range(2))
    country: list[str | None] = [None] * CODES
    for region in _PLAIN_COUNTRIES:
        for code in _whole_codes(_pattern(region, "fixed_line")):
            geographic[code], country[code] = True, country_of(region)
        for code in _whole_codes(_pattern(region, "toll_free")):
            toll_free[code] = True
    return Plan(geographic, toll_free, pl.Series(country, dtype=pl.String))


def country_of(region: str | None) -> str | None:
    """The country whose law holds: the territories of the United States are in it."""
    return "US" if region in _TERRITORIES else region


def _pattern(region: str, kind: str) -> str:
    described = getattr(PhoneMetadata.metadata_for_region(region, None), kind, None)
    return getattr(described, "national_number_pattern", None) or ""


def _whole_codes(pattern: str) -> list[int]:
    """Area codes that one alternative of the pattern takes with any subscriber number."""
    heads = [
        alternative.removesuffix(_SUBSCRIBER)
        for alternative in _alternatives(pattern)
        if alternative.endswith(_SUBSCRIBER)
    ]
    return [
        code
        for code in range(200, CODES)
        if any(re.fullmatch(head, str(code)) is not None for head in heads)
    ]


def _alternatives(pattern: str) -> Iterator[str]:
    """The parts between the bars that are outside of every bracket."""
    depth, start = 0, 0
    for at, sign in enumerate(pattern):
        depth += (sign in "([") - (sign in ")]")
        if sign == "|" and depth == 0:
            yield pattern[start:at]
            start = at + 1
    yield pattern[start:]


@cache
def area_code_zones() -> dict[int, tuple[str, ...]]:
    """Every zone of every longer prefix under an area code, and of the code that it overlays."""
    from phonenumbers.tzdata import TIMEZONE_DATA

    zones: dict[int, set[str]] = {}
    for prefix, names in TIMEZONE_DATA.items():
        if prefix.startswith("1") and len(prefix) > 3:
            zones.setdefault(int(prefix[1:4]), set()).update(names)
    for code, overlaid in _overlays().items():
        zones.setdefault(code, set()).update(zones.get(overlaid, ()))
    return {code: tuple(sorted(names)) for code, names in zones.items()}


@cache
def area_code_states() -> dict[int, tuple[str, ...]]:
    return {int(row["code"]): tuple(row["states"].split()) for row in table("area_codes")}


def place_of(e164: str) -> tuple[str | None, tuple[str, ...]]:
    """Country and, for a number of the plan, every state of its area code; None when unknown."""
    number = phonenumbers.parse(e164)
    country = country_of(phonenumbers.region_code_for_number(number))
    states = area_code_states().get(int(e164[2:5]), ()) if e164.startswith("+1") else ()
    return country, states


def _overlays() -> dict[int, int]:
    return {
        int(row["code"]): int(row["overlays"]) for row in table("area_codes") if row["overlays"]
    }


def table(name: str) -> list[dict[str, str]]:
    """The rows of one of the small tables beside this module."""
    text = (files("voice_ai.leads") / f"{name}.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
