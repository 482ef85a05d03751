"""The aliases of a local registry, read without MLflow: what it costs to look every ten seconds.

Only a glance, to see whether anything is to do and whether anybody is there: MLflow takes seconds
to load, and asks a database that cannot be opened for minutes. Who acts asks MLflow itself.
"""

import sqlite3
from collections.abc import Mapping
from contextlib import closing

from voice_ai.errors import NotAvailable

_SQLITE = "sqlite:///"
_PATIENCE_S = 1.0
_ALIASES = "SELECT name, alias, version FROM registered_model_aliases"
# Another layout than the one known here, or somebody writes: MLflow will know.
_ASK_MLFLOW = ("no such table", "no such column", "locked", "busy")


def peek_aliases(uri: str) -> Mapping[str, Mapping[str, str]] | None:
    """Version by alias by registered model; None where only MLflow can tell.

    Raises NotAvailable for a database that cannot be read.
    """
    if not uri.startswith(_SQLITE):
        return None
    place = f"file:{uri.removeprefix(_SQLITE)}?mode=ro"
    try:
        with closing(sqlite3.connect(place, uri=True, timeout=_PATIENCE_S)) as db:
            rows = db.execute(_ALIASES).fetchall()
    except sqlite3.Error as error:
        if any(words in str(error) for words in _ASK_MLFLOW):
            return None
        raise NotAvailable(
            f"the model registry {uri} cannot be read ({error}); check MLFLOW_TRACKING_URI"
        ) from error
    found: dict[str, dict[str, str]] = {}
    for name, alias, version in rows:
        found.setdefault(str(name), {})[str(alias)] = str(version)
    return found
