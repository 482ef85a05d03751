"""A post to an address that takes `{"text": …}`, as Slack's and Mattermost's incoming ones do."""

from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from pipelines.notify.port import Message
from voice_ai.errors import BadInput, NotAvailable

_TIMEOUT_S = 15.0


@dataclass(frozen=True, repr=False)
class Webhook:
    """Its address is the secret: only the host is ever told. Attachments do not go this way."""

    url: str

    @property
    def receiver(self) -> str:
        return f"webhook at {urlsplit(self.url).hostname}"

    def send(self, message: Message) -> None:
        """Raises NotAvailable for no answer, 429 and 5xx, BadInput for another no."""
        text = f"*{message.subject}*\n{message.text}"
        try:
            answer = httpx.post(self.url, json={"text": text}, timeout=_TIMEOUT_S)
        except httpx.HTTPError as error:
            raise NotAvailable(
                f"the {self.receiver} did not answer ({type(error).__name__})"
            ) from None
        if answer.is_success:
            return
        said = f"the {self.receiver} answered {answer.status_code}"
        if answer.status_code == httpx.codes.TOO_MANY_REQUESTS or answer.is_server_error:
            raise NotAvailable(said)
        raise BadInput(f"{said}; check VOICE_AI_WEBHOOK_URL")
