"""The command as a process of its own: ready line, taken port, orderly end, a call on uvloop."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import pytest

from tests.integration.sim_carrier import Application, Carrier, Phone, application, speak

COMMAND = [
    sys.executable,
    "-c",
    "import typer; from dialer.simulator.commands import simulator; typer.run(simulator)",
]


@contextmanager
def simulator(*options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    with subprocess.Popen(
        [*COMMAND, "--port", "0", "--json", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            yield process, json.loads(process.stdout.readline())["url"]
        finally:
            process.kill()


@pytest.fixture
async def app() -> AsyncIterator[Application]:
    async with application() as running:
        yield running


async def test_a_call_completes_on_the_command_and_sigterm_ends_it(app: Application) -> None:
    with simulator("--speed", "8", "--seed", "3") as (process, url):
        line = Carrier(url)
        assert (await line.get("/rehearsal"))["rehearsal"] is True
        assert (await line.get("/rehearsal"))["seed"] == 3
        question = await speak(line, "Hello, are you there?")

        async def talk(phone: Phone) -> None:
            await phone.read_until("start")
            await phone.play(question)
            await phone.mark("done")
            await phone.read_until("mark")

        app.talk = talk
        for number in range(8):
            await line.place(f"+1415555{number:04}", **app.order(timeout=15))
        verdict = await line.ended(8)
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""
    assert sum(verdict["by_status"].values()) == 8
    assert verdict["by_status"]["completed"] >= 1
    assert any(phone.of("mark") for phone in app.phones)
    assert all(phone.signed for phone in app.phones)


def test_a_taken_port_is_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        program = (
            "import sys\n"
            "from dialer.simulator.commands import simulator\n"
            "from voice_ai.errors import VoiceAIError\n"
            "try:\n"
            f"    simulator(port={port})\n"
            "except VoiceAIError as error:\n"
            "    sys.stderr.write(error.message)\n"
            "    sys.exit(error.exit_code)\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False
        )
    assert done.returncode == 1
    assert done.stderr == f"Port {port} on 127.0.0.1 is taken; choose another with --port"
    assert done.stdout == ""


async def test_the_manifest_says_what_is_known_and_what_is_assumed() -> None:
    with simulator() as (_, url):
        manifest = await Carrier(url).get("/simulator/manifest")
    assert set(manifest) == {"spec", "capture", "assumption", "absent"}
    assert all(each["what"] and each["detail"] for part in manifest.values() for each in part)
