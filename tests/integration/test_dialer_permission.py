"""Nobody real is called by accident: what counts as a rehearsal, and what live calls need."""

from collections.abc import Callable

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dialer.permission import (
    SIMULATOR_URL,
    carrier_base_url,
    confirm_carrier,
    is_rehearsal,
    speech_access,
)
from dialer.simulator.config import SimulatorConfig
from tests.integration.dialer_parts import ACCOUNT, serving
from tests.integration.sim_carrier import carrier
from voice_ai.carrier_account import carrier_credentials
from voice_ai.errors import Refused
from voice_ai.settings import Settings
from voice_ai.vault import Keyring

Say = Callable[..., Settings]


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Say:
    """The settings of a process with this environment."""

    def of(**environment: str) -> Settings:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        return Settings.read()

    return of


def saying(status: int, text: str, location: str = "/") -> Starlette:
    async def answer(request: Request) -> Response:
        return Response(text, status, {"Location": location}, media_type="application/json")

    return Starlette(routes=[Route("/{path:path}", answer)])


async def test_the_simulator_is_a_rehearsal_and_needs_no_permission(
    settings: Say, keyring: Keyring
) -> None:
    async with carrier(SimulatorConfig(port=0)) as simulator:
        access = await confirm_carrier(settings(TWILIO_BASE_URL=simulator.url), keyring)
    assert (access.rehearsal, access.base_url) == (True, simulator.url)
    assert access.account_sid.startswith("AC")
    assert len(access.account_sid) == 34


NOT_A_REHEARSAL = [
    pytest.param(200, '{"rehearsal": false}', id="says no"),
    pytest.param(200, '{"rehearsal": "true"}', id="only the word"),
    pytest.param(200, '{"rehearsal": 1}', id="a number"),
    pytest.param(200, "{}", id="says nothing"),
    pytest.param(200, "[true]", id="a list"),
    pytest.param(200, "null", id="null"),
    pytest.param(200, "<html>", id="a page"),
    pytest.param(404, '{"rehearsal": true}', id="not found"),
    pytest.param(500, '{"rehearsal": true}', id="broken"),
    pytest.param(201, '{"rehearsal": true}', id="created"),
]


@pytest.mark.parametrize(("status", "text"), NOT_A_REHEARSAL)
async def test_anything_else_counts_as_live(
    settings: Say, keyring: Keyring, status: int, text: str
) -> None:
    async with serving(saying(status, text)) as address:
        assert await is_rehearsal(address) is False
        with pytest.raises(Refused, match="VOICE_AI_LIVE_CALLS=yes"):
            await confirm_carrier(settings(TWILIO_BASE_URL=address), keyring)


async def test_an_answer_from_elsewhere_is_not_this_carriers(
    settings: Say, keyring: Keyring
) -> None:
    async with carrier(SimulatorConfig(port=0)) as simulator:
        elsewhere = saying(302, "", f"{simulator.url}/rehearsal")
        async with serving(elsewhere) as address:
            assert await is_rehearsal(address) is False


async def test_a_carrier_that_is_not_there_is_not_dialed(settings: Say, keyring: Keyring) -> None:
    with pytest.raises(Refused, match="voice-ai simulator"):
        await confirm_carrier(settings(TWILIO_BASE_URL="http://127.0.0.1:1"), keyring)


@pytest.mark.parametrize("word", ["no", "true", "1", "YES", " yes"])
async def test_only_the_exact_word_permits_live_calls(
    settings: Say, keyring: Keyring, word: str
) -> None:
    async with serving(saying(404, "{}")) as address:
        live = settings(
            TWILIO_BASE_URL=address,
            VOICE_AI_LIVE_CALLS=word,
            TWILIO_ACCOUNT_SID=ACCOUNT,
            TWILIO_AUTH_TOKEN="secret",
        )
        with pytest.raises(Refused):
            await confirm_carrier(live, keyring)


async def test_live_calls_need_permission_and_credentials(settings: Say, keyring: Keyring) -> None:
    async with serving(saying(404, "{}")) as address:
        permitted = settings(TWILIO_BASE_URL=address, VOICE_AI_LIVE_CALLS="yes")
        with pytest.raises(Refused, match="TWILIO_ACCOUNT_SID"):
            await confirm_carrier(permitted, keyring)
        whole = settings(TWILIO_ACCOUNT_SID=ACCOUNT, TWILIO_AUTH_TOKEN="secret")
        access = await confirm_carrier(whole, keyring)
    assert (access.rehearsal, access.account_sid, access.auth_token) == (False, ACCOUNT, "secret")


async def test_credentials_alone_reach_the_vendor_only_with_permission(
    settings: Say, keyring: Keyring
) -> None:
    mine = settings(TWILIO_ACCOUNT_SID=ACCOUNT, TWILIO_AUTH_TOKEN="secret")
    assert carrier_base_url(mine) is None
    with pytest.raises(Refused, match="Twilio itself"):
        await confirm_carrier(mine, keyring)


def test_without_credentials_the_simulator_is_meant(settings: Say, keyring: Keyring) -> None:
    plain = settings()
    assert carrier_base_url(plain) == SIMULATOR_URL
    assert speech_access(plain).base_url == SIMULATOR_URL
    sid, token = carrier_credentials(plain, keyring)
    assert carrier_credentials(plain, keyring) == (sid, token)
    assert carrier_credentials(plain, Keyring(b"another home's secret, 32 bytes.")) != (sid, token)


def test_half_of_the_credentials_is_none(settings: Say, keyring: Keyring) -> None:
    half = settings(TWILIO_ACCOUNT_SID=ACCOUNT)
    assert carrier_base_url(half) == SIMULATOR_URL
    assert carrier_credentials(half, keyring)[0] != ACCOUNT
