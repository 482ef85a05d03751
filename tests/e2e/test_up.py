"""`voice-ai up` as a user starts it: all comes up, the campaign moves, Ctrl-C leaves nothing."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from playwright.sync_api import expect, sync_playwright

from voice_ai.__main__ import run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

PORTS = ("app", "server", "simulator", "metrics", "flows", "models")


def free_ports() -> dict[str, int]:
    with ExitStack() as held:
        sockets = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in PORTS]
        return {name: s.getsockname()[1] for name, s in zip(PORTS, sockets, strict=True)}


class Up:
    """The running product: its first line of output and its process."""

    def __init__(self, home: Path, *more: str) -> None:
        self.ports = free_ports()
        self.home = home
        words = [w for name, port in self.ports.items() for w in (f"--{name}-port", str(port))]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "voice_ai", "up", "--json", *words, *more],
            env={**os.environ, "VOICE_AI_HOME": str(home)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.process.communicate()[1][-2000:]
        self.urls: dict[str, str] = json.loads(line)["urls"]

    def health(self) -> dict[str, Any]:
        answer = httpx.get(self.urls["health"], timeout=10)
        assert answer.status_code == 200
        body: dict[str, Any] = answer.json()
        return body


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    running = Up(tmp_path_factory.mktemp("up") / "home")
    yield running
    if running.process.poll() is None:
        running.process.send_signal(signal.SIGINT)
    running.process.communicate(timeout=60)


def test_health_names_each_component_and_its_reason(up: Up) -> None:
    body = up.health()
    assert body["status"] == "ok"
    assert body["rehearsal"] is True
    assert {"database", "dialer", "models", "opt_out_spool"} <= set(body["components"])
    assert all(part["reason"] for part in body["components"].values())
    assert "voice_ai_attempts" in httpx.get(up.urls["metrics"], timeout=10).text
    assert (
        "paths" in httpx.get(up.urls["health"].replace("health", "openapi.json"), timeout=10).json()
    )


def test_a_second_one_is_refused_in_one_sentence(
    up: Up, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [w for name, port in up.ports.items() for w in (f"--{name}-port", str(port))]
    assert run("up", words) == 1
    assert "is taken" in capsys.readouterr().err


def test_the_sample_campaign_moves_in_a_browser(up: Up) -> None:
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if chromium is None:
        pytest.skip("no Chromium; set CHROMIUM or put chromium on the PATH")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        page = browser.new_page()
        page.goto(up.urls["pages"] + "/campaign")
        page.get_by_text("list Sample leads").first.wait_for(timeout=60_000)
        before = page.inner_text("body")
        page.wait_for_function("before => document.body.innerText !== before", arg=before)
        browser.close()


def test_the_simulator_judges_that_nobody_rang_twice_at_once(up: Up) -> None:
    until = time.monotonic() + 60
    while (verdict := httpx.get(up.urls["simulator"], timeout=10).json())["accepted"] < 5:
        assert time.monotonic() < until
        time.sleep(0.2)
    assert verdict["max_live_per_number"] <= 1


def test_prefect_and_mlflow_follow_while_calls_go_on(up: Up) -> None:
    until = time.monotonic() + 150
    waiting = {up.urls["flows"] + "/api/health", up.urls["models"] + "/health"}
    while waiting:
        assert time.monotonic() < until, f"{waiting} did not come up"
        waiting -= {url for url in waiting if answers(url)}
        time.sleep(0.2)


def test_a_version_is_opened_by_its_address(up: Up) -> None:
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if chromium is None:
        pytest.skip("no Chromium; set CHROMIUM or put chromium on the PATH")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        page = browser.new_page(viewport={"width": 1280, "height": 2400})
        page.set_default_timeout(60_000)
        page.goto(up.urls["pages"] + "/models?task=emotion")
        page.get_by_text("Versions of emotion").wait_for()
        page.get_by_text("95 % bootstrap interval").wait_for()
        page.goto(up.urls["pages"] + "/model-version?task=emotion&version=1")
        page.get_by_text("Gate: passed").wait_for()
        expect(page.get_by_test_id("stMetricValue")).to_have_count(5, timeout=60_000)
        page.get_by_test_id("stVegaLiteChart").nth(2).wait_for()
        browser.close()


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5).is_success
    except httpx.TransportError:
        return False


def test_ctrl_c_leaves_no_process_behind(up: Up) -> None:
    children = psutil.Process(up.process.pid).children(recursive=True)
    assert len(children) >= 4
    up.process.send_signal(signal.SIGINT)
    assert up.process.wait(60) == 0
    gone, alive = psutil.wait_procs(children, timeout=20)
    assert not alive
    assert not processes_of(up.home)


def processes_of(home: Path) -> list[str]:
    """Command lines that name the home: its embedded servers among them."""
    until = time.monotonic() + 20
    while True:
        found = [
            " ".join(words)
            for process in psutil.process_iter(["cmdline"])
            if str(home) in " ".join(words := process.info["cmdline"] or [])
        ]
        if not found or time.monotonic() > until:
            return found
        time.sleep(0.2)
