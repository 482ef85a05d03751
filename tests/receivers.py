"""Receivers on this machine for what is sent in tests: mail by SMTP, posts by HTTP."""

import email
import email.policy
import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


class MailServer:
    """What came in; `refuse` is answered to the next so many mails with a passing failure."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.signed_in: list[str] = []
        self.refuse = 0
        self.port = 0


class _Mail(socketserver.StreamRequestHandler):
    told: MailServer
    _PLAIN: ClassVar = {
        "EHLO": "250-here\r\n250 AUTH PLAIN",
        "AUTH": "235 ok",
        "QUIT": "221 bye",
    }

    def handle(self) -> None:
        self.say("220 here")
        while line := self.rfile.readline().decode().strip():
            word = line.split()[0].upper()
            if word == "AUTH":
                self.told.signed_in.append(line)
            if word == "DATA":
                self.data()
            else:
                self.say(self._PLAIN.get(word, "250 ok"))

    def data(self) -> None:
        if self.told.refuse:
            self.told.refuse -= 1
            self.say("451 try later")
            return
        self.say("354 go on")
        lines: list[bytes] = []
        while (line := self.rfile.readline()) != b".\r\n":
            lines.append(line)
        found = email.message_from_bytes(b"".join(lines), policy=email.policy.default)
        self.told.mails.append(found)
        self.say("250 kept")

    def say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@contextmanager
def mail_server() -> Iterator[MailServer]:
    """As much of RFC 5321 as smtplib speaks, with AUTH and without STARTTLS."""
    told = MailServer()
    with _serving(_Server(("127.0.0.1", 0), type("Handler", (_Mail,), {"told": told}))) as port:
        told.port = port
        yield told


class HookServer:
    """Posts that came in, and with which status the next are answered (200 once it is empty)."""

    def __init__(self) -> None:
        self.posts: list[dict[str, Any]] = []
        self.answers: list[int] = []
        self.port = 0


@contextmanager
def hook_server() -> Iterator[HookServer]:
    told = HookServer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            size = int(self.headers["Content-Length"])
            told.posts.append(json.loads(self.rfile.read(size)))
            self.send_response(told.answers.pop(0) if told.answers else 200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with _serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as port:
        told.port = port
        yield told


@contextmanager
def _serving(server: socketserver.TCPServer) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
