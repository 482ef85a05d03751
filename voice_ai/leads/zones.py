"""Where a lead may be: every time zone and every state that its number, ZIP, state or row names.

An area code says where a number was handed out, not where the person is, and a state may have two
zones. Nothing is guessed: the sets are united, and the dialer must satisfy every member.
"""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import numpy.typing as npt
import phonenumbers
import polars as pl
from phonenumbers import timezone

from voice_ai.leads.nanp import CODES, area_code_states, area_code_zones
from voice_ai.leads.normalise import NATION
from voice_ai.leads.places import state_code, state_zones, time_zone, zip_states, zip_zones

Ids = npt.NDArray[np.int64]
_UNKNOWN_ZONE = "Etc/Unknown"
_ZIP = r"^(\d{3,9})(?:\.0+)?(?:[-\s]+\d{0,4})?$"


class NameSets:
    """Sets of names as small numbers, so that millions of unions are a handful of them."""

    def __init__(self) -> None:
        self._texts = [""]
        self._ids = {"": 0}
        self._unions: dict[tuple[int, int], int] = {}

    def id_of(self, names: Iterable[str]) -> int:
        text = ",".join(sorted(set(names)))
        if text not in self._ids:
            self._ids[text] = len(self._texts)
            self._texts.append(text)
        return self._ids[text]

    def index(self, table: dict[int, tuple[str, ...]]) -> Ids:
        """Set ids by area code or ZIP prefix."""
        ids = np.zeros(CODES, dtype=np.int64)
        for code, names in table.items():
            ids[code] = self.id_of(names)
        return ids

    def union(self, columns: Sequence[Ids]) -> Ids:
        """The id of the union of each row's sets."""
        key = columns[0]
        for column in columns[1:]:
            key = self._pairs(key, column)
        return key

    def texts(self, ids: Ids) -> pl.Series:
        """The members of each set, sorted and joined by commas; the empty set is empty text."""
        return pl.Series(self._texts)[ids]

    def _pairs(self, left: Ids, right: Ids) -> Ids:
        # A table over every pair of ids beats sorting the rows: there are few sets, many rows.
        width = len(self._texts)
        keys = left * width + right
        table = np.zeros(width * width, dtype=np.int64)
        table[keys] = 1
        used = np.flatnonzero(table)
        table[used] = [self._pair(*divmod(key, width)) for key in used.tolist()]
        united: Ids = table[keys]
        return united

    def _pair(self, left: int, right: int) -> int:
        if (left, right) not in self._unions:
            names = f"{self._texts[left]},{self._texts[right]}".split(",")
            self._unions[left, right] = self.id_of(filter(None, names))
        return self._unions[left, right]


class Whereabouts:
    """Candidate zones and states of the rows of one file."""

    def __init__(self) -> None:
        self.zones, self.states = NameSets(), NameSets()
        self._zones_by_area = self.zones.index(area_code_zones())
        self._states_by_area = self.states.index(area_code_states())
        self._zones_by_zip = self.zones.index(zip_zones())
        self._states_by_zip = self.states.index(zip_states())

    def of_numbers(self, e164: pl.Series) -> tuple[Ids, Ids]:
        """Zone and state sets that the numbers themselves tell."""
        numbers = e164.to_numpy()
        area = np.where(numbers // NATION == 1, numbers % NATION // 10_000_000, 0)
        zones, states = self._zones_by_area[area], self._states_by_area[area]
        for row in np.flatnonzero(zones == 0).tolist():
            zones[row] = self.zones.id_of(_zones_of(int(numbers[row])))
        return zones, states

    def of_rows(
        self,
        numbers: tuple[Ids, Ids],
        *,
        zips: pl.Series | None,
        states: pl.Series | None,
        timezones: pl.Series | None,
    ) -> tuple[Ids, Ids]:
        """Zone and state sets of the leads: the numbers' and all that the row says."""
        zone_sets, state_sets = [numbers[0]], [numbers[1]]
        if zips is not None:
            prefix = zips.str.slice(0, 3).cast(pl.Int64, strict=False).fill_null(0).to_numpy()
            zone_sets.append(self._zones_by_zip[prefix])
            state_sets.append(self._states_by_zip[prefix])
        if states is not None:
            codes = mapped(states, state_code)
            zone_sets.append(_ids(codes, lambda code: self.zones.id_of(state_zones()[code])))
            state_sets.append(_ids(codes, lambda code: self.states.id_of([code])))
        if timezones is not None:
            zone_sets.append(
                _ids(mapped(timezones, time_zone), lambda zone: self.zones.id_of([zone]))
            )
        return self.zones.union(zone_sets), self.states.union(state_sets)


def repaired_zips(raw: pl.Series) -> pl.Series:
    """Five-digit ZIPs: +4 cut off, leading zeros that a spreadsheet ate put back, others None."""
    text = raw.cast(pl.String).str.strip_chars(" \t'\"=")
    odd = text.str.len_bytes() != 5
    if odd.any():
        rows = np.flatnonzero(odd.fill_null(value=False).to_numpy())
        text = text.scatter(rows, text[rows].str.extract(_ZIP, 1))
    digits = text
    length = digits.str.len_bytes()
    five = (
        pl.when(length.is_in([3, 4, 5]))
        .then(digits.str.zfill(5))
        .when(length.is_in([8, 9]))
        .then(digits.str.zfill(9).str.slice(0, 5))
    )
    known = pl.Series(sorted(zip_states()), dtype=pl.Int64)
    zips = pl.select(five.alias("zip"))
    number = pl.col("zip").cast(pl.Int64, strict=False)
    return zips.select(pl.when((number // 100).is_in(known.implode())).then("zip"))["zip"]


def mapped(values: pl.Series, rule: Callable[[str], str | None]) -> pl.Series:
    """The rule's answer for each value; it is asked once per distinct value."""
    distinct = values.cast(pl.String).unique().drop_nulls()
    answers = pl.DataFrame(
        {"value": distinct, "answer": [rule(value) for value in distinct]},
        schema={"value": pl.String, "answer": pl.String},
    )
    rows = pl.DataFrame({"value": values.cast(pl.String)})
    return rows.join(answers, on="value", how="left", maintain_order="left")["answer"]


def _ids(names: pl.Series, id_of: Callable[[str], int]) -> Ids:
    distinct = names.unique().drop_nulls().to_list()
    ids = pl.DataFrame(
        {"name": distinct, "id": [id_of(name) for name in distinct]},
        schema={"name": pl.String, "id": pl.Int64},
    )
    rows = pl.DataFrame({"name": names})
    return (
        rows.join(ids, on="name", how="left", maintain_order="left")["id"].fill_null(0).to_numpy()
    )


def _zones_of(number: int) -> list[str]:
    """What `phonenumbers` knows of a number outside of the tabled area codes."""
    parsed = phonenumbers.parse(f"+{number}")
    return [zone for zone in timezone.time_zones_for_number(parsed) if zone != _UNKNOWN_ZONE]
