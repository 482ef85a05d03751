"""E-mail by SMTP. A password only goes over an encrypted connection."""

import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import make_msgid
from ipaddress import ip_address
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from pipelines.notify.port import Message
from voice_ai.errors import BadInput, NotAvailable

_TIMEOUT_S = 30.0
_PORTS = {"smtp": 587, "smtps": 465}


@dataclass(frozen=True, repr=False)
class Mail:
    """`url` like smtp://user:password@host:587?from=reports@firm.example; smtps:// is encrypted
    from the first byte, smtp:// as soon as the server offers it."""

    url: str
    to: tuple[str, ...]

    @property
    def receiver(self) -> str:
        return ", ".join(self.to)

    def send(self, message: Message) -> None:
        """One e-mail to all receivers."""
        parts = urlsplit(self.url)
        where = f"{parts.hostname}:{parts.port or _PORTS[parts.scheme]}"
        try:
            with _connected(parts) as server:
                _sign_in(server, parts)
                server.send_message(_written(message, _sender(parts), self.to))
        except smtplib.SMTPAuthenticationError as error:
            raise BadInput(
                f"the mail server {where} refused the sign-in; check VOICE_AI_SMTP_URL"
            ) from error
        except smtplib.SMTPRecipientsRefused as error:
            raise BadInput(
                f"the mail server {where} refused the receivers; check VOICE_AI_REPORT_TO"
            ) from error
        except (smtplib.SMTPException, OSError) as error:
            said = type(error).__name__
            raise NotAvailable(f"the mail server {where} did not take the mail ({said})") from error


def _connected(parts: SplitResult) -> smtplib.SMTP:
    port, host = parts.port or _PORTS[parts.scheme], parts.hostname or ""
    if parts.scheme == "smtps":
        return smtplib.SMTP_SSL(
            host, port, timeout=_TIMEOUT_S, context=ssl.create_default_context()
        )
    server = smtplib.SMTP(host, port, timeout=_TIMEOUT_S)
    server.ehlo()
    if server.has_extn("starttls"):
        server.starttls(context=ssl.create_default_context())
        server.ehlo()
    elif parts.password and not _is_here(host):
        server.close()
        raise BadInput(
            f"the mail server {host} offers no encryption, and the password would be read on the"
            " way; use smtps://, or a server that offers STARTTLS"
        )
    return server


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _sign_in(server: smtplib.SMTP, parts: SplitResult) -> None:
    if parts.username and parts.password:
        server.login(unquote(parts.username), unquote(parts.password))


def _sender(parts: SplitResult) -> str:
    chosen = parse_qs(parts.query).get("from")
    if chosen:
        return chosen[0]
    user = unquote(parts.username or "")
    return user if "@" in user else f"voice-ai@{parts.hostname}"


def _written(message: Message, sender: str, to: tuple[str, ...]) -> EmailMessage:
    mail = EmailMessage()
    mail["Subject"], mail["From"], mail["To"] = message.subject, sender, ", ".join(to)
    mail["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2])
    mail.set_content(message.text)
    for one in message.attachments:
        main, _, sub = one.kind.partition("/")
        mail.add_attachment(one.content, maintype=main, subtype=sub, filename=one.name)
    return mail
