"""The closing table and chaos.json (DESIGN, section 12)."""

import json
from collections.abc import Mapping
from typing import Any

from rich.table import Column, Table

from tests.chaos.runs import Outcome


def table(outcomes: Mapping[str, Outcome], caught: Mapping[str, bool]) -> Table:
    right = ("calls", "faults", "violations", "lost terminals", "stuck", "seconds")
    shown = Table(
        Column("scenario", no_wrap=True),
        *(Column(name, justify="right") for name in right),
        Column("seeds"),
        title="Chaos",
    )
    rows = {**outcomes, "in all": in_all(outcomes)}
    for name, outcome in rows.items():
        shown.add_row(
            name,
            *(f"{n:,}" for n in _figures(outcome)),
            f"{outcome.seconds:.0f}",
            _ranges(outcome.seeds) if name != "in all" else f"{_bound(outcome)}",
        )
    for guard, noticed in caught.items():
        shown.add_row(f"without {guard}", *[""] * 6, "caught" if noticed else "NOT CAUGHT")
    return shown


def in_all(outcomes: Mapping[str, Outcome]) -> Outcome:
    return sum(outcomes.values(), Outcome())


def as_json(outcomes: Mapping[str, Outcome], caught: Mapping[str, bool]) -> str:
    whole: dict[str, Any] = {
        "scenarios": {name: _fields(outcome) for name, outcome in outcomes.items()},
        "all": _fields(in_all(outcomes)),
        "mutations": dict(caught),
    }
    return json.dumps(whole, indent=1)


def _fields(outcome: Outcome) -> dict[str, Any]:
    calls, faults, violations, lost, stuck = _figures(outcome)
    return {
        "calls": calls,
        "faults": faults,
        "violations": violations,
        "lost_terminals": lost,
        "stuck": stuck,
        "seeds": list(outcome.seeds),
        "seconds": round(outcome.seconds, 1),
        "notes": outcome.notes,
    }


def _figures(outcome: Outcome) -> tuple[int, int, int, int, int]:
    return (
        outcome.calls,
        outcome.faults,
        len(outcome.violations),
        outcome.lost_terminals,
        outcome.stuck,
    )


def _ranges(seeds: tuple[int, ...]) -> str:
    """1-3, 7: neighbours together."""
    parts: list[list[int]] = []
    for seed in sorted(seeds):
        if parts and seed == parts[-1][-1] + 1:
            parts[-1].append(seed)
        else:
            parts.append([seed])
    return ", ".join(str(p[0]) if len(p) == 1 else f"{p[0]}-{p[-1]}" for p in parts)


def _bound(outcome: Outcome) -> str:
    """What no violation in n independent calls says of the rate, with 95 % confidence."""
    if outcome.violations or not outcome.calls:
        return ""
    return f"rate < {300 / outcome.calls:.4f} % (95 %)"
