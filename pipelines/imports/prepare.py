"""A judged batch made ready for the database: fingerprinted, sealed, packed."""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import add
from uuid import UUID

import numpy as np
import polars as pl

from pipelines.imports import copy_rows as pack
from pipelines.imports.mapping import Guess, masked
from voice_ai.leads.judge import Judged, explained
from voice_ai.vault import NONCE_BYTES, Keyring

# What is the same in many rows comes first: it is packed once for all of them.
LEAD_COLUMNS = (
    "list_id, run_id, created_at, country, zones, states, external_id_fingerprint, number_id,"
    " line, position, person_sealed"
)
NUMBER_COLUMNS = (
    "key_id, created_at, country, line_type, zones, states, person_key, fingerprint, number_sealed"
)
REJECT_COLUMNS = "run_id, line, field, reason, explanation, value_masked, value_sealed"
FINGERPRINT_BYTES = 32
_NOT_PERSONAL = {"phone", "country", "timezone", "do_not_call"}
_JUDGED = ("phone", "country", "state", "zip", "timezone", "do_not_call")


@dataclass(frozen=True)
class Known:
    """A number that the database has already."""

    id: int
    erased: bool
    on_list: bool


Lookup = Callable[[list[bytes]], dict[bytes, Known]]


@dataclass(frozen=True)
class Sealed:
    """Values encrypted: their nonces, end to end, and their ciphertexts."""

    nonces: bytes
    ciphertexts: list[bytes]

    def __len__(self) -> int:
        return len(self.ciphertexts)

    def beginnings(self) -> pack.Octets:
        """The packed column as far as the nonces; the ciphertexts follow."""
        nonces = np.frombuffer(self.nonces, dtype=np.uint8).reshape(-1, NONCE_BYTES)
        return pack.beginnings(pack.sizes(self.ciphertexts) + NONCE_BYTES, nonces)

    def whole(self) -> list[bytes]:
        starts = range(0, len(self.nonces), NONCE_BYTES)
        nonces = (self.nonces[at : at + NONCE_BYTES] for at in starts)
        return list(map(add, nonces, self.ciphertexts))


@dataclass(frozen=True)
class NewNumbers:
    """Numbers to be added, by ascending fingerprint.

    `places` has country, line_type, zones and states (comma-joined) of each.
    """

    fingerprints: pack.Octets
    sealed: Sealed
    person_keys: pack.Octets
    places: pl.DataFrame

    def __len__(self) -> int:
        return len(self.sealed)

    def packed(self, key_id: str, now: datetime) -> bytearray:
        """Rows of NUMBER_COLUMNS."""
        head = pack.field_count(9) + pack.text(key_id) + pack.moment(now)
        places = _Places.of(self.places, lambda *place: head + _packed_place(*place))
        keys, prints = pack.byteas(self.person_keys), pack.byteas(self.fingerprints)
        middles = pack.side_by_side(keys, prints, self.sealed.beginnings())
        return pack.rows(places.each(), middles, self.sealed.ciphertexts)


@dataclass(frozen=True)
class NewLeads:
    """Leads without the ids of their numbers; `places` has country, zones and states."""

    lines: pack.Ints
    places: pl.DataFrame
    own_ids: list[bytes] | None
    persons: Sealed

    def packed(self, head: bytes, base: int) -> pack.Rows:
        """Rows of LEAD_COLUMNS; `head` is what they have in common, up to created_at."""
        places = _Places.of(self.places, lambda *place: head + _packed_whereabouts(*place))
        own_ids = [pack.NULL] * len(self) if self.own_ids is None else self.own_ids
        unknown, lines = np.zeros_like(self.lines), self.lines
        columns = [pack.bigints(values) for values in (unknown, lines, lines + base)]
        middles = pack.side_by_side(*columns, self.persons.beginnings())
        before = places.sizes() + pack.sizes(own_ids)
        lengths = before + pack.sizes(middles) + pack.sizes(self.persons.ciphertexts)
        starts = np.cumsum(lengths) - lengths
        return pack.Rows(
            pack.rows(places.each(), own_ids, middles, self.persons.ciphertexts),
            starts + before + pack.LENGTH_BYTES,
        )

    def __len__(self) -> int:
        return len(self.persons)


@dataclass(frozen=True)
class PreparedBatch:
    """`numbers` belong, one by one, to `new_leads`, and `old_ids` to `old_leads`."""

    rows: int
    numbers: NewNumbers
    new_leads: NewLeads
    old_ids: pack.Ints
    old_leads: NewLeads
    rejects: pl.DataFrame
    notes: Counter[str]
    do_not_call: list[int]


class Preparer:
    """Everything about a batch that needs no transaction."""

    def __init__(
        self, keyring: Keyring, headers: Sequence[str], guesses: Sequence[Guess], lookup: Lookup
    ) -> None:
        self._keyring = keyring
        self._lookup = lookup
        columns = {guess.field: f"c{list(headers).index(guess.column)}" for guess in guesses}
        self.fields = columns
        self._attributes = {
            header: name
            for at, header in enumerate(headers)
            if (name := f"c{at}") not in columns.values()
        }

    def judged_columns(self, batch: pl.DataFrame) -> pl.DataFrame:
        """The columns that the judge wants, under their fields' names."""
        wanted = {field: name for field, name in self.fields.items() if field in _JUDGED}
        return batch.select("line", "overfull", **wanted)

    def prepare(self, batch: pl.DataFrame, judged: Judged) -> PreparedBatch:
        good = judged.accepted.with_columns(number=pl.format("+{}", "e164"))
        prints = self._keyring.fingerprints(good["number"].to_list())
        known = self._lookup(prints)
        table = np.frombuffer(b"".join(prints), dtype=np.uint8).reshape(-1, FINGERPRINT_BYTES)
        fresh, old, refused = _sorted_out(prints, table, known)
        added = good[fresh]
        return PreparedBatch(
            rows=len(batch),
            numbers=NewNumbers(
                table[fresh],
                self._sealed(added["number"].cast(pl.Binary)),
                _random_keys(len(added)),
                added.select("country", "line_type", "number_zones", "number_states"),
            ),
            new_leads=self._leads(batch, added),
            old_ids=np.array([known[prints[row]].id for row in old], dtype=np.int64),
            old_leads=self._leads(batch, good[old]),
            rejects=pl.concat([judged.rejects, self._late_rejects(batch, good, refused)]),
            notes=judged.notes,
            do_not_call=judged.do_not_call.to_list(),
        )

    def packed_rejects(self, rejects: pl.DataFrame, run_id: UUID) -> bytes:
        """Rows of REJECT_COLUMNS; the value is sealed, its outline is in clear."""
        head = pack.field_count(7) + pack.uuid(run_id)
        sealed = iter(
            self._keyring.encrypt_many(
                [value.encode() for value in rejects["value"].drop_nulls().to_list()]
            )
        )
        text, raw = pack.text, pack.raw
        return b"".join(
            head
            + pack.int8(line)
            + text(field)
            + text(reason)
            + text(explanation)
            + (pack.NULL * 2 if value is None else text(masked(value)) + raw(next(sealed)))
            for line, field, value, reason, explanation in rejects.iter_rows()
        )

    def _leads(self, batch: pl.DataFrame, good: pl.DataFrame) -> NewLeads:
        rows = batch[good["row"]]
        return NewLeads(
            lines=good["line"].to_numpy(),
            places=good.select("country", "zones", "states"),
            own_ids=self._own_ids(rows),
            persons=self._sealed(self._persons(rows, good)),
        )

    def _sealed(self, values: pl.Series) -> Sealed:
        return Sealed(*self._keyring.encrypt_apart(values.to_list()))

    def _own_ids(self, rows: pl.DataFrame) -> list[bytes] | None:
        """Packed fingerprints of the file's own ids; None when it has none."""
        if "external_id" not in self.fields:
            return None
        ids = rows[self.fields["external_id"]].str.strip_chars().to_list()
        prints = iter(self._keyring.fingerprints([own for own in ids if own is not None]))
        return [pack.NULL if own is None else pack.raw(next(prints)) for own in ids]

    def _persons(self, rows: pl.DataFrame, good: pl.DataFrame) -> pl.Series:
        """JSON of the personal fields and, under `attributes`, of every column without a field."""
        told = {
            field: pl.col(column).str.strip_chars()
            for field, column in self.fields.items()
            if field not in _NOT_PERSONAL
        }
        if "zip" in told:
            told["zip"] = pl.coalesce(good["zip"], told["zip"])
        if "name" not in told and ("first_name" in told or "last_name" in told):
            parts = [told[part] for part in ("first_name", "last_name") if part in told]
            told["name"] = pl.concat_str(parts, separator=" ", ignore_nulls=True)
        told["extension"] = pl.lit(good["extension"])
        if self._attributes:
            told["attributes"] = _struct(
                {header: pl.col(column) for header, column in self._attributes.items()}
            )
        return rows.select(person=_struct(told).struct.json_encode().cast(pl.Binary))["person"]

    def _late_rejects(
        self, batch: pl.DataFrame, good: pl.DataFrame, refused: dict[str, list[int]]
    ) -> pl.DataFrame:
        """Rows that only the database could refuse."""
        rows = [row for listed in refused.values() for row in listed]
        reasons = [reason for reason, listed in refused.items() for _ in listed]
        late = good[rows]
        return explained(
            pl.DataFrame(
                {
                    "line": late["line"],
                    "field": pl.Series(["phone"] * len(rows), dtype=pl.String),
                    "value": batch[late["row"]][self.fields["phone"]],
                    "reason": pl.Series(reasons, dtype=pl.String),
                    "first_line": pl.Series([None] * len(rows), dtype=pl.Int64),
                }
            )
        )


def _struct(columns: dict[str, pl.Expr]) -> pl.Expr:
    return pl.struct([column.alias(name) for name, column in columns.items()])


def _sorted_out(
    prints: list[bytes], table: pack.Octets, known: dict[bytes, Known]
) -> tuple[pack.Ints, pack.Ints, dict[str, list[int]]]:
    """Rows with a new number (by fingerprint), with a known one (by id), and the refused ones.

    Sorted, because a B-tree takes ascending keys several times faster.
    """
    refused: dict[str, list[int]] = {}
    if not known:
        return _by_fingerprint(table, np.arange(len(prints))), np.empty(0, np.int64), refused
    fresh: list[int] = []
    old: list[int] = []
    for row, fingerprint in enumerate(prints):
        number = known.get(fingerprint)
        if number is None:
            fresh.append(row)
        elif number.erased:
            refused.setdefault("erased", []).append(row)
        elif number.on_list:
            refused.setdefault("duplicate_in_list", []).append(row)
        else:
            old.append(row)
    old.sort(key=lambda row: known[prints[row]].id)
    return _by_fingerprint(table, np.array(fresh, np.int64)), np.array(old, np.int64), refused


def _by_fingerprint(table: pack.Octets, rows: pack.Ints) -> pack.Ints:
    firsts = table[:, :8].copy().view(">u8")[:, 0].astype(np.uint64)
    return rows[np.argsort(firsts[rows])]


def _random_keys(count: int) -> pack.Octets:
    """Version 4 UUIDs, 16 bytes a row; the database's own generator is far slower."""
    bits = np.frombuffer(os.urandom(16 * count), dtype=np.uint8).reshape(count, 16).copy()
    bits[:, 6] = bits[:, 6] & 0x0F | 0x40
    bits[:, 8] = bits[:, 8] & 0x3F | 0x80
    return bits


@dataclass(frozen=True)
class _Places:
    """The packed forms of few distinct places, and which of them each row has."""

    table: list[bytes]
    at: pack.Ints

    @classmethod
    def of(cls, places: pl.DataFrame, packed: Callable[..., bytes]) -> "_Places":
        key = pl.concat_str(pl.all().fill_null(""), separator="|").alias("key")
        keyed = places.with_columns(key)
        distinct = keyed.unique("key").with_row_index("at")
        at = keyed.join(distinct.select("key", "at"), on="key", how="left", maintain_order="left")
        table = [packed(*row[1:-1]) for row in distinct.iter_rows()]
        return cls(table, at["at"].to_numpy())

    def each(self) -> Iterable[bytes]:
        return map(self.table.__getitem__, self.at.tolist())

    def sizes(self) -> pack.Ints:
        return pack.sizes(self.table)[self.at]


def _packed_whereabouts(country: str | None, zones: str, states: str) -> bytes:
    return pack.text(country) + _array(zones) + _array(states)


def _packed_place(country: str | None, line_type: str, zones: str, states: str) -> bytes:
    return pack.text(country) + pack.text(line_type) + _array(zones) + _array(states)


def _array(joined: str) -> bytes:
    return pack.text_array(joined.split(",") if joined else [])
