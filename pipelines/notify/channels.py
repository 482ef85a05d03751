"""The channels that are configured, and one message through all of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pipelines.notify.mail import Mail
from pipelines.notify.port import Channel, Message
from pipelines.notify.webhook import Webhook
from voice_ai.errors import BadInput, NotAvailable
from voice_ai.settings import Settings


@dataclass(frozen=True)
class Outcome:
    """Who was told, and in a sentence each what went wrong on the way to the others."""

    told: tuple[str, ...]
    failed: tuple[str, ...]

    @property
    def sentence(self) -> str:
        if not self.told and not self.failed:
            return "not sent: no channel"
        parts = [f"sent to {', '.join(self.told)}"] if self.told else []
        parts += [f"not sent: {why}" for why in self.failed]
        return "; ".join(parts)


def channels_of(settings: Settings) -> list[Channel]:
    """E-mail and webhook, each where its settings are there."""
    found: list[Channel] = []
    if settings.smtp_url is not None:
        found.append(Mail(settings.smtp_url.get_secret_value(), settings.receivers))
    if settings.webhook_url is not None:
        found.append(Webhook(settings.webhook_url.get_secret_value()))
    return found


def send_now(channel: Channel, message: Message) -> None:
    channel.send(message)


def send_to_all(
    channels: Sequence[Channel],
    message: Message,
    send: Callable[[Channel, Message], None] = send_now,
) -> Outcome:
    """One channel's failure holds up no other; `send` may try again before it gives up."""
    told, failed = [], []
    for channel in channels:
        try:
            send(channel, message)
            told.append(channel.receiver)
        except (NotAvailable, BadInput) as error:
            failed.append(error.message)
    return Outcome(tuple(told), tuple(failed))
