"""Addresses that the carrier calls back, each bound to one attempt, and how they are proved.

The signature proves the carrier; the token proves that we made the address for this attempt, so
that a valid signature for one call cannot be used for another.
"""

import base64
import hmac
from uuid import UUID

from voice_ai.ids import AttemptId
from voice_ai.vault import Keyring

MEDIA_PATH = "/twilio/media"
RELAY_PATH = "/twilio/relay"


class CallbackUrls:
    def __init__(self, public_url: str, keyring: Keyring) -> None:
        self._public = public_url.rstrip("/")
        self._key = keyring.derive("callback-token")

    def token(self, attempt_id: AttemptId) -> str:
        digest = hmac.digest(self._key, attempt_id.bytes, "sha256")
        return base64.urlsafe_b64encode(digest[:15]).decode()

    def admits(self, attempt_id: UUID, token: str) -> bool:
        given = token.encode(errors="replace")  # compare_digest takes only ASCII as text
        return hmac.compare_digest(self.token(AttemptId(attempt_id)).encode(), given)

    def voice(self, attempt_id: AttemptId) -> str:
        return self._address("voice", attempt_id)

    def status(self, attempt_id: AttemptId) -> str:
        return self._address("status", attempt_id)

    def detection(self, attempt_id: AttemptId) -> str:
        return self._address("detection", attempt_id)

    def transfer(self, attempt_id: AttemptId, step: str, turn: str | None = None) -> str:
        """Where a call that is handed over asks what next; `turn` as in `carrier.AgentLeg`."""
        address = self._address(f"transfer/{step}", attempt_id)
        return address if turn is None else f"{address}&n={turn}"

    def preflight(self, nonce: UUID) -> str:
        """The way back that a pre-flight tries; proved as an attempt's own addresses are."""
        return self._address("preflight", AttemptId(nonce))

    def media(self) -> str:
        """The media address; carriers strip a query from it, so the token goes as a parameter."""
        return self._socket(MEDIA_PATH)

    def relay(self) -> str:
        """The address that text is relayed to; the token goes as a parameter here, too."""
        return self._socket(RELAY_PATH)

    def relay_over(self, attempt_id: AttemptId) -> str:
        """What the carrier asks for when its relay session has ended."""
        return self._address("relay", attempt_id)

    def inbound(self, step: str) -> str:
        """Where a call to one of our numbers goes on; proved by the carrier's signature alone."""
        return f"{self._public}/twilio/inbound/{step}"

    def full(self, path: str, query: str) -> str:
        """The address as the carrier was given it: built from our name, never from its headers."""
        return f"{self._public}{path}" + (f"?{query}" if query else "")

    def _socket(self, path: str) -> str:
        scheme, _, rest = self._public.partition("://")
        return f"{'wss' if scheme == 'https' else 'ws'}://{rest}{path}"

    def _address(self, what: str, attempt_id: AttemptId) -> str:
        return f"{self._public}/twilio/{what}/{attempt_id}?t={self.token(attempt_id)}"
