"""Tables of the lake, or answers, as files for other programs, written in bounded memory."""

import re
from pathlib import Path

from pipelines.lake.read import Lake
from voice_ai.errors import BadInput

_FORMATS = {
    ".csv": "FORMAT csv, HEADER",
    ".parquet": "FORMAT parquet, COMPRESSION zstd",
}


def write_file(lake: Lake, what: str, out: Path) -> int:
    """A table by its name, or the answer of one SELECT; the format goes by the file's ending.
    How many rows it has. Raises BadInput."""
    form = _FORMATS.get(out.suffix.lower())
    if form is None:
        raise BadInput(f"{out} ends in neither .csv nor .parquet")
    query = what.strip().rstrip(";")
    if re.fullmatch(r"\w+", query):
        if query not in lake.names:
            raise BadInput(f"the lake has no table {query!r}; `voice-ai lake tables` lists them")
        query = f"SELECT * FROM {query}"
    out.parent.mkdir(parents=True, exist_ok=True)
    target = str(out).replace("'", "''")
    told = lake.sql(f"COPY ({query}) TO '{target}' ({form})")
    return int(told.item())
