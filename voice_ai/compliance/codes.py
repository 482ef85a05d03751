"""Codes of places as the rules name them: ISO 3166-1 for countries, ISO 3166-2 for their parts."""

_STATES = (
    "AL AK AZ AR CA CO CT DE DC FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ"
    " NM NY NC ND OH OK OR PA RI SC SD TN TX UT VT VA WA WV WI WY"
)
_PROVINCES = "AB BC MB NB NL NS NT NU ON PE QC SK YT"
_MEMBERS = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK"

US_STATES = frozenset(_STATES.split())
US_TERRITORIES = frozenset({"AS", "GU", "MP", "PR", "VI"})
# Not places: the armed forces' post, wherever it is. Only the federal rules are known for it.
US_FORCES = frozenset({"AA", "AE", "AP"})
US_PARTS = US_STATES | US_TERRITORIES | US_FORCES
CA_PROVINCES = frozenset(_PROVINCES.split())
EU_MEMBERS = frozenset(_MEMBERS.split())

# Whose law holds in a country; a country that is not here has no rules, so nobody there is called.
LAW_OF_COUNTRY = (
    {"US": "US", "GB": "GB", "CA": "CA"}
    | dict.fromkeys(US_TERRITORIES, "US")
    | dict.fromkeys(EU_MEMBERS, "EU")
)
# Every word that a rule may give as its jurisdiction; `*` is everywhere.
JURISDICTIONS = frozenset(
    {"*", "US", "GB", "CA", "EU"}
    | EU_MEMBERS
    | {f"US-{code}" for code in US_PARTS}
    | {f"CA-{code}" for code in CA_PROVINCES}
)


def part_of(code: str) -> tuple[str, str] | None:
    """Law and jurisdiction of a state or province: `FL` is ("US", "US-FL"); None: no such place."""
    if code in US_PARTS:
        return "US", f"US-{code}"
    if code in CA_PROVINCES:
        return "CA", f"CA-{code}"
    return None


def is_place(code: str) -> bool:
    """Whether there is such a country, state or province, with rules or without."""
    if code in JURISDICTIONS or part_of(code) is not None:
        return True
    from phonenumbers import SUPPORTED_REGIONS

    return code in SUPPORTED_REGIONS
