"""A model that a server refuses: an alert, a line of the health, a gauge; the calls go on."""

from pathlib import Path

from prometheus_client import generate_latest

from dialer.health import models_of
from dialer.metrics import ServerMetrics
from dialer.model_alerts import tell_refusals
from dialer.scrape import _models
from ml.serving import ModelServer
from tests.integration.dialer_parts import House
from tests.unit.test_ml_serving import put

pytest_plugins = ("tests.integration.dialer_fixtures",)


async def test_a_refused_model_is_told_until_it_is_mended(dialer: House, tmp_path: Path) -> None:
    pointer = tmp_path / "models" / "intent" / "champion.json"
    pointer.parent.mkdir(parents=True)
    pointer.write_text('{"task": "intent"')
    models, metrics = ModelServer(tmp_path), ServerMetrics()
    (news,) = models.refresh()
    assert "the new champion is refused, nothing is served" in news
    for _ in range(2):  # a server that is started again says the same
        assert await tell_refusals(models, dialer.pool, dialer.clock)
    (alert,) = dialer.office.db.execute("SELECT * FROM alerts").fetchall()
    assert (alert["name"], alert["count"]) == ("models.serving.intent", 1)
    assert "intent is refused, keywords stand in: champion.json cannot be read" in alert["summary"]
    assert models_of(models).reason == "refused: intent; keywords stand in"
    _models(metrics, models)
    assert b'voice_ai_model_refused{task="intent"} 1.0' in generate_latest(metrics.registry)

    put(tmp_path, "1")
    assert models.refresh() == ["intent: serving version 1"]
    await tell_refusals(models, dialer.pool, dialer.clock)
    (alert,) = dialer.office.db.execute("SELECT * FROM alerts").fetchall()
    assert alert["cleared_at"] == dialer.clock.now()
    _models(metrics, models)
    assert b'voice_ai_model_refused{task="intent"} 0.0' in generate_latest(metrics.registry)
