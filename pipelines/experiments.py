"""The judge of experiments: reads the lake, keeps a verdict, ends what is to be ended."""

from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any

import polars as pl
import structlog

from pipelines.analyses.experiments import Known, experiments, read
from pipelines.lake.fresh import fresh
from pipelines.lake.read import Lake
from pipelines.lake.store import open_store
from pipelines.metrics.experiments import ReadOut
from voice_ai.context import Context
from voice_ai.db.connect import Db, Row, connect
from voice_ai.errors import BadInput, Refused
from voice_ai.experiments.power import needed_always_valid
from voice_ai.experiments.verdict import Verdict
from voice_ai.store import experiments as books
from voice_ai.store.alerts import Severity, clear_alert, open_alerts, raise_alert

log = structlog.get_logger(__name__)
JUDGE = "flow judge-experiments"
# From so many leads on the control's own share is what the rest is planned with.
_LEAST_MEASURED = 100
_TOLD = timedelta(days=1)
_SEVERITY: dict[str, Severity] = {"harm": "page", "shares": "page"}


def judge_experiments(context: Context) -> list[dict[str, Any]]:
    """One look at every experiment that goes on: experiment, campaign, verdict, why, stopped.

    The lake is brought up to date first. Raises Refused, NotAvailable.
    """
    url, now = context.role_url("flows"), context.clock.now()
    with connect(url, name="voice-ai experiments", autocommit=True) as db:
        rows = [
            row
            for row in books.experiments(db, running=True)
            if row["rehearsal"] == context.rehearsal
        ]
        _forget(db, rows, now)
        if not rows:
            return []
        store = open_store(context.settings.lake_url, context.settings.home)
        lake = fresh(url, store, now=now).lake
        return look(db, lake, rows, now=now)


def look(db: Db, lake: Lake, rows: list[Row], *, now: datetime) -> list[dict[str, Any]]:
    """Judges these rows of `experiments` by what the lake knows of them; one it does not know yet
    is left for the next look. `db` in autocommit."""
    known = {one.experiment_id: one for one in experiments(lake)}
    found = []
    for row in rows:
        one = known.get(str(row["id"]))
        if one is not None:
            found.append(_look(db, lake, row, one, now))
    return found


def _look(db: Db, lake: Lake, row: Row, known: Known, now: datetime) -> dict[str, Any]:
    so_far = read(lake, known)
    planned = row["planned_n"] or planned_for(row, so_far)
    if planned != known.rules.planned:
        so_far = read(lake, replace(known, rules=replace(known.rules, planned=planned)))
    verdict = so_far.verdict
    told = {
        "kind": verdict.kind,
        "arm": verdict.arm,
        "why": verdict.why,
        "figures": _figures(so_far),
    }
    books.note_look(db, row, told, planned, by=JUDGE, now=now)
    stops = verdict.stops and (row["stop"] == "automatic" or verdict.kind == "harm")
    if stops:
        stops = _stop(db, row, verdict, now)
    _tell(db, row, verdict, stopped=stops, now=now)
    return {
        "experiment": row["name"],
        "campaign": row["campaign"],
        "verdict": verdict.kind,
        "arm": verdict.arm,
        "why": verdict.why,
        "stopped": stops,
    }


def _forget(db: Db, running: list[Row], now: datetime) -> None:
    """Alerts that told an end are over when people have had a day to read them."""
    open_still = {books.alert_of(row["id"]) for row in running}
    for alert in open_alerts(db, books.ALERTS):
        if alert["name"] not in open_still and now - alert["raised_at"] > _TOLD:
            clear_alert(db, alert["name"], now=now)


def planned_for(row: Row, so_far: ReadOut | None) -> int | None:
    """Leads per arm for the stated effect, by the stated baseline, else by the control's own share
    once it has enough leads; None while neither is known."""
    baseline = row["baseline"]
    if baseline is None and so_far is not None:
        control = so_far.arms.row(by_predicate=pl.col("arm") == so_far.control, named=True)
        if control["leads"] >= _LEAST_MEASURED:
            baseline = control["goals"] / control["leads"]
    if baseline is None or row["minimal_effect"] is None:
        return None
    try:
        return needed_always_valid(
            baseline, row["minimal_effect"], row["alpha"], row["power"], len(row["arms"])
        )
    except BadInput:  # a control without any goal, or that nothing can be added to
        return None


def _stop(db: Db, row: Row, verdict: Verdict, now: datetime) -> bool:
    harmful = [verdict.arm] if verdict.kind == "harm" and verdict.arm else []
    winner = verdict.arm if verdict.kind == "winner" else None
    try:
        books.stop(
            db, row["id"], reason=verdict.why, by=JUDGE, now=now, winner=winner, harmful=harmful
        )
    except Refused:  # somebody was faster
        log.info("experiment_stopped_before", experiment=row["name"])
    return True


def _tell(db: Db, row: Row, verdict: Verdict, *, stopped: bool, now: datetime) -> None:
    name = books.alert_of(row["id"])
    if not verdict.stops:
        clear_alert(db, name, now=now)
        return
    ends = "it was stopped" if stopped else "`voice-ai experiment stop` ends it"
    summary = f"experiment {row['name']} of {row['campaign']}: {verdict.why}; {ends}"
    severity = _SEVERITY.get(verdict.kind, "ticket")
    raise_alert(db, name, summary, severity=severity, now=now)


def _figures(so_far: ReadOut) -> dict[str, Any]:
    """What the verdict rests on, for the row and the audit log: counts, no persons."""
    columns = ("arm", "share", "leads", "goals", "opt_outs", "hang_ups")
    return {
        "arms": so_far.arms.select(columns).to_dicts(),
        "differences": {arm: asdict(one) for arm, one in so_far.verdict.differences.items()},
        "guards": so_far.verdict.guards,
        "srm_p": so_far.verdict.srm_p,
    }
