"""What a notebook starts with: the documented views, read with the analyst's own login."""

import atexit
import json
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

import duckdb
import polars as pl
from psycopg import sql

from pipelines.lake.fresh import fresh
from pipelines.lake.read import Lake
from pipelines.lake.store import open_store
from pipelines.metrics.frames import CampaignFrames
from pipelines.metrics.load import campaign_frames, find_campaign
from pipelines.report.facts import Scope, read_facts
from voice_ai.context import Context, open_context
from voice_ai.db.connect import connect
from voice_ai.errors import BadInput, NotFound

VIEWS = (
    "v_leads",
    "v_attempts",
    "v_calls",
    "v_turns",
    "v_events",
    "v_decisions",
    "v_campaign_day",
)


@dataclass(frozen=True)
class Home:
    """The home of a running installation, to read from; nothing can be written through it."""

    context: Context
    held: ExitStack

    def close(self) -> None:
        """Lets go of what was started for it; a kernel's end does so by itself."""
        self.held.close()

    def campaigns(self) -> list[str]:
        """Names of the campaigns that were dialed, the one with the most dials first."""
        found = self._read(
            "SELECT campaign, sum(dials)::bigint AS dials FROM v_campaign_day GROUP BY 1"
            " ORDER BY 2 DESC, 1"
        )
        return found["campaign"].to_list()

    def frames(self, campaign: str) -> CampaignFrames:
        """What the metrics are computed from, as the pages and the report read it.

        Raises NotFound naming the campaigns there are.
        """
        with connect(self.context.role_url("app"), name="voice-ai notebook") as db:
            return campaign_frames(db, campaign)

    def view(self, name: str, campaign: str | None = None) -> pl.DataFrame:
        """All rows of a documented view, or those of one campaign. Raises BadInput."""
        if name not in VIEWS:
            raise BadInput(f"there is no view {name!r}; there are {', '.join(VIEWS)}")
        query = sql.SQL("SELECT * FROM {}").format(sql.Identifier(name)).as_string()
        if campaign is None:
            return self._read(query)
        return self._read(f"{query} WHERE campaign = %(campaign)s", campaign=campaign)

    def duckdb(self, campaign: str) -> duckdb.DuckDBPyConnection:
        """An in-memory DuckDB with the campaign's rows of every view as tables of those names;
        rehearsal rows only for a rehearsal."""
        with connect(self.context.role_url("app"), name="voice-ai notebook") as db:
            found = find_campaign(db, campaign)
        engine = duckdb.connect(":memory:")
        for name in VIEWS:
            rows = self.view(name) if name == "v_leads" else self.view(name, found.name)
            mine = rows.filter(pl.col("rehearsal") == found.rehearsal)
            engine.register("rows_now", mine.to_arrow())
            engine.execute(f"CREATE TABLE {name} AS SELECT * FROM rows_now")
            engine.unregister("rows_now")
        return engine

    def _read(self, query: str, **values: str) -> pl.DataFrame:
        with connect(self.context.role_url("analyst"), name="voice-ai notebook") as db:
            cursor = db.execute(query.encode(), values or None)
            columns = [column.name for column in cursor.description or ()]
            rows = [tuple(map(_plain, row.values())) for row in cursor]
        return pl.DataFrame(rows, schema=columns, orient="row", infer_schema_length=None)


def _plain(value: object) -> object:
    """Identifiers and documents as text, which every engine can compare."""
    if value is None or isinstance(value, bool | int | float | str | date | list):
        return value
    return json.dumps(value) if isinstance(value, dict) else str(value)


@cache
def open_home() -> Home:
    """The home of VOICE_AI_HOME, or of DATABASE_URL, until the kernel ends. Raises NotAvailable."""
    stack = ExitStack()
    atexit.register(stack.close)
    return Home(stack.enter_context(open_context()), stack)


def lake() -> Lake:
    """The lake of the home with every call that has ended; the same call again brings it up to
    date. Raises NotAvailable, Refused."""
    context = open_home().context
    settings = context.settings
    store = open_store(settings.lake_url, settings.home)
    return fresh(context.role_url("flows"), store, now=context.clock.now()).lake


def busiest(history: Lake) -> str:
    """The name of the campaign with the most dials. Raises NotFound before the first dial."""
    found = history.sql(
        "SELECT k.campaign FROM cube_outcomes c JOIN campaigns k USING (campaign_id)"
        " GROUP BY 1 HAVING sum(c.dials) > 0 ORDER BY sum(c.dials) DESC, 1 LIMIT 1"
    )
    if found.is_empty():
        raise NotFound(
            "nothing was dialed yet; `voice-ai up` makes some calls, `voice-ai generate --calls"
            " 20000` makes a history up"
        )
    return str(found.item())


def model_tables() -> dict[str, pl.DataFrame]:
    """What the model report tells beside the lake (`report_facts.sql`), now: a frame by name."""
    context = open_home().context
    with connect(context.role_url("flows"), name="voice-ai notebook", autocommit=True) as db:
        scope = Scope(context.rehearsal, context.clock.now(), commit=0)
        facts = read_facts(db, "model", scope)
    plain = {
        name: [{k: _plain(v) for k, v in row.items()} for row in facts[name]] for name in facts
    }
    return {name: pl.DataFrame(rows, infer_schema_length=None) for name, rows in plain.items()}


def draw_offline() -> None:
    """Let JupyterLab draw Altair's charts itself; otherwise they would fetch their library from
    another host. JupyterLab 4 knows version 5 of the format, and the charts here need no more."""
    import altair

    def bundle(spec: dict[str, Any], **_: Any) -> dict[str, Any]:
        return {"application/vnd.vegalite.v5+json": spec, "text/plain": "a chart"}

    altair.renderers.register("voice-ai", bundle)
    altair.renderers.enable("voice-ai")
