"""Health: every component with its state and its reason, quickly, whatever is broken."""

import asyncio
import time
from datetime import timedelta
from pathlib import Path

import pytest

from dialer.health import Component, Remembered, Watched, database_of, drift_of
from tests.integration.dialer_parts import House, until
from tests.integration.test_dialer_server import Server, server
from voice_ai import vitals
from voice_ai.store.workers import Presence
from voice_ai.vitals import Disk, disk_of

pytest_plugins = ("tests.integration.dialer_fixtures",)
pytestmark = pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning")

COMPONENTS = {
    "database",
    "redis",
    "carrier",
    "speech",
    "models",
    "drift",
    "opt_out_spool",
    "dialer",
    "pages",
    "flows",
    "disk",
    "queue",
    "events",
}


async def components(running: Server) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = (await running.http.get("/api/health")).json()[
        "components"
    ]
    return found


async def test_every_component_has_a_state_a_reason_and_its_figures(
    dialer: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with server(dialer, monkeypatch) as running:
        presence = Presence(dialer.url, "flows")
        await presence.beat()
        parts = await components(running)
        await presence.leave()
    assert set(parts) == COMPONENTS
    assert all({"ok", "state", "reason"} <= set(part) for part in parts.values())
    states = {name: part["state"] for name, part in parts.items()}
    assert states["database"] == states["carrier"] == states["speech"] == "ok"
    assert states["redis"] == states["pages"] == states["drift"] == "off"
    assert parts["database"]["bytes"]
    assert parts["flows"]["alive"] == 1
    assert "voice-ai app" in str(parts["pages"]["reason"])
    assert parts["redis"]["reason"] == "not used"


def test_drift_is_a_warning_with_its_sentence_and_never_a_fall() -> None:
    assert drift_of(None).state == "warn"
    assert drift_of(Watched([], [])).body()["ok"]
    drifted = drift_of(Watched([{}], ["The emotion model has moved away"])).body()
    assert (drifted["ok"], drifted["state"]) == (True, "warn")
    assert drifted["reason"] == "The emotion model has moved away"
    assert drift_of(Watched([{}], [])).state == "ok"


async def test_the_watch_over_models_is_read_with_its_open_alerts(
    dialer: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = dialer.office.db
    for name, rehearsal in (
        ("ModelDrift emotion rehearsal 3", True),
        ("ModelDrift x live 1", False),
    ):
        db.execute(
            "INSERT INTO alerts (name, severity, summary, count, raised_at)"
            " VALUES (%s, 'ticket', %s, 1, now())",
            (name, name),
        )
        db.execute(
            "INSERT INTO model_watch (day, rehearsal, task, model_version, measure, value, n,"
            " verdict, detail, made_at) VALUES ('2026-11-24', %s, 'emotion', '3', 'psi_score', 0.4,"
            " 5000, 'act', '{}', now())",
            (rehearsal,),
        )

    async def drift(running: Server) -> dict[str, object] | None:
        part = (await components(running))["drift"]
        return part if "measures" in part else None  # the database has answered

    async with server(dialer, monkeypatch) as running:
        part = await until(lambda: drift(running))
        exposed = (await running.http.get("/metrics")).text
    assert (part["ok"], part["state"], part["measures"]) == (True, "warn", 1)
    assert part["reason"] == "ModelDrift emotion rehearsal 3"
    labels = 'measure="score",task="emotion",version="3"'
    assert f"voice_ai_model_psi{{{labels}}} 0.4" in exposed


async def test_a_second_look_is_quick_and_many_looks_ask_others_once(
    dialer: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with server(dialer, monkeypatch) as running:
        await components(running)
        started = time.perf_counter()
        answers = await asyncio.gather(*(running.http.get("/api/health") for _ in range(5)))
        took = time.perf_counter() - started
    assert [answer.status_code for answer in answers] == [200] * 5
    assert took < 5, "a bound that only a hanging look misses"


async def test_a_command_that_waits_too_long_wants_attention_but_takes_no_call_away(
    dialer: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    dialer.office.db.execute(
        "INSERT INTO commands (kind, asked_by, asked_at) VALUES ('pause', 'ana', %s)",
        (dialer.clock.now() - timedelta(seconds=30),),
    )
    async with server(dialer, monkeypatch) as running:
        answer = await running.http.get("/api/health")
    queue = answer.json()["components"]["queue"]
    assert answer.status_code == 200
    assert (queue["state"], queue["commands"]) == ("warn", 1)
    assert "waits for 30 s" in queue["reason"]


async def test_a_full_disk_takes_the_server_out_of_service(
    dialer: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with server(dialer, monkeypatch) as running:
        monkeypatch.setattr(vitals, "FULL_BYTES", 2**63)
        answer = await running.http.get("/api/health")
    assert answer.status_code == 503
    assert answer.json()["components"]["disk"]["state"] == "down"


async def test_a_redis_that_was_asked_for_and_is_gone_is_named(
    dialer: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    async with server(dialer, monkeypatch) as running:

        async def redis() -> dict[str, object] | None:
            part = (await components(running))["redis"]
            return part if part["state"] == "down" else None

        assert "REDIS_URL" in str((await until(redis))["reason"])


async def test_while_the_first_answer_is_slow_the_one_before_is_given() -> None:
    gate, asked = asyncio.Event(), []

    async def ask() -> int:
        asked.append(1)
        await gate.wait()
        return 7

    slow = Remembered(ask, fresh_s=100)
    assert await slow.look(0.01) is None
    assert await slow.look(0.01) is None
    gate.set()
    assert await slow.look(20) == 7
    assert await slow.look(20) == 7
    assert len(asked) == 1


def test_the_disk_turns_amber_below_a_tenth_and_red_when_nothing_fits(tmp_path: Path) -> None:
    whole = 100 * 10**9
    assert [Disk(whole, free).state for free in (whole // 2, whole // 20, 1000)] == [
        "ok",
        "warn",
        "down",
    ]
    assert "nearly full" in Disk(whole, whole // 20).sentence()
    assert disk_of(tmp_path / "not" / "yet").total_bytes > 0


def test_a_state_decides_whether_it_is_well_unless_told_otherwise() -> None:
    assert [Component(state, "").body()["ok"] for state in ("ok", "warn", "down", "off")] == [
        True,
        True,
        False,
        False,
    ]
    assert database_of("does not answer", None).body()["ok"] is False
