"""What is told, and what a channel is."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Attachment:
    """A file that goes along; `kind` like text/html."""

    name: str
    kind: str
    content: bytes


@dataclass(frozen=True)
class Message:
    """`text` says it all for whoever sees no attachment; never a person's data."""

    subject: str
    text: str
    attachments: tuple[Attachment, ...] = ()


class Channel(Protocol):
    """One way to people."""

    @property
    def receiver(self) -> str:
        """To whom, for people to read; never a password or a token."""
        ...

    def send(self, message: Message) -> None:
        """Raises NotAvailable when it did not get through and may later, BadInput when it never
        will. What they say holds no secret."""
        ...
