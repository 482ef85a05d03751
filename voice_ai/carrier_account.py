"""The carrier account in use: its id is what limits and pace hang on."""

import hashlib

from voice_ai.settings import Settings
from voice_ai.vault import Keyring


def carrier_credentials(settings: Settings, keyring: Keyring) -> tuple[str, str]:
    """The given account, or this home's own rehearsal account, which no vendor knows."""
    if settings.twilio_account_sid is not None and settings.twilio_auth_token is not None:
        return settings.twilio_account_sid, settings.twilio_auth_token.get_secret_value()
    digest = hashlib.sha256(keyring.derive("rehearsal-account")).hexdigest()
    return f"AC{digest[:32]}", keyring.password_for("rehearsal-carrier")
