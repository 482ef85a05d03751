"""May this campaign start? Facts in, checks with a light out; pure. docs/preflight.md explains."""

from voice_ai.preflight.check import (
    GROUPS,
    Check,
    Light,
    as_rows,
    blockers,
    broken,
    from_rows,
    in_order,
    unfinished,
    worst,
)
from voice_ai.preflight.judge import Facts, judge

__all__ = [
    "GROUPS",
    "Check",
    "Facts",
    "Light",
    "as_rows",
    "blockers",
    "broken",
    "from_rows",
    "in_order",
    "judge",
    "unfinished",
    "worst",
]
