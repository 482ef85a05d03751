"""What Prometheus is shown: documented, well-formed, counted where it happens, about nobody."""

import asyncio
import re
import shutil
import subprocess
from pathlib import Path
from uuid import UUID

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from dialer.adapters.elevenlabs import ElevenLabs, ElevenLabsOptions
from dialer.carrier import CarrierSilent, DialRequest, FailureKind, Rejected
from dialer.counted import CountedCarrier
from dialer.metrics import CarrierMetrics, ServerMetrics, SpeechMetrics, WorkerMetrics
from dialer.ports import SynthesisFailed, TurnRecord
from dialer.simulator.config import SimulatorConfig
from dialer.worker import outcome_of
from ml.serving import Prediction
from tests.factories import NOW
from tests.factories_app import CampaignFactory
from tests.integration.dialer_parts import House, ScriptedCarrier, new_sid
from tests.integration.sim_carrier import carrier
from tests.integration.test_dialer_server import server
from voice_ai.db.connect import open_pool
from voice_ai.ids import AttemptId

pytest_plugins = ("tests.integration.dialer_fixtures",)
pytestmark = pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning")

PAGE = Path(__file__).parents[2] / "docs" / "metrics-exported.md"


def names(exposed: str) -> set[str]:
    """Metrics in Prometheus' text format, under the names that queries use."""
    kinds = dict(re.findall(r"^# TYPE (\S+) (\S+)$", exposed, re.MULTILINE))
    return {
        name for name in kinds if name.startswith("voice_ai_") and not name.endswith("_created")
    }


async def everything(url: str) -> tuple[str, str]:
    """What server and dialer expose with every optional metric present."""
    pool = open_pool(url, name="test", most=2)
    both = ServerMetrics(Path("/")), WorkerMetrics(Path("/"))
    for metrics in both:
        metrics.watch({"test": pool})
    both[0].day.rows = [
        {
            "disposition": "goal",
            "goal": True,
            "reached_carrier": True,
            "n": 4,
            "timed": 4,
            "seconds": 200.0,
        }
    ]
    exposed = [generate_latest(metrics.registry).decode() for metrics in both]
    return exposed[0], exposed[1]


async def test_every_metric_is_on_the_page_and_the_page_invents_none(database_url: str) -> None:
    exported = set().union(*map(names, await everything(database_url)))
    # Not every machine shows its disks.
    exported.add("voice_ai_machine_disk_io_bytes_total")
    assert exported == set(re.findall(r"^\| `(\w+)`", PAGE.read_text(), re.MULTILINE))


async def test_promtool_finds_nothing_to_complain_of(database_url: str) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed")
    for exposed in await everything(database_url):
        done = await asyncio.to_thread(
            subprocess.run,
            [promtool, "check", "metrics"],
            input=exposed,
            capture_output=True,
            text=True,
        )
        assert (done.returncode, done.stdout + done.stderr) == (0, "")


async def test_the_last_day_is_counted_by_disposition(
    dialer: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with server(dialer, monkeypatch) as running:
        db = dialer.office.db
        CampaignFactory(db, start=NOW).campaign(leads=60, dialed=40, live=3)
        rows = db.execute(
            "SELECT disposition, count(*) AS n FROM attempts WHERE state = 'ended' GROUP BY 1"
        ).fetchall()
        exposed = (await running.http.get("/metrics")).text
    for row in rows:
        goal = "yes" if row["disposition"] == "goal" else "no"
        labels = f'disposition="{row["disposition"]}",goal="{goal}"'
        assert f"voice_ai_calls_last_day{{{labels}}} {float(row['n'])}" in exposed
    assert 'voice_ai_attempts{state="in_progress"} 1.0' in exposed
    assert 'voice_ai_processes_alive{kind="server"} 1.0' in exposed
    assert 'voice_ai_db_pool_connections{pool="server",state="max"} 16.0' in exposed


def value(registry: CollectorRegistry, name: str, **labels: str) -> float | None:
    return registry.get_sample_value(name, labels)


async def test_requests_to_the_carrier_are_counted_by_how_they_ended() -> None:
    registry, scripted = CollectorRegistry(), ScriptedCarrier()
    counted = CountedCarrier(scripted, CarrierMetrics(registry))
    request = DialRequest(AttemptId(UUID(int=1)), "+1", "+2", 20, 60, detect_machines=False)
    await counted.place(request)
    scripted.answer = lambda _: Rejected(FailureKind.RATE_LIMITED, 20429)
    await counted.place(request)
    scripted.silent = True
    with pytest.raises(CarrierSilent):
        await counted.fetch(new_sid())
    name = "voice_ai_carrier_requests_total"
    assert value(registry, name, operation="place", outcome="placed") == 1
    assert value(registry, name, operation="place", outcome="rate_limited") == 1
    assert value(registry, name, operation="fetch", outcome="silent") == 1
    assert value(registry, "voice_ai_carrier_request_seconds_count", operation="place") == 2


def test_the_watch_over_models_is_shown_as_it_was_measured_last() -> None:
    metrics = ServerMetrics()
    row = {"task": "emotion", "model_version": "3"}
    metrics.watched.fill(
        [
            {**row, "measure": "psi_labels", "value": 0.4, "verdict": "act"},
            {**row, "measure": "psi_score", "value": None, "verdict": "too_few"},
            {**row, "measure": "accuracy", "value": 0.8, "verdict": "stable"},
        ]
    )
    both = {"task": "emotion", "version": "3"}
    name = "voice_ai_model_psi"
    assert value(metrics.registry, name, **both, measure="labels") == 0.4
    assert value(metrics.registry, name, **both, measure="score") is None
    assert value(metrics.registry, "voice_ai_model_accuracy_ratio", **both) == 0.8
    assert value(metrics.registry, "voice_ai_model_drift", **both) == 2
    metrics.watched.fill([])
    assert value(metrics.registry, "voice_ai_model_drift", **both) is None


async def test_synthesis_is_counted_by_characters_latency_and_outcome() -> None:
    registry = CollectorRegistry()
    metrics = SpeechMetrics(registry)
    async with carrier(SimulatorConfig(port=0)) as simulator:
        options = ElevenLabsOptions(api_key="rehearsal", base_url=simulator.url)
        speech = ElevenLabs.connect(options, metrics)
        spoken = [piece async for piece in speech.voice("default").synthesise("Good morning")]
        assert spoken
        cut = speech.voice("default").synthesise("A long sentence that nobody listens to")
        await anext(cut)
        await cut.aclose()
        ears = await speech.open(language="en-US")
        await ears.close()
        await speech.close()
    gone = ElevenLabs.connect(
        ElevenLabsOptions(api_key="k", base_url="http://127.0.0.1:1"), metrics
    )
    with pytest.raises(SynthesisFailed):
        await anext(gone.voice("default").synthesise("Hello"))
    await gone.close()
    name = "voice_ai_speech_requests_total"
    for outcome in ("ok", "cut", "error"):
        assert value(registry, name, operation="synthesis", outcome=outcome) == 1, outcome
    assert value(registry, name, operation="recognition", outcome="ok") == 1
    assert value(registry, "voice_ai_speech_request_seconds_count", operation="synthesis") == 2
    assert value(registry, "voice_ai_speech_characters_total") == 55


def test_a_turn_tells_its_stages_and_what_the_models_heard() -> None:
    metrics = ServerMetrics()
    heard = Prediction("emotion", "joy", {"joy": 0.9}, 0.9, "voice-ai-emotion", "3", 250.0)
    metrics.talk.turn(
        TurnRecord(1, "caller", None, "yes", NOW, NOW, endpoint_ms=40, mind_ms=2, emotion=heard)
    )
    metrics.talk.turn(TurnRecord(2, "agent", "ask", "Good", NOW, NOW, response_ms=700))
    registry = metrics.registry
    stages = "voice_ai_turn_stage_seconds_count"
    assert value(registry, stages, stage="endpoint") == 1
    assert value(registry, stages, stage="response") == 1
    assert value(registry, stages, stage="transcript") is None
    labels = {"task": "emotion", "label": "joy", "version": "voice-ai-emotion:3"}
    assert value(registry, "voice_ai_predictions_total", **labels) == 1
    seconds = value(registry, "voice_ai_prediction_seconds_sum", task="emotion")
    assert seconds == pytest.approx(0.00025)


async def test_a_dialer_counts_what_it_claims_sends_and_asks(dialer: House) -> None:
    dialer.office.leads(1)
    dialer.office.campaign()
    claimed = await dialer.claim_one()
    assert outcome_of(await dialer.send(claimed)) == "placed"
    assert outcome_of(None) == "refused"
    assert outcome_of(Rejected(FailureKind.AUTH, None)) == "rejected"
