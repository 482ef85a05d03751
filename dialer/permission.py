"""Whom we may ring: a server that says it is a rehearsal, or, with permission, real people."""

from dataclasses import dataclass

import httpx

from voice_ai.carrier_account import carrier_credentials
from voice_ai.errors import Refused
from voice_ai.settings import Settings
from voice_ai.vault import Keyring

SIMULATOR_URL = "http://127.0.0.1:4010"
_ASK_TIMEOUT_S = 5.0


@dataclass(frozen=True)
class CarrierAccess:
    """Where the carrier is and how we sign in there. `base_url` None is the vendor itself."""

    base_url: str | None
    account_sid: str
    auth_token: str
    rehearsal: bool


@dataclass(frozen=True)
class SpeechAccess:
    base_url: str | None
    api_key: str


def speech_access(settings: Settings) -> SpeechAccess:
    """The speech vendor; without a key the simulator, so that nothing leaves the machine."""
    if settings.elevenlabs_api_key is None:
        return SpeechAccess(settings.elevenlabs_base_url or SIMULATOR_URL, "rehearsal")
    return SpeechAccess(
        settings.elevenlabs_base_url, settings.elevenlabs_api_key.get_secret_value()
    )


def carrier_base_url(settings: Settings) -> str | None:
    if settings.twilio_base_url is not None or settings.has_carrier_credentials:
        return settings.twilio_base_url
    return SIMULATOR_URL


async def confirm_carrier(settings: Settings, keyring: Keyring) -> CarrierAccess:
    """Asks the carrier whether it is a rehearsal. Raises Refused when it may not be dialed.

    Anything but `{"rehearsal": true}` counts as live: then VOICE_AI_LIVE_CALLS=yes is needed.
    """
    base_url = carrier_base_url(settings)
    account_sid, auth_token = carrier_credentials(settings, keyring)
    rehearsal = base_url is not None and await is_rehearsal(base_url)
    if not rehearsal and not settings.live_allowed:
        where = base_url or "Twilio itself"
        raise Refused(
            f"{where} does not answer that it is a rehearsal, so real people could be called;"
            " start `voice-ai simulator`, or set VOICE_AI_LIVE_CALLS=yes"
        )
    if not rehearsal and not settings.has_carrier_credentials:
        raise Refused(
            "live calls need TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN; set them, or unset"
            " VOICE_AI_LIVE_CALLS to rehearse"
        )
    return CarrierAccess(base_url, account_sid, auth_token, rehearsal)


async def is_rehearsal(base_url: str) -> bool:
    try:
        async with httpx.AsyncClient(timeout=_ASK_TIMEOUT_S, trust_env=False) as client:
            answer = await client.get(f"{base_url}/rehearsal")
            return answer.status_code == 200 and answer.json().get("rehearsal") is True
    except (httpx.HTTPError, ValueError, AttributeError):
        return False
