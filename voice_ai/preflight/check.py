"""One check of a pre-flight: a light, what was seen, and how to mend it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any


class Light(StrEnum):
    GREEN = "green"
    AMBER = "amber"
    RED = "red"


_WEIGHT = {Light.GREEN: 0, Light.AMBER: 1, Light.RED: 2}

# In the order in which people read them.
GROUPS: Mapping[str, str] = {
    "list": "Lead list",
    "law": "Law and script",
    "window": "Calling hours",
    "stops": "Switches and stops",
    "numbers": "Caller ids",
    "money": "Carrier and money",
    "voice": "Voice",
    "models": "Models",
    "machines": "Machines",
}
# In a rehearsal nobody is called and nothing is paid, so these never forbid one.
_NEVER_RED_IN_REHEARSAL = frozenset({"list", "window", "money"})


@dataclass(frozen=True)
class Check:
    """`id` is stable; `mend` is empty on green, else one sentence that says what to do."""

    id: str
    group: str
    title: str
    light: Light
    seen: str
    mend: str = ""


@dataclass(frozen=True)
class Failed:
    """In the place of facts that nobody could tell; `reason` without personal data."""

    reason: str


def check(id: str, title: str, light: Light, seen: str, mend: str = "") -> Check:
    """`id` begins with its group. A mend is dropped on green, where there is nothing to mend."""
    group = id.partition(".")[0]
    return Check(id, group, title, light, seen, "" if light is Light.GREEN else mend)


def not_told(id: str, title: str, failed: Failed, mend: str, light: Light = Light.RED) -> Check:
    """What could not be checked is not assumed to be well."""
    return check(id, title, light, f"could not be checked: {failed.reason}", mend)


def softened(found: Check, *, rehearsal: bool) -> Check:
    if rehearsal and found.light is Light.RED and found.group in _NEVER_RED_IN_REHEARSAL:
        return replace(found, light=Light.AMBER)
    return found


def worst(checks: Iterable[Check]) -> Light:
    """The light of the whole; nothing checked is red."""
    return max((one.light for one in checks), key=_WEIGHT.__getitem__, default=Light.RED)


def blockers(checks: Iterable[Check]) -> list[Check]:
    return [one for one in checks if one.light is Light.RED]


def in_order(checks: Iterable[Check]) -> list[Check]:
    """By group, in each the worst first."""
    order = list(GROUPS)
    return sorted(checks, key=lambda one: (order.index(one.group), -_WEIGHT[one.light]))


def unfinished(seconds: float) -> Check:
    """In place of checks that nobody finished in time: a start does not wait for ever."""
    return _undone(f"the checks were not finished within {seconds:.0f} s")


def broken(error: str) -> Check:
    """In place of checks that could not be made at all."""
    return _undone(f"the checks broke with {error}")


def _undone(seen: str) -> Check:
    mend = "See logs/dialer.log in the home, then start again."
    return check("machines.preflight", "Pre-flight", Light.RED, seen, mend)


def as_rows(checks: Sequence[Check]) -> list[dict[str, Any]]:
    """For `preflights.checks`."""
    return [asdict(one) for one in checks]


def from_rows(rows: Iterable[Mapping[str, Any]] | None) -> list[Check]:
    """Rows of another version may have more fields, or groups that are not known here."""
    return [
        Check(
            id=str(row["id"]),
            group=row["group"] if row["group"] in GROUPS else "machines",
            title=str(row["title"]),
            light=Light(row["light"]),
            seen=str(row["seen"]),
            mend=str(row.get("mend") or ""),
        )
        for row in rows or ()
    ]
