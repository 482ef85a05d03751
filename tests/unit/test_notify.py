"""Channels over real sockets: what arrives, what a failure says, and that no secret is in it."""

import socket
from collections.abc import Iterator

import pytest

from pipelines.notify import Attachment, Message, channels_of, send_to_all
from pipelines.notify.mail import Mail
from pipelines.notify.webhook import Webhook
from tests.receivers import HookServer, MailServer, hook_server, mail_server
from voice_ai.errors import BadInput, NotAvailable
from voice_ai.settings import Settings

MESSAGE = Message(
    "Spring – daily report",
    "All is well.",
    (Attachment("r.html", "text/html", "<p>ä</p>".encode()),),
)
SECRET = "s3cret"


@pytest.fixture
def mails() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server


@pytest.fixture
def hooks() -> Iterator[HookServer]:
    with hook_server() as server:
        yield server


def settings(monkeypatch: pytest.MonkeyPatch, **given: str) -> Settings:
    for name, value in given.items():
        monkeypatch.setenv(f"VOICE_AI_{name}", value)
    return Settings.read()


def test_both_channels_get_it_and_one_failure_holds_up_no_other(
    mails: MailServer, hooks: HookServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    channels = channels_of(
        settings(
            monkeypatch,
            SMTP_URL=f"smtp://ann%40firm.example:{SECRET}@127.0.0.1:{mails.port}",
            REPORT_TO="boss@firm.example, law@firm.example",
            WEBHOOK_URL=f"http://127.0.0.1:{hooks.port}/{SECRET}",
        )
    )
    outcome = send_to_all(channels, MESSAGE)
    receivers = "boss@firm.example, law@firm.example"
    assert outcome.told == (receivers, "webhook at 127.0.0.1")
    (mail,) = mails.mails
    assert (mail["From"], mail["To"]) == ("ann@firm.example", receivers)
    assert len(mails.signed_in) == 1
    (attached,) = mail.iter_attachments()
    assert attached.get_filename() == "r.html"
    assert attached.get_payload(decode=True) == b"<p>\xc3\xa4</p>"
    assert hooks.posts == [{"text": "*Spring – daily report*\nAll is well."}]

    mails.refuse, hooks.answers = 1, [404]
    failed = send_to_all(channels, MESSAGE)
    assert failed.told == ()
    assert "did not take the mail" in failed.failed[0]
    assert "answered 404; check VOICE_AI_WEBHOOK_URL" in failed.failed[1]
    hooks.answers = [503]
    half = send_to_all(channels, MESSAGE)
    assert half.sentence == f"sent to {receivers}; not sent: the webhook at 127.0.0.1 answered 503"
    for said in (*failed.failed, *half.failed, *map(repr, channels)):
        assert SECRET not in said


def test_a_server_that_is_not_there_may_be_later(hooks: HookServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with pytest.raises(NotAvailable, match=f"127.0.0.1:{port}"):
        Mail(f"smtp://127.0.0.1:{port}", ("a@b.example",)).send(MESSAGE)
    with pytest.raises(NotAvailable, match="did not answer"):
        Webhook(f"http://127.0.0.1:{port}/{SECRET}").send(MESSAGE)
    hooks.answers = [503, 400]
    for error in (NotAvailable, BadInput):
        with pytest.raises(error):
            Webhook(f"http://127.0.0.1:{hooks.port}/").send(MESSAGE)


def test_a_password_does_not_leave_this_machine_in_clear(mails: MailServer) -> None:
    # 0.0.0.0 reaches the receiver here, and is no loopback address.
    with pytest.raises(BadInput, match="no encryption"):
        Mail(f"smtp://ann:{SECRET}@0.0.0.0:{mails.port}", ("a@b.example",)).send(MESSAGE)
    assert mails.signed_in == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"SMTP_URL": f"smtp://ann:{SECRET}@host"}, "go together"),
        ({"REPORT_TO": "a@b.example"}, "go together"),
        ({"SMTP_URL": f"http://ann:{SECRET}@host", "REPORT_TO": "a@b.example"}, "like smtp://"),
        ({"SMTP_URL": "smtp://", "REPORT_TO": "a@b.example"}, "like smtp://"),
        ({"SMTP_URL": "smtp://host", "REPORT_TO": "boss"}, "'boss' is not an e-mail address"),
        ({"WEBHOOK_URL": f"ftp://host/{SECRET}"}, "not an http or https address"),
    ],
)
def test_settings_that_do_not_fit_are_one_sentence_without_a_secret(
    given: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BadInput, match="VOICE_AI_") as refused:
        settings(monkeypatch, **given)
    assert said in refused.value.message
    assert SECRET not in refused.value.message
