"""`make bench` rows of the lake: what the analytics pages ask, on ten million calls; some of it
put to Postgres too; a commit's cost.

The history is generated (`voice-ai generate`) into a temporary folder, which takes minutes.
VOICE_AI_BENCH_CALLS makes it smaller; VOICE_AI_BENCH_LAKE names a folder in which it is kept.
"""

import inspect
import multiprocessing as mp
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from statistics import median, quantiles
from typing import Any

import polars as pl

from pipelines import analyses
from pipelines.bench_imports import _database, _server
from pipelines.generate import planted, to_home, to_lake
from pipelines.generate.plan import SCRIPTS, UNTIL, Ask
from pipelines.lake import manifest as commits
from pipelines.lake.batch import Batch
from pipelines.lake.read import Lake, open_lake
from pipelines.lake.store import Store, open_store
from pipelines.lake.write import write_batch
from pipelines.metrics.conversations import QUANTITIES
from pipelines.metrics.rates import METRICS
from pipelines.metrics.slices import Slice
from voice_ai.db.connect import connect

ROW_NAMES = (
    "analytics.generate",
    "analytics.page_queries",
    "analytics.memory",
    "analytics.cubes_vs_postgres",
    "analytics.sql_vs_postgres",
    "analytics.commit",
)
CALLS_VARIABLE, LAKE_VARIABLE = "VOICE_AI_BENCH_CALLS", "VOICE_AI_BENCH_LAKE"
CALLS = 10_000_000
EVENTS_IN_POSTGRES = 5_000_000
EVENTS_OF_COMMIT = 100_000
SEED, MONTHS = 7, 12
# Events of a generated call, a little less than there are.
_EVENTS_PER_CALL = 5.2
_LIMIT_MS = 500.0
_LIMIT_MB = 2000.0
_RUNS = 20
_RUNS_OF_ROWS = 5

# The same question to the cubes, to the lake's rows and to Postgres; the answers are compared.
_COUNTED = ", ".join(
    f"count(*) FILTER (WHERE {flag}) AS n_{flag}"
    for flag in ("reached_carrier", "answered", "human_answered", "goal")
)
_ADDED = "sum(dials) AS a, sum(answered) AS b, sum(human_answered) AS c, sum(goal) AS d"
_DAY = "CAST(intended_at AS DATE)"
# Arguments of questions, by their names.
_GIVEN: dict[str, Any] = {
    "script": SCRIPTS[0],
    "split": "list",
    "by": "list",
    "quantity": next(iter(QUANTITIES)),
    "last": UNTIL - timedelta(days=1),
    "metrics": METRICS[:1],
    "experiment": planted.EXPERIMENTS[0][0],
}


@dataclass(frozen=True)
class _Twin:
    """One question in the words of each; `cube` None: only rows can answer it."""

    name: str
    postgres: str
    lake: str
    cube: str | None = None


def _grouped(by: str, table: str, sums: str) -> str:
    return f"SELECT {by}, {sums} FROM {table} GROUP BY {by} ORDER BY {by}"


_BY = {
    "by outcome": ("campaign_id, disposition", "cube_outcomes"),
    "by hour and weekday": ("campaign_id, local_weekday, local_hour", "cube_hours"),
    "in all": ("campaign_id, rehearsal", "cube_outcomes"),
}
# CASE instead of FILTER, with which DuckDB takes twice as long.
_FUNNEL = (
    "SELECT campaign_id, {day} AS day, "
    + ", ".join(
        f"count(DISTINCT CASE WHEN {flag} THEN lead_id END) AS n_{flag}"
        for flag in ("reached_carrier", "answered", "human_answered", "conversed", "goal")
    )
    + " FROM v_attempts GROUP BY campaign_id, day ORDER BY campaign_id, day"
)
_EVENTS_BY_KIND = (
    "SELECT campaign_id, {day} AS day, kind, count(*) AS n, max(seq) AS most"
    " FROM v_events GROUP BY campaign_id, day, kind ORDER BY campaign_id, day, kind"
)
_PG_DAY = "({} AT TIME ZONE 'UTC')::date"
TWINS = (
    *(
        _Twin(
            name,
            _grouped(by, "v_attempts", _COUNTED),
            _grouped(by, "v_attempts", _COUNTED),
            _grouped(by, cube, _ADDED),
        )
        for name, (by, cube) in _BY.items()
    ),
    _Twin(
        "unique leads by campaign and day",
        _FUNNEL.format(day=_PG_DAY.format("intended_at")),
        _FUNNEL.format(day=_DAY),
    ),
    _Twin(
        "events by campaign, day and kind",
        _EVENTS_BY_KIND.format(day=_PG_DAY.format("occurred_at")),
        _EVENTS_BY_KIND.format(day="CAST(occurred_at AS DATE)"),
    ),
)


def rows(calls: int | None = None) -> Iterator[dict[str, Any]]:
    """`calls` in the history; ten million unless VOICE_AI_BENCH_CALLS says otherwise."""
    calls = calls or int(os.environ.get(CALLS_VARIABLE) or CALLS)
    with _history(calls) as (home, seconds):
        if seconds is not None:
            yield _row(
                "analytics.generate",
                seconds,
                max(900.0 * calls / CALLS, 30.0),
                "s",
                note="one process",
            )
        yield from _page_rows(home, calls)
        yield _commit_row(home)
    yield from _postgres_rows(min(calls, round(EVENTS_IN_POSTGRES / _EVENTS_PER_CALL)))


@contextmanager
def _history(calls: int) -> Iterator[tuple[Path, float | None]]:
    """A home with the lake, and how long it took; None where it was there."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(os.environ.get(LAKE_VARIABLE) or folder)
        store = open_store(None, home)
        if commits.newest(store) is not None:
            yield home, None
            return
        start = time.perf_counter()
        _apart(_generate, str(home), calls)
        yield home, time.perf_counter() - start


def _generate(home: str, calls: int) -> None:
    ask = Ask(calls, SEED, months=MONTHS)
    to_lake.write(open_store(None, Path(home)), ask, made_at=datetime.now(UTC))


# Questions of pages


def _page_rows(home: Path, calls: int) -> Iterator[dict[str, Any]]:
    took, peak = _apart(_ask_all, str(home))
    slowest = sorted(took.items(), key=lambda item: -item[1][0])
    detail = "\n".join(
        f"{p95:8.1f} ms, of the processor {cpu:8.1f} ms  {name}"
        for name, (p95, cpu) in slowest[:12]
    )
    yield _row(
        "analytics.page_queries",
        slowest[0][1][0],
        _LIMIT_MS,
        "ms",
        note=f"p95 of the slowest of {len(took)} questions, {calls:,} calls",
        detail=detail,
    )
    yield _row("analytics.memory", peak, _LIMIT_MB, "MB", note="peak of the process that asked")


def questions() -> dict[str, Callable[[Lake, Slice], object]]:
    """Every function of `pipelines.analyses` that needs nothing but a lake, a slice, and what
    `_GIVEN` has."""
    found: dict[str, Callable[[Lake, Slice], object]] = {}
    for module in iter_modules(analyses.__path__):
        loaded = import_module(f"{analyses.__name__}.{module.name}")
        for name, made in inspect.getmembers(loaded, inspect.isfunction):
            needs = _needs(made)
            if made.__module__ != loaded.__name__ or name.startswith("_") or needs is None:
                continue
            if needs <= _GIVEN.keys():
                given = {need: _GIVEN[need] for need in needs}
                found[f"{module.name}.{name}"] = partial(made, **given)
    return found


def _needs(made: Callable[..., object]) -> set[str] | None:
    """What must be given besides a lake and a slice; None: it does not take those."""
    taken = list(inspect.signature(made).parameters.values())
    if [p.name for p in taken[:2]] != ["lake", "part"]:
        return None
    return {p.name for p in taken[2:] if p.default is p.empty and p.kind != p.VAR_POSITIONAL}


def _ask_all(home: str) -> tuple[dict[str, tuple[float, float]], float]:
    """By question p95 in milliseconds and the median of processor time, which other work on the
    machine does not change; the peak of this process in megabytes."""
    lake = open_lake(None, Path(home))
    ids = lake.sql("SELECT campaign_id FROM campaigns ORDER BY campaign_id")["campaign_id"]
    whole = Slice(rehearsal=True)
    parts = {
        "all": whole,
        "one campaign": replace(whole, campaign_id=ids[0]),
        "last 30 days": replace(whole, since=UNTIL - timedelta(days=30), until=UNTIL),
    }
    took = {}
    for name, ask in questions().items():
        for label, part in parts.items():
            work = partial(ask, lake, part)
            took[f"{name}, {label}"] = _timed(work)
    return took, _peak_mb()


# The same questions of Postgres


def _postgres_rows(calls: int) -> Iterator[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        _apart(_generate, str(home), calls)
        lake = open_lake(None, home)
        with _server(home / "server") as (admin, keyring), _database(admin) as url:
            to_home.write(url, keyring, Ask(calls, SEED, months=MONTHS))
            with connect(url, name="bench", autocommit=True) as db:
                db.execute(b"VACUUM ANALYZE")
                took = {twin.name: _compare(twin, lake, db) for twin in TWINS}
        events = lake.sql("SELECT count(*) AS n FROM events").item()
    cubes = {name: t for name, t in took.items() if "cubes" in t}
    for row, of, target in (
        ("analytics.cubes_vs_postgres", "cubes", 10.0),
        ("analytics.sql_vs_postgres", "rows", 5.0),
    ):
        chosen = cubes if of == "cubes" else took
        worst = min(chosen.values(), key=lambda t: t["postgres"] / t[of])
        yield _row(
            row,
            worst["postgres"],
            worst[of],
            "ms",
            target=target,
            note=f"Postgres to the lake's {of}, the least of the ratios; {events:,} events",
            detail="\n".join(
                f"{t['postgres']:9.0f} ms {t[of]:8.1f} ms {t['postgres'] / t[of]:6.1f}x  {name}"
                for name, t in chosen.items()
            ),
        )


def _compare(twin: _Twin, lake: Lake, db: Any) -> dict[str, float]:
    """Milliseconds by who was asked. Raises ValueError where the answers differ."""
    asked: dict[str, Callable[[], list[tuple[Any, ...]]]] = {
        "postgres": lambda: [tuple(row.values()) for row in db.execute(twin.postgres.encode())],
        "rows": lambda: lake.sql(twin.lake).rows(),
    }
    if twin.cube is not None:
        cube = twin.cube
        asked["cubes"] = lambda: lake.sql(cube).rows()
    answers = {who: _same(ask()) for who, ask in asked.items()}
    for who, answer in answers.items():
        if odd := set(answer) ^ set(answers["postgres"]):
            raise ValueError(f"{twin.name}: {who} differs from Postgres, as in {min(odd)}")
    return {who: median(_ms(ask) for _ in range(_RUNS_OF_ROWS)) for who, ask in asked.items()}


def _same(rows_: list[tuple[Any, ...]]) -> list[tuple[str, ...]]:
    return sorted(tuple(str(value) for value in row) for row in rows_)


# What a commit costs


def _commit_row(home: Path) -> dict[str, Any]:
    """A commit of new events into the history, beside the same into an empty lake."""
    store = open_store(None, home)
    kept = commits.newest(store)
    assert kept is not None
    calls = round(EVENTS_OF_COMMIT / _EVENTS_PER_CALL)
    small = list(to_lake.batches(Ask(calls, SEED + 1, campaigns=1, months=2)))
    batch = Batch(
        kept.bound + 1,
        kept.as_of,
        {
            name: pl.concat([b.table(name) for b in small])
            for name in ("attempts", "calls", "turns", "events", "decisions")
        },
    )
    into_full, into_empty = list[float](), list[float]()
    for _ in range(_RUNS_OF_ROWS):
        with tempfile.TemporaryDirectory() as folder:
            into_empty.append(_commit(open_store(None, Path(folder)), None, batch))
        into_full.append(_commit(store, kept, batch))
        _take_back(store, kept)
    return _row(
        "analytics.commit",
        median(into_full),
        median(into_empty),
        "ms",
        target=2.0,
        less=True,
        note=f"{batch.table('events').height:,} events into the history, and into an empty lake",
    )


def _commit(store: Store, parent: commits.Manifest | None, batch: Batch) -> float:
    def write() -> None:
        write_batch(store, parent, batch, source="bench", why="bench", made_at=datetime.now(UTC))

    return _ms(write)


def _take_back(store: Store, kept: commits.Manifest) -> None:
    """The commit after that one, so that every run adds to the same."""
    number = kept.number + 1
    newer = [file.path for file in commits.read(store, number).files if file.commit == number]
    store.delete([f"{commits.FOLDER}/{number:010d}.json.z", *newer])


def _apart(work: Callable[..., Any], *given: Any) -> Any:
    """What the function returns in a process of its own, whose memory is only its own."""
    with mp.get_context("spawn").Pool(1) as pool:
        return pool.apply(work, given)


def _peak_mb() -> float:
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1000


def _ms(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - start)


def _timed(work: Callable[[], object]) -> tuple[float, float]:
    walls, processor = list[float](), list[float]()
    for _ in range(_RUNS):
        before = time.process_time()
        walls.append(_ms(work))
        processor.append(1000 * (time.process_time() - before))
    return _p95(walls), median(processor)


def _p95(values: list[float]) -> float:
    return quantiles(values, n=20, method="inclusive")[-1]


def _row(
    name: str,
    ours: float,
    other: float,
    unit: str,
    *,
    target: float = 1.0,
    less: bool | None = None,
    **more: str,
) -> dict[str, Any]:
    """By default `ours` may be at most `other`; a target above 1 asks for that many times as much,
    or with `less` for at most that many times."""
    ratio = ours / other
    at_most = target == 1.0 if less is None else less
    return {
        "row": name,
        "ours": round(ours, 1),
        "other": round(other, 1),
        "unit": unit,
        "ratio": round(ratio, 3),
        "target": target,
        "holds": ratio <= target if at_most else ratio >= target,
        **more,
    }
