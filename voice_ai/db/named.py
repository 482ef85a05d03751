"""SQL lives in `voice_ai/sql/*.sql`; each query has a name and a description.

-- name: claim_leads
-- Takes up to :limit ready leads …
SELECT …
"""

import re
from functools import cache
from importlib.resources import files
from types import SimpleNamespace

_HEADER = re.compile(r"^-- name: (\w+)[ \t]*$", re.MULTILINE)


class Queries(SimpleNamespace):
    """The queries of one file as attributes, each the text of one statement."""

    def __getattr__(self, name: str) -> str:  # only reached for a name that is not there
        raise AttributeError(f"no query named {name}")


@cache
def queries(file: str) -> Queries:
    """The named queries of `voice_ai/sql/<file>.sql`."""
    text = (files("voice_ai") / "sql" / f"{file}.sql").read_text()
    parts = _HEADER.split(text)[1:]
    return Queries(**dict(zip(parts[::2], map(str.strip, parts[1::2]), strict=True)))
