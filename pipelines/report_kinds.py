"""The kinds of report there are. Loads nothing, so that commands and pages may ask."""

from typing import Literal, get_args

Kind = Literal["campaign", "interim", "daily", "model", "compliance"]
KINDS: tuple[Kind, ...] = get_args(Kind)
# These two are of one campaign; the others of everything that was dialed.
OF_A_CAMPAIGN: frozenset[str] = frozenset({"campaign", "interim"})
