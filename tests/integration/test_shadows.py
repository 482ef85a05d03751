"""Candidates that listen in a running server: wired, told to people, and never in a call's way."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from dialer.media_route import authorise, call_log
from dialer.metrics import ShadowMetrics
from dialer.ports import StreamStart, TurnRecord
from dialer.shadows import Shadows
from ml.candidates import CHALLENGER, SHADOW, Candidate, write_candidate
from ml.serving import ModelServer
from tests.factories import NOW
from tests.integration.dialer_parts import House, until
from tests.integration.rollout_home import candidate, champion
from tests.integration.test_dialer_server import dialed, server
from voice_ai.db.connect import open_pool
from voice_ai.ids import AttemptId
from voice_ai.settings import Settings

pytest_plugins = ("tests.integration.dialer_fixtures",)
pytestmark = pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning")


def home_with(slot: Any, share: float = 0.0, *, bad: bool = True) -> Path:
    home = Settings.read().home
    champion(home)
    pinned = candidate(home, bad=bad)
    write_candidate(home, slot, Candidate("intent", "2", pinned.manifest_sha256, share))
    return home


def said(models: ModelServer, index: int, text: str = "Yes please.") -> TurnRecord:
    intent = models.predict("intent", text)
    return TurnRecord(index, "caller", "opening", text, NOW, NOW, intent=intent)


async def test_a_server_lets_a_challenger_answer_and_keeps_both_words(
    dialer: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    home_with(CHALLENGER, 100.0)
    attempt_id = await dialed(dialer)
    async with server(dialer, monkeypatch) as running:
        parts = running.parts
        token = parts.urls.token(attempt_id)
        start = StreamStart("MZ1", "CA1", "AC1", {"attempt_id": str(attempt_id), "token": token})
        setup = await authorise(parts, start)
        assert setup is not None
        heard = setup.mind(parts.mind).understand("Yes please.")
        assert heard.intent is not None
        assert (heard.intent.label, heard.intent.slot) == ("opt_out", "challenger")
        turn = TurnRecord(0, "caller", "opening", "Yes please.", NOW, NOW, intent=heard.intent)
        await call_log(parts, setup).turn(turn)
        await parts.shadows.catch_up()
        models = (await running.http.get("/api/health")).json()["components"]["models"]
        exposed = (await running.http.get("/metrics")).text
    (kept,) = dialer.office.rows("SELECT slot, model_version, label FROM model_predictions")
    assert kept == {"slot": "challenger", "model_version": "2", "label": "opt_out"}
    (word,) = dialer.office.rows("SELECT * FROM shadow_predictions")
    assert (word["label"], word["champion_label"], word["acted_on"]) == ("opt_out", "yes", True)
    assert models["reason"] == "serving intent 1; intent challenger 2 (100 % of the calls)"
    labels = 'task="intent",version="2"'
    assert f'candidate_share{{slot="challenger",{labels}}} 1.0' in exposed
    assert f'agrees="no",slot="challenger",{labels}}} 1.0' in exposed


async def test_a_full_queue_and_a_lost_database_drop_and_count(dialer: House) -> None:
    models = ModelServer(home_with(SHADOW))
    models.refresh()
    registry = CollectorRegistry()
    attempt_id = await dialed(dialer)
    shadows = Shadows(dialer.pool, dialer.clock, models, ShadowMetrics(registry), most_waiting=2)
    for index in range(3):
        shadows.offer(attempt_id, said(models, index))
    shadows.offer(attempt_id, TurnRecord(4, "agent", "opening", "Hello.", NOW, NOW))
    await shadows.catch_up()
    assert len(dialer.office.rows("SELECT FROM shadow_predictions")) == 2

    def dropped(reason: str) -> float | None:
        return registry.get_sample_value("voice_ai_shadow_dropped_total", {"reason": reason})

    assert dropped("queue_full") == 1
    nowhere = open_pool("postgresql://127.0.0.1:1/none", name="test", most=1, connect_timeout=1)
    await nowhere.open()
    nowhere.timeout = 0.05
    lost = Shadows(nowhere, dialer.clock, models, shadows.metrics)
    lost.offer(attempt_id, said(models, 0))
    await lost.catch_up()
    await nowhere.close()
    assert dropped("not_written") == 1


async def test_what_is_offered_is_scored_without_being_asked(dialer: House) -> None:
    models = ModelServer(home_with(SHADOW))
    models.refresh()
    attempt_id: AttemptId = await dialed(dialer)
    shadows = Shadows(dialer.pool, dialer.clock, models, ShadowMetrics(CollectorRegistry()))
    running = asyncio.create_task(shadows.run())
    shadows.offer(attempt_id, said(models, 0))

    async def written() -> object:
        return dialer.office.rows("SELECT FROM shadow_predictions") or None

    await until(written)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_broken_candidate_is_told_and_the_champion_serves(
    dialer: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = home_with(SHADOW)
    (home / "models" / "intent" / "2" / "model.skops").write_bytes(b"")
    async with server(dialer, monkeypatch) as running:
        models = (await running.http.get("/api/health")).json()["components"]["models"]
    assert models["state"] == "warn"
    assert models["reason"] == "serving intent 1; a candidate is refused: intent shadow"
