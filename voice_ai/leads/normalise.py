"""Phone numbers as people write them, to E.164: a vectorised path, and `phonenumbers` for the rest.

The vectorised path takes plain ten-digit numbers of the North American plan; it never decides what
`phonenumbers` would decide otherwise. A plus sign is kept in mind: +41… is Swiss.
"""

import re

import numpy as np
import phonenumbers
import polars as pl
from phonenumbers import PhoneNumberType, ValidationResult

from voice_ai.leads.nanp import country_of, plan

SCHEMA = {
    "e164": pl.Int64,
    "extension": pl.String,
    "country": pl.String,
    "line_type": pl.String,
    "reason": pl.String,
}
NATION = 10_000_000_000
_SEPARATORS = [" ", "\t", "\u00a0", "\u202f", "(", ")", "-", ".", "/", "[", "]", "_"]
_DASHES = ["\u2010", "\u2011", "\u2012", "\u2013", "\u2014", "\u2212", "\u200b", "\u202a", "\u202c"]
_NOISE = [*_SEPARATORS, *_DASHES]
_EXTENSION = r"(?i)^(.*\d)\s*[,;]?\s*(?:extension|ext|extn|x|#)\s*[.:=#]*\s*(\d{1,7})$"
_LOST_DIGITS = re.compile(r"^\d(?:\.\d+)?[eE]\+?\d+$")
_SEVERAL = re.compile(r"\s+(?:or|and)\s+|[/;,|&]")
_LIVE_TYPES = {
    PhoneNumberType.FIXED_LINE: "fixed_line",
    PhoneNumberType.MOBILE: "mobile",
    PhoneNumberType.FIXED_LINE_OR_MOBILE: "fixed_line_or_mobile",
    PhoneNumberType.VOIP: "voip",
}
_REFUSED_TYPES = {
    PhoneNumberType.TOLL_FREE: "toll_free",
    PhoneNumberType.PREMIUM_RATE: "premium_rate",
    PhoneNumberType.SHARED_COST: "premium_rate",
}
_LENGTH_REASONS = {
    ValidationResult.TOO_SHORT: "too_few_digits",
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "too_few_digits",
    ValidationResult.TOO_LONG: "too_many_digits",
}
_PARSE_REASONS = {
    phonenumbers.NumberParseException.TOO_LONG: "too_many_digits",
    phonenumbers.NumberParseException.TOO_SHORT_NSN: "too_few_digits",
    phonenumbers.NumberParseException.TOO_SHORT_AFTER_IDD: "too_few_digits",
}
_FORGET_ABOVE = 500_000
_ASK, _PLAIN, _TOLL_FREE, _NO_EXCHANGE, _EMPTY = range(5)
# No pattern of the plan knows a ten-digit number whose fourth digit is 0 or 1.
_KIND_REASONS = pl.Series(["?", None, "toll_free", "invalid_number", "no_phone"])

Parsed = tuple[int | None, str | None, str | None, str | None, str | None]
"""E.164 digits, extension, country, line type, reason: the columns of SCHEMA."""


class Normaliser:
    """Remembers what `phonenumbers` said of each distinct value of one file."""

    def __init__(self, region: str = "US") -> None:
        self.region = region
        self._known: dict[tuple[str, str], Parsed] = {}

    def normalise(self, raw: pl.Series, regions: pl.Series | None = None) -> pl.DataFrame:
        """One row of SCHEMA per value; either `e164` or `reason` is set.

        `regions` are ISO codes for numbers without a plus, None where the file does not say.
        """
        text = pl.DataFrame({"raw": raw.cast(pl.String).str.strip_chars(" \t\r\n\u00a0'\"=")})
        text = _split_extensions(text)
        fast = _plain_numbers(text, self._nanp_mask(regions, len(raw)))
        rest = np.flatnonzero(fast["reason"].to_numpy() == "?")
        if len(rest) == 0:
            return fast
        return self._with_rest(fast, text["raw"], regions, rest)

    def _nanp_mask(self, regions: pl.Series | None, count: int) -> pl.Series:
        """Where a number without a plus may be read as a North American one."""
        nanp = phonenumbers.COUNTRY_CODE_TO_REGION_CODE[1]
        if regions is None:
            return pl.Series([self.region in nanp]).new_from_index(0, count)
        return regions.fill_null(self.region).is_in(list(nanp))

    def _with_rest(
        self, fast: pl.DataFrame, raw: pl.Series, regions: pl.Series | None, rest: "np.ndarray"
    ) -> pl.DataFrame:
        values = raw[rest].to_list()
        places = regions[rest].to_list() if regions is not None else [None] * len(values)
        if len(self._known) > _FORGET_ABOVE:
            self._known.clear()
        parsed = pl.DataFrame(
            [
                self._ask(value, place or self.region)
                for value, place in zip(values, places, strict=True)
            ],
            schema=SCHEMA,
            orient="row",
        )
        order = np.concatenate([np.flatnonzero(fast["reason"].to_numpy() != "?"), rest])
        kept = fast.filter(pl.col("reason").is_null() | (pl.col("reason") != "?"))
        return pl.concat([kept, parsed])[np.argsort(order, kind="stable")]

    def _ask(self, value: str, region: str) -> Parsed:
        key = (value, region)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = parse_one(value, region)
        return known


def parse_one(value: str, region: str) -> Parsed:
    """What `phonenumbers` makes of one value, with the reason when it is not a callable number."""
    if not any(sign.isdigit() for sign in value):
        return _refused("no_phone")
    if _LOST_DIGITS.match(value):
        return _refused("digits_lost")
    try:
        number = phonenumbers.parse(value, region)
    except phonenumbers.NumberParseException as error:
        return _refused(_why_invalid(value, _PARSE_REASONS.get(error.error_type, "invalid_number")))
    if not phonenumbers.is_valid_number(number):
        length = phonenumbers.is_possible_number_with_reason(number)
        return _refused(_why_invalid(value, _LENGTH_REASONS.get(length, "invalid_number")))
    kind = phonenumbers.number_type(number)
    if kind not in _LIVE_TYPES:
        return _refused(_REFUSED_TYPES.get(kind, "non_geographic"))
    digits = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)[1:]
    country = country_of(phonenumbers.region_code_for_number(number))
    return int(digits), number.extension, country, _LIVE_TYPES[kind], None


def _refused(reason: str) -> Parsed:
    return None, None, None, None, reason


def _why_invalid(value: str, reason: str) -> str:
    parts = [part for part in _SEVERAL.split(value) if sum(map(str.isdigit, part)) >= 7]
    return "several_numbers" if len(parts) > 1 else reason


def _split_extensions(text: pl.DataFrame) -> pl.DataFrame:
    """Adds `main` (the value without its extension) and `extension`."""
    found = pl.col("raw").str.contains("[xX#]")
    if not text.select(found.any()).item():
        return text.with_columns(main="raw", extension=pl.lit(None, pl.String))
    parts = pl.when(found).then(pl.col("raw").str.extract_groups(_EXTENSION))
    return text.with_columns(parts=parts).select(
        "raw",
        main=pl.coalesce(pl.col("parts").struct.field("1"), "raw"),
        extension=pl.col("parts").struct.field("2"),
    )


def _plain_numbers(text: pl.DataFrame, nanp: pl.Series) -> pl.DataFrame:
    """The vectorised path; rows that it leaves to the library have the reason "?"."""
    frame = text.with_columns(
        nanp.alias("nanp"), bare=pl.col("main").str.replace_many(_NOISE, [""])
    )
    plus = pl.col("bare").str.contains("+", literal=True)
    core = pl.col("bare").str.strip_prefix("+")
    eleven = (core.str.len_bytes() == 11) & core.str.starts_with("1") & (plus | pl.col("nanp"))
    ten = (core.str.len_bytes() == 10) & pl.col("nanp") & ~plus
    national = pl.when(eleven | ten).then(core.cast(pl.Int64, strict=False) % NATION)
    return _classified(frame.with_columns(national=national))


def _classified(frame: pl.DataFrame) -> pl.DataFrame:
    national = frame["national"].fill_null(0).to_numpy()
    area, fourth = national // 10_000_000, national // 1_000_000 % 10
    codes = plan()
    kind = np.zeros(len(national), dtype=np.uint8)
    kind[codes.geographic[area] & (fourth >= 2)] = _PLAIN
    kind[codes.toll_free[area] & (fourth >= 2)] = _TOLL_FREE
    kind[(area >= 200) & (fourth < 2)] = _NO_EXCHANGE
    kind[frame["raw"].fill_null("").to_numpy() == ""] = _EMPTY
    plain = pl.Series(kind == _PLAIN)
    return frame.select(
        e164=pl.when(plain).then(pl.col("national") + NATION),
        extension=pl.when(plain).then("extension"),
        country=pl.when(plain).then(codes.country[area]),
        line_type=pl.when(plain).then(pl.lit("fixed_line_or_mobile")),
        reason=_KIND_REASONS[kind],
    )
