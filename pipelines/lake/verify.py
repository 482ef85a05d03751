"""Proves that the lake holds what Postgres holds: counts and sums of every table, side by side.

Each side counts by itself. Rows that changed after the commit are left out on both, with all that
the next commit would write anew. Unique leads are counted in Postgres and summed in the lake
(`first_…`), so the flags are proved too; cubes are held against the lake's own rows.
"""

from collections.abc import Callable, Mapping
from typing import Any

import polars as pl
from pydantic import BaseModel, ConfigDict

from pipelines.lake import export
from pipelines.lake import manifest as commits
from pipelines.lake.copied import copied
from pipelines.lake.cube_list import CUBES
from pipelines.lake.cubes import Cube
from pipelines.lake.export import Window
from pipelines.lake.read import Lake
from pipelines.lake.store import Store
from pipelines.lake.tables import SMALL
from pipelines.lake.write import cube_from_rows
from voice_ai.db import queries
from voice_ai.db.connect import Db, connect
from voice_ai.errors import NotFound, Refused

_SQL = queries("lake_figures")
_EVER = 2**62
_PARTS = ("month", "campaign_id")
# How the lake counts each set of figures; Postgres has its own in voice_ai/sql/lake_figures.sql.
FIGURES: dict[str, str] = {
    "attempts": """
        SELECT strftime(intended_at, '%Y-%m') AS month, campaign_id, count(*) AS n,
               sum(reached_carrier::int) AS dials, sum(answered::int) AS answered,
               sum(human_answered::int) AS human_answered, sum(machine::int) AS machine,
               sum(conversed::int) AS conversed, sum(goal::int) AS goal,
               sum(opted_out::int) AS opted_out, sum(right_party::int) AS right_party,
               sum(talk_s) AS talk_s, sum(version) AS versions
        FROM attempts WHERE attempt_id NOT IN (SELECT unnest($attempts)) GROUP BY ALL""",
    "unique_leads": """
        SELECT NULL AS month, campaign_id, sum(first_dial::int) AS dialed,
               sum(first_answered::int) AS answered, sum(first_human::int) AS human,
               sum(first_right_party::int) AS right_party, sum(first_conversed::int) AS conversed,
               sum(first_goal::int) AS goal
        FROM attempts WHERE attempt_id NOT IN (SELECT unnest($attempts)) GROUP BY ALL""",
    "calls": """
        SELECT strftime(a.intended_at, '%Y-%m') AS month, a.campaign_id, count(*) AS n,
               sum(k.duration_s) AS duration_s
        FROM calls k JOIN attempts a USING (attempt_id)
        WHERE attempt_id NOT IN (SELECT unnest($attempts)) GROUP BY ALL""",
    "turns": """
        SELECT strftime(a.intended_at, '%Y-%m') AS month, a.campaign_id, count(*) AS n,
               sum((t.speaker = 'agent')::int) AS agent, sum(coalesce(t.interrupted, false)::int) AS
               interrupted, sum(length(t.text)) AS characters,
               sum(epoch_us(t.ended_at - t.started_at)) / 1e6 AS speech_s,
               count(t.intent) AS intents, count(t.emotion) AS emotions
        FROM turns t JOIN attempts a USING (attempt_id)
        WHERE attempt_id NOT IN (SELECT unnest($attempts)) GROUP BY ALL""",
    "events": """
        SELECT strftime(a.intended_at, '%Y-%m') AS month, a.campaign_id, count(*) AS n,
               sum(e.seq) AS places, sum(length(e.payload)) AS characters,
               sum((e.kind = 'call_ended')::int) AS ended
        FROM events e JOIN attempts a USING (attempt_id)
        WHERE attempt_id NOT IN (SELECT unnest($attempts)) GROUP BY ALL""",
    "decisions": """
        SELECT strftime(decided_at, '%Y-%m') AS month, campaign_id, count(*) AS n,
               sum(allow::int) AS allowed, sum(len(reasons)) AS reasons
        FROM decisions WHERE decision_id NOT IN (SELECT unnest($decisions)) GROUP BY ALL""",
    "decided_leads": """
        SELECT NULL AS month, campaign_id, sum((allow_before IS NULL)::int) AS n
        FROM decisions WHERE decision_id NOT IN (SELECT unnest($decisions)) GROUP BY ALL""",
    "leads": """
        SELECT strftime(imported_at, '%Y-%m') AS month, NULL AS campaign_id, count(*) AS n,
               sum(suppressed::int) AS suppressed
        FROM leads WHERE lead_id NOT IN (SELECT unnest($leads)) GROUP BY ALL""",
    "campaign_leads": """
        SELECT NULL AS month, campaign_id, count(*) AS n FROM campaign_leads
        WHERE member_key NOT IN (SELECT unnest($members)) GROUP BY ALL""",
    "assignments": """
        SELECT NULL AS month, campaign_id, count(*) AS n, count(DISTINCT arm) AS arms
        FROM assignments WHERE campaign_id || '/' || lead_id NOT IN (SELECT unnest($assigned))
        GROUP BY ALL""",
}


class Difference(BaseModel):
    """One figure that is not the same; of cubes `postgres` is what the lake's rows add up to."""

    model_config = ConfigDict(frozen=True)

    of: str
    month: str | None
    campaign: str | None
    figure: str
    lake: float | None
    postgres: float | None


class VerifyReport(BaseModel):
    """`compared`: figures held against each other; `later`: rows left out, by table, because they
    changed after the commit."""

    model_config = ConfigDict(frozen=True)

    commit: int
    bound: int
    compared: int
    later: dict[str, int]
    differences: tuple[Difference, ...]

    @property
    def same(self) -> bool:
        return not self.differences


def verify(
    url: str, store: Store, *, tell: Callable[[float, str], None] = lambda share, words: None
) -> VerifyReport:
    """Raises NotFound (no commit), Refused (a sync stopped half-way, or `export.window`)."""
    made = commits.newest(store)
    if made is None:
        raise NotFound("the lake has no commit yet; run `voice-ai lake sync`")
    if made.resume is not None:
        raise Refused("a sync of many rows stopped half-way; run `voice-ai lake sync` to finish it")
    lake, found = Lake(store, made), []
    compared = 0
    with connect(url, name="voice-ai lake verify", autocommit=True) as db, db.transaction():
        export.begin(db)
        known = export.window(db, made)
        left_out = _later(db, Window(known.source, made.bound, _EVER))
        steps = len(FIGURES) + 1 + len(CUBES)
        for place, name in enumerate(FIGURES):
            tell(place / steps, name)
            mine = lake.sql(FIGURES[name], _used(FIGURES[name], left_out))
            theirs = _counted(db, name, mine, left_out)
            compared += theirs.height * (theirs.width - len(_PARTS))
            found += _held(name, mine, theirs)
        tell(len(FIGURES) / steps, "small tables")
        small = export.small_tables(db)
    for name in SMALL:
        compared += 1
        # Rows that came since the commit cannot be told apart; that there are fewer is wrong.
        mine = lake.rows(name)
        if mine.height > small[name].height:
            found.append(
                Difference(
                    of=name,
                    month=None,
                    campaign=None,
                    figure="n",
                    lake=mine.height,
                    postgres=small[name].height,
                )
            )
    for place, cube in enumerate(CUBES):
        tell((len(FIGURES) + 1 + place) / steps, cube.table)
        compared += len(cube.measures)
        found += _cube(cube, lake)
    return VerifyReport(
        commit=made.number,
        bound=made.bound,
        compared=compared,
        later={name: len(keys) for name, keys in left_out.items() if keys},
        differences=tuple(found),
    )


def _later(db: Db, after: Window) -> dict[str, list[Any]]:
    """Keys of what the next commit would hold, by parameter."""
    planned = export.plan(db, after)
    members = [
        planned.keys[name].select(pl.concat_str("campaign", "key", separator="/")).to_series()
        for name in ("campaign_leads", "assignments")
    ]
    gone = {name: keys["key"] for name, keys in planned.gone.items()}
    none = pl.Series([], dtype=pl.String)
    return {
        "attempts": planned.keys["attempts"]["key"].to_list(),
        "decisions": planned.keys["decisions"]["key"].cast(pl.Int64).to_list(),
        "leads": pl.concat([planned.keys["leads"]["key"], gone.get("leads", none)])
        .cast(pl.Int64)
        .to_list(),
        "members": pl.concat([members[0], gone.get("campaign_leads", none)]).to_list(),
        "assigned": members[1].to_list(),
    }


def _used(query: str, values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if f"${name})" in query}


def _counted(
    db: Db, name: str, like: pl.DataFrame, left_out: Mapping[str, list[Any]]
) -> pl.DataFrame:
    kinds = {c: pl.String() if c in _PARTS else pl.Float64() for c in like.columns}
    return copied(db, getattr(_SQL, name), pl.Schema(kinds), left_out)


def _held(name: str, mine: pl.DataFrame, theirs: pl.DataFrame) -> list[Difference]:
    figures = [c for c in theirs.columns if c not in _PARTS]
    parts = [pl.col(c).cast(pl.String).fill_null("") for c in _PARTS]
    both = mine.with_columns(*parts, pl.col(figures).cast(pl.Float64)).join(
        theirs.with_columns(*parts), on=_PARTS, how="full", coalesce=True, suffix=" there"
    )
    found = []
    for row in both.iter_rows(named=True):
        for figure in figures:
            lake, there = row[figure], row[f"{figure} there"]
            if not _same(lake, there):
                found.append(
                    Difference(
                        of=name,
                        month=row["month"] or None,
                        campaign=row["campaign_id"] or None,
                        figure=figure,
                        lake=lake,
                        postgres=there,
                    )
                )
    return found


def _same(one: float | None, other: float | None) -> bool:
    """Sums of fractions differ by the order in which they were added; no row is a sum of 0."""
    first, second = one or 0.0, other or 0.0
    return abs(first - second) <= 1e-6 * max(1.0, abs(first), abs(second))


def _cube(cube: Cube, lake: Lake) -> list[Difference]:
    sums = ", ".join(f"sum({m})::DOUBLE AS {m}" for m in cube.measures)
    kept = lake.sql(f"SELECT campaign_id, {sums} FROM {cube.table} GROUP BY ALL")
    made = cube_from_rows(cube, lake)
    counted = (
        pl.concat(made).group_by("campaign_id").agg(pl.col(cube.measures).sum().cast(pl.Float64))
        if made
        else kept.clear()
    )
    none = pl.lit(None, dtype=pl.String).alias("month")
    return _held(cube.table, kept.with_columns(none), counted.with_columns(none))
