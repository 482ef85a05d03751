"""Where a lead may be: every candidate, none guessed away."""

from zoneinfo import available_timezones

import polars as pl
import pytest
from phonenumbers import PhoneNumber
from phonenumbers.timezone import time_zones_for_number

from voice_ai.leads.nanp import area_code_states, area_code_zones, plan, table
from voice_ai.leads.places import (
    country_code,
    state_code,
    state_zones,
    time_zone,
    zip_states,
    zip_zones,
)
from voice_ai.leads.zones import Whereabouts, repaired_zips


def zones_and_states(number: int, **row: str) -> tuple[set[str], set[str]]:
    places = Whereabouts()
    found = places.of_numbers(pl.Series([number]))
    columns = {name: pl.Series([value]) for name, value in row.items()}
    zones, states = places.of_rows(
        found,
        zips=columns.get("zips"),
        states=columns.get("states"),
        timezones=columns.get("timezones"),
    )
    return (
        set(places.zones.texts(zones)[0].split(",")) - {""},
        set(places.states.texts(states)[0].split(",")) - {""},
    )


@pytest.mark.parametrize(
    ("area", "zones"),
    [
        (850, {"America/New_York", "America/Chicago"}),
        (448, {"America/New_York", "America/Chicago"}),  # overlays 850
        (812, {"America/New_York", "America/Chicago"}),
        (906, {"America/New_York", "America/Chicago"}),
        (541, {"America/Los_Angeles", "America/Denver"}),
        (205, {"America/Chicago"}),
        (808, {"Pacific/Honolulu"}),
    ],
)
def test_split_area_codes_give_every_zone(area: int, zones: set[str]) -> None:
    assert zones_and_states(10_000_000_000 + area * 10_000_000 + 2_345_678)[0] == zones


def test_library_never_knows_a_zone_that_the_area_code_lacks() -> None:
    for area in plan().geographic.nonzero()[0].tolist():
        for exchange in range(200, 1000, 23):
            number = PhoneNumber(
                country_code=1, national_number=area * 10_000_000 + exchange * 10_000 + 1234
            )
            assert set(time_zones_for_number(number)) <= set(area_code_zones()[area])


def test_every_geographic_area_code_has_a_state() -> None:
    assert set(plan().geographic.nonzero()[0].tolist()) <= set(area_code_states())


def test_number_zip_and_state_that_disagree_are_united() -> None:
    zones, states = zones_and_states(12125551234, zips="90210", states="Texas")
    assert zones == {
        "America/New_York",
        "America/Los_Angeles",
        "America/Chicago",
        "America/Denver",
    }
    assert states == {"NY", "CA", "TX"}


def test_zone_of_the_file_is_one_more_candidate() -> None:
    assert zones_and_states(12125551234, timezones="Pacific")[0] == {
        "America/New_York",
        "America/Los_Angeles",
    }


def test_foreign_numbers_have_the_zones_of_their_country() -> None:
    assert zones_and_states(442079460958) == ({"Europe/London"}, set())


def test_reservation_that_keeps_another_time_has_both() -> None:
    assert {"America/Phoenix", "America/Denver"} <= set(zip_zones()[865])


@pytest.mark.parametrize(
    ("written", "repaired"),
    [
        ("35957", "35957"),
        ("2138", "02138"),
        ("601", "00601"),
        ("02138-1234", "02138"),
        ("021381234", "02138"),
        ("21381234", "02138"),
        ("2138.0", "02138"),
        ("35957 ", "35957"),
        ("00001", None),
        ("K1A 0B1", None),
        ("", None),
        (None, None),
        ("12", None),
    ],
)
def test_zip_repair(written: str | None, repaired: str | None) -> None:
    assert repaired_zips(pl.Series([written], dtype=pl.String)).to_list() == [repaired]


def test_tables_name_real_places_only() -> None:
    zones = {zone for listed in state_zones().values() for zone in listed}
    assert zones <= available_timezones()
    codes = set(state_zones())
    assert {state for states in area_code_states().values() for state in states} <= codes
    assert {state for states in zip_states().values() for state in states} <= codes
    assert len(table("places")) == len(codes) == 59 + 13


def test_every_state_is_reached_by_an_area_code_and_a_zip() -> None:
    american = {row["code"] for row in table("places") if row["country"] == "US"}
    assert american <= {state for states in zip_states().values() for state in states} | {"AS"}
    armed_forces = {"AA", "AE", "AP"}
    assert american - armed_forces <= {s for states in area_code_states().values() for s in states}


def test_places_are_understood_as_people_write_them() -> None:
    assert [state_code(text) for text in ("ny", "N.Y.", " New  York ", "Quebec", "XX")] == [
        "NY",
        "NY",
        "NY",
        "QC",
        None,
    ]
    assert [time_zone(text) for text in ("EST", "US/Pacific", "america/chicago", "Mars", "")] == [
        "America/New_York",
        "America/Los_Angeles",
        "America/Chicago",
        None,
        None,
    ]
    assert [country_code(text) for text in ("USA", "canada", "gb", "Utopia")] == [
        "US",
        "CA",
        "GB",
        None,
    ]
