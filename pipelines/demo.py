"""A rehearsed campaign from a lead file to its report, with the calls in processes of their own.

Every run has a seller of its own, so that opt-outs and attempt caps of an earlier run do not
change what a seed gives: the same file and seed end in the same counts.
"""

import getpass
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ml.tasks import TASKS
from pipelines import samples, stage
from voice_ai.campaigns import parse_campaign
from voice_ai.context import Context, open_context
from voice_ai.db import connect, queries
from voice_ai.db.connect import Db
from voice_ai.errors import NotAvailable, Refused
from voice_ai.ids import CampaignId
from voice_ai.processes import Supervisor
from voice_ai.store import campaigns as store

_SQL = queries("demo")
_STALL_S = 120.0
_POLL_S = 0.5
_MODELS_S = 60.0
# Longer than a start waits for its pre-flight.
_START_S = 75.0
# Fast enough for two cores to carry the audio of all calls that overlap.
_CALLS_PER_SECOND = 7.0
_MAX_CONCURRENT = 150
# Rehearsal seconds per real second.
_SPEED = 1.5


@dataclass(frozen=True)
class DemoResult:
    """Counts of one demo. Attempts that the carrier never took are counted apart."""

    campaign: str
    imported: int
    rejected: int
    duplicates: int
    attempts: int
    not_dialed: int
    calls_by_status: dict[str, int]
    dispositions: dict[str, int]
    decisions_by_reason: dict[str, int]
    turns: int
    events: int
    report: str
    seconds: float

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def in_words(self) -> str:
        lines = [
            f"{self.campaign}: {self.attempts:,} calls in {self.seconds:.0f} s, "
            f"{self.turns:,} turns, {self.events:,} events.",
            f"Leads: {self.imported:,} imported, {self.rejected:,} rejected, "
            f"{self.duplicates:,} duplicates.",
            "Outcomes: " + ", ".join(f"{k} {v:,}" for k, v in self.dispositions.items()),
            f"Report: {self.report}",
        ]
        return "\n".join(lines)


def run_demo(leads: Path, *, calls: int, seed: int, report: Path | None, faults: str) -> DemoResult:
    """Raises VoiceAIError in one sentence when the file, the home or the machine is in the way."""
    from pipelines.imports import preview

    started = time.monotonic()
    preview(leads)  # a file that cannot be read is said before anything is started
    with open_context(anchor=True, speed=_SPEED) as context:
        stage.refuse_second_dialer(context)
        _stop_left_overs(context)
        number = _demos_so_far(context) + 1
        out = report or context.settings.home / "reports" / f"demo-{number}.html"
        plan = DemoPlan(context, number, f"Demo {number}", leads, calls, seed, faults, out)
        imported, campaign_id = _rehearse(plan, Console(stderr=True))
        with connect(context.owner_url, name="voice-ai demo") as db:
            counts = _counts(db, campaign_id)
    return DemoResult(
        campaign=plan.name,
        imported=imported["accepted"],
        rejected=sum(imported["rejected_by_reason"].values()),
        duplicates=imported["duplicates"],
        **counts,
        report=str(out),
        seconds=round(time.monotonic() - started, 1),
    )


@dataclass(frozen=True)
class DemoPlan:
    """What one demo is about."""

    context: Context
    number: int
    name: str
    leads: Path
    calls: int
    seed: int
    faults: str
    report: Path


def _rehearse(plan: DemoPlan, console: Console) -> tuple[dict[str, Any], CampaignId]:
    """Import, train, call, report: the flows in this process, the calls in three others."""
    from pipelines.flows.local import prefect_session, start_server

    home = plan.context.settings.home
    with Supervisor(home) as supervisor, start_server(home) as prefect:
        # The first training takes as long as Prefect's start: they overlap, and the flow then
        # waits for it and finds the champions there.
        training = threading.Thread(target=_train_early, args=(plan.context,), daemon=True)
        training.start()
        ports = stage.free_ports()
        children = stage.start_calls(
            supervisor, plan.context, ports, seed=plan.seed, faults=plan.faults
        )
        console.print(f"{plan.name}: importing {plan.leads.name}, training models …")
        with prefect_session(prefect):
            imported = _prepare(plan)
        supervisor.wait_ready(*children)
        _wait_for_models(ports.server)
        campaign_id = _create(plan)
        with _stopped_afterwards(plan.context, campaign_id):
            _call(plan.context, campaign_id, plan.calls, console)
        console.print("Writing the report …")
        with prefect_session(prefect):
            _report(plan)
    return imported, campaign_id


def _train_early(context: Context) -> None:
    from ml.train import ensure_champions

    ensure_champions(context.settings, lambda share, sentence: None)


def _prepare(plan: DemoPlan) -> dict[str, Any]:
    from pipelines.flows.imports import import_leads_flow
    from pipelines.flows.models import train_models_flow

    imported = import_leads_flow(
        str(plan.leads.resolve()), plan.name, seller=plan.name, attested_by=getpass.getuser()
    )
    train_models_flow()
    return imported


def _report(plan: DemoPlan) -> None:
    from pipelines.flows.reports import build_report_flow

    plan.report.parent.mkdir(parents=True, exist_ok=True)
    build_report_flow(plan.name, str(plan.report.resolve()))


def _wait_for_models(port: int) -> None:
    """Every call is to be heard by the same models: none begins before they are served."""
    until = time.monotonic() + _MODELS_S
    url = f"http://127.0.0.1:{port}/api/voice-ai/model-status"
    while time.monotonic() < until:
        status = httpx.get(url, timeout=10, trust_env=False).json()
        if all(status.get(t, {}).get("serving") for t, task in TASKS.items() if task.has_data):
            return
        time.sleep(_POLL_S)
    raise NotAvailable("the server does not serve the models; see logs/server.log in the home")


def _demos_so_far(context: Context) -> int:
    with connect(context.owner_url, name="voice-ai demo") as db:
        row = db.execute(_SQL.demos_so_far).fetchone()
    return int(row["n"]) if row else 0


def _stop_left_overs(context: Context) -> None:
    """Demos that were killed must not go on beside the new one."""
    with connect(context.owner_url, name="voice-ai demo", autocommit=True) as db:
        db.execute(_SQL.stop_left_overs, {"now": context.clock.now()})


def _create(plan: DemoPlan) -> CampaignId:
    text = samples.campaign_yaml(
        plan.name,
        seller=plan.name,
        leads=plan.name,
        line=plan.number,
        max_concurrent=_MAX_CONCURRENT,
        calls_per_second=_CALLS_PER_SECOND,
        max_leads=plan.calls,
    )
    campaign = parse_campaign(text, source="demo", folder=Path())
    context = plan.context
    with connect(context.role_url("app"), name="voice-ai demo", autocommit=True) as db:
        now, by = context.clock.now(), getpass.getuser()
        made = store.create_campaign(db, context.keyring, campaign, by=by, now=now, rehearsal=True)
        command = store.ask(db, "start", made.id, by=by, now=now)
        outcome = store.answer_of(db, command, timeout=_START_S) or ""
    if outcome.startswith("refused"):
        raise Refused(f"the demo cannot start: {outcome.removeprefix('refused: ')}")
    return made.id


@contextmanager
def _stopped_afterwards(context: Context, campaign_id: CampaignId) -> Iterator[None]:
    try:
        yield
    finally:
        with connect(context.role_url("app"), name="voice-ai demo", autocommit=True) as db:
            now: datetime = context.clock.now()
            command = store.ask(db, "stop", campaign_id, by=getpass.getuser(), now=now)
            store.answer_of(db, command, timeout=5.0)


def _call(context: Context, campaign_id: CampaignId, calls: int, console: Console) -> None:
    """Waits until the simulator has accepted that many calls and all of them have ended."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with (
        Progress(*columns, console=console) as bar,
        connect(context.role_url("app"), name="voice-ai demo", autocommit=True) as db,
    ):
        task = bar.add_task("Calls finished", total=calls)

        def show(finished: int, live: int) -> None:
            bar.update(task, completed=finished, description=f"Calls finished ({live} live)")

        wait_for_calls(db, campaign_id, calls, show)


def wait_for_calls(
    db: Db,
    campaign_id: CampaignId,
    calls: int,
    show: Callable[[int, int], None],
    *,
    sleep: Callable[[float], None] = time.sleep,
    monotonic: Callable[[], float] = time.monotonic,
) -> None:
    """Returns when all calls are over, or when the list has no lead left that may be called.

    Raises NotAvailable when nothing moves any more.
    """
    last, moved_at = None, monotonic()
    while True:
        row = db.execute(_SQL.progress, {"campaign_id": campaign_id}).fetchone()
        assert row is not None
        show(row["finished"], row["live"])
        if row["live"] == 0 and (row["accepted"] >= calls or row["state"] == "completed"):
            return
        now = (row["accepted"], row["finished"], row["live"], row["turns"])
        if now != last:
            last, moved_at = now, monotonic()
        elif monotonic() - moved_at > _STALL_S:
            raise NotAvailable(
                f"the campaign has not moved for {_STALL_S:.0f} s; see logs/dialer.log and"
                " logs/server.log in the home"
            )
        sleep(_POLL_S)


def _counts(db: Db, campaign_id: CampaignId) -> dict[str, Any]:
    def by(query: str) -> dict[str, int]:
        rows = db.execute(query, {"campaign_id": campaign_id}).fetchall()
        return {row["name"]: row["n"] for row in rows}

    totals = db.execute(_SQL.totals, {"campaign_id": campaign_id}).fetchone()
    assert totals is not None
    return {
        "attempts": totals["attempts"],
        "not_dialed": totals["not_dialed"],
        "turns": totals["turns"],
        "events": totals["events"],
        "calls_by_status": by(_SQL.calls_by_status),
        "dispositions": by(_SQL.dispositions),
        "decisions_by_reason": by(_SQL.decisions_by_reason),
    }
