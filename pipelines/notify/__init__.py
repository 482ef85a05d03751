"""How people are told: one port, and the channels that settings open. docs/reports.md."""

from pipelines.notify.channels import Outcome, channels_of, send_to_all
from pipelines.notify.port import Attachment, Channel, Message

__all__ = ["Attachment", "Channel", "Message", "Outcome", "channels_of", "send_to_all"]
