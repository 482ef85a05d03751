"""Which column is what: guessed from the names and from the values, shown, and overridable."""

import difflib
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from voice_ai.errors import UsageError
from voice_ai.leads.normalise import Normaliser
from voice_ai.leads.places import country_code, state_code, time_zone

_NAMES = """
phone: phone number, phone, telephone, telephone number, tel, phone no, primary phone, mobile phone
phone: mobile, mobile number, cell, cell phone, cellphone, contact phone, contact phone number
phone: contact number, phone 1, phone1, phonenumber, home phone, work phone, business phone
phone: daytime phone, msisdn, number
name: name, full name, contact name, contact, fullname, customer name, lead name
first_name: first name, first, firstname, given name, fname, forename
last_name: last name, last, lastname, surname, family name, lname
company: company, company name, organization, organisation, business, business name, account name
company: hospital name, facility name, employer
address: address, street, street address, address 1, address1, address line 1
city: city, town, city town, locality
state: state, province, st, state province, state code, region
zip: zip code, zip, zipcode, postal code, postcode, zip5, postalcode
country: country, country code, country name
timezone: timezone, time zone, tz
email: email, e mail, email address, mail, e mail address
external_id: external id, lead id, customer id, contact id, account id, record id, crm id
external_id: facility id, provider id, id, uuid, reference
language: language, lang, preferred language
do_not_call: do not call, dnc, donotcall, opted out, opt out, do not contact
consent: consent, consent date, consent given, opt in, opted in
"""
_FLOOR = 0.5
_SAMPLES = 3
_MOST_LISTED = 12
# Words that say something only when they are the whole name: a county name is not a name.
_VAGUE = {"name", "number", "contact", "first", "last", "reference", "business", "region"}
_EMAIL = r"^[^@\s]+@[^@\s]+\.[^@\s]+$"


def _names() -> dict[str, list[str]]:
    names: dict[str, list[str]] = {}
    for line in _NAMES.strip().splitlines():
        field, _, listed = line.partition(": ")
        names.setdefault(field, []).extend(listed.split(", "))
    return names


FIELDS = _names()
"""Every field that a column can be mapped to, with the usual names of such columns, best first."""


@dataclass(frozen=True)
class Guess:
    """A field, its column, how sure that is (1 when it was told), and masked samples."""

    field: str
    column: str
    confidence: float
    samples: tuple[str, ...]


def guess_columns(
    headers: Sequence[str], sample: pl.DataFrame, told: Mapping[str, str]
) -> list[Guess]:
    """The field of each column that has one, phone first; a column has one field at most.

    `sample` has the columns c0 … cN; `told` is field to header and always wins; a field that is
    told to be in no column ("") is left out.
    Raises UsageError for a field or a column that does not exist, or without a phone column.
    """
    unused = {field for field, column in told.items() if not column}
    taken = _checked({field: told[field] for field in told if told[field]}, headers)
    scores = sorted(
        (
            (field == "phone", _score(field, header, sample[f"c{at}"]), -at, field)
            for at, header in enumerate(headers)
            for field in FIELDS
            if field not in taken and field not in unused and header not in taken.values()
        ),
        reverse=True,
    )
    sure = dict.fromkeys(taken, 1.0)
    for _, score, place, field in scores:
        if score >= _FLOOR and field not in taken and headers[-place] not in taken.values():
            taken[field], sure[field] = headers[-place], score
    if "phone" not in taken:
        raise UsageError(
            "no column looks like a phone number; name it with --map phone=COLUMN"
            f" (columns: {_listed(headers)})"
        )
    return [
        Guess(field, taken[field], round(sure[field], 2), _masked_samples(headers, sample, header))
        for field in FIELDS
        if (header := taken.get(field)) is not None
    ]


def fingerprint(guesses: Iterable[Guess]) -> str:
    """SHA-256 of what was mapped to what."""
    pairs = sorted((guess.field, guess.column) for guess in guesses)
    return hashlib.sha256(json.dumps(pairs).encode()).hexdigest()


def masked(value: str) -> str:
    """The value with all but the outline hidden: digits and letters from the third on."""
    shown = 0
    signs = []
    for sign in value:
        shown += sign.isalnum()
        signs.append("•" if sign.isalnum() and shown > 2 else sign)
    return "".join(signs)


def _checked(told: Mapping[str, str], headers: Sequence[str]) -> dict[str, str]:
    taken: dict[str, str] = {}
    for field, column in told.items():
        if field not in FIELDS:
            raise UsageError(f"--map: there is no field {field!r}; fields: {', '.join(FIELDS)}")
        matches = [header for header in headers if _plain(header) == _plain(column)]
        if not matches:
            near = difflib.get_close_matches(column, headers, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; columns: {_listed(headers)}"
            raise UsageError(f"--map: there is no column {column!r}{hint}")
        taken[field] = column if column in matches else matches[0]
    return taken


def _listed(headers: Sequence[str]) -> str:
    return ", ".join(headers[:_MOST_LISTED]) + (" …" if len(headers) > _MOST_LISTED else "")


def _plain(header: str) -> str:
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", header)
    return " ".join(re.sub(r"[^a-z0-9]+", " ", spaced.lower()).split())


def _score(field: str, header: str, values: pl.Series) -> float:
    """0 to 1: how well name and values speak for the field."""
    name = _name_score(field, _plain(header))
    rule = _VALUE_RULES.get(field)
    filled = values.drop_nulls().unique(maintain_order=True).head(200)
    if rule is None or len(filled) == 0:
        return name * 0.9
    share = rule(filled)
    if field == "phone":
        # A column of phone numbers is one under any name, except of numbers not to be called.
        return 0.55 * share + 0.4 * name if "fax" not in _plain(header) else 0.0
    if field == "email":
        return max(0.9 * share, name * share)
    return name * (0.3 + 0.7 * share)


def _name_score(field: str, name: str) -> float:
    usual = FIELDS[field]
    if name in usual:
        return 1.0 - 0.01 * usual.index(name)
    words = set(name.split())
    partial = [
        known
        for known in usual
        if len(known) > 3 and known not in _VAGUE and set(known.split()) <= words
    ]
    return 0.6 - 0.01 * usual.index(partial[0]) if partial else 0.0


def _phones(values: pl.Series) -> float:
    numbers = Normaliser().normalise(values)["reason"]
    return numbers.is_in(["toll_free"]).fill_null(value=True).mean() or 0.0  # type: ignore[return-value]


def _known(rule: Callable[[str], object | None]) -> Callable[[pl.Series], float]:
    return lambda values: sum(rule(value) is not None for value in values) / len(values)


def _matching(pattern: str) -> Callable[[pl.Series], float]:
    return lambda values: float(values.str.contains(pattern).sum()) / len(values)


_VALUE_RULES: dict[str, Callable[[pl.Series], float]] = {
    "phone": _phones,
    "state": _known(state_code),
    "country": _known(country_code),
    "timezone": _known(time_zone),
    "zip": _matching(r"^\s*\w{3,5}([- ]?\w{3,4})?\s*$"),
    "email": _matching(_EMAIL),
    "first_name": _matching(r"^\D+$"),
    "last_name": _matching(r"^\D+$"),
    "city": _matching(r"^\D+$"),
}


def _masked_samples(headers: Sequence[str], sample: pl.DataFrame, header: str) -> tuple[str, ...]:
    values = sample[f"c{list(headers).index(header)}"].drop_nulls().head(_SAMPLES)
    return tuple(masked(value) for value in values)
