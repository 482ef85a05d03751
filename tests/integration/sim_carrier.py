"""The simulator and a small application of its customer, both on free ports in the test's loop."""

import asyncio
import base64
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import httpx
import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect
from twilio.http.http_client import TwilioHttpClient
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from dialer.simulator.app import run
from dialer.simulator.config import Pacing, SimulatorConfig

T = TypeVar("T")
ACCOUNT = "AC" + "5" * 32
TOKEN = "a-token-of-the-test"
FROM = "+14155550199"
EVENTS = ["initiated", "ringing", "answered", "completed"]
# Rings and set-up shortened: what is tested is what happens, not how long it takes.
PACING = Pacing(setup=(0.05, 0.1), ring=(0.2, 0.5))
TO = "+14155550111"
QUESTION = "Hello, this is Oak Street Clinic. Are you happy with your last visit?"
QUICK = SimulatorConfig(port=0, speed=8, pacing=PACING, answer_mix={"human": 1.0})


def people(persona: str, **more: Any) -> SimulatorConfig:
    """Everybody answers, and is like that."""
    return replace(QUICK, personas={persona: 1.0}, **more)


@dataclass(frozen=True)
class Carrier:
    url: str

    def client(self, token: str = TOKEN) -> Client:
        client = Client(ACCOUNT, token, http_client=TwilioHttpClient(timeout=10))
        client.api.base_url = self.url
        client.lookups.base_url = self.url
        return client

    async def ask(self, work: Callable[[Client], T]) -> T:
        """Run the blocking SDK beside the loop that serves it."""
        client = self.client()
        try:
            return await asyncio.to_thread(work, client)
        finally:
            client.http_client.session.close()

    async def get(self, path: str) -> dict[str, Any]:
        async with httpx.AsyncClient() as http:
            answer: dict[str, Any] = (await http.get(self.url + path)).json()
            return answer

    async def judge(self) -> dict[str, Any]:
        return await self.get("/simulator/judge?calls=1")

    async def place(self, to: str, **order: Any) -> str:
        """The sid of a new call."""
        call = await self.ask(lambda client: client.calls.create(to=to, from_=FROM, **order))
        return str(call.sid)

    async def status_of(self, sid: str) -> str:
        call = await self.ask(lambda client: client.calls(sid).fetch())
        return str(call.status)

    async def ended(self, calls: int) -> dict[str, Any]:
        """The verdict once that many calls have ended and their callbacks are out."""

        async def over() -> dict[str, Any] | None:
            verdict = await self.judge()
            return verdict if sum(verdict["by_status"].values()) >= calls else None

        return await until(over)


async def until(ask: Callable[[], Awaitable[T | None]], seconds: float = 30) -> T:
    """The first answer that is not None."""
    async with asyncio.timeout(seconds):
        while True:
            answer = await ask()
            if answer is not None:
                return answer
            await asyncio.sleep(0.02)


@asynccontextmanager
async def carrier(config: SimulatorConfig) -> AsyncIterator[Carrier]:
    stop = asyncio.Event()
    address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(run(config, stop=stop, ready=address.set_result))
    try:
        yield Carrier(await address)
    finally:
        stop.set()
        await serving


@dataclass(frozen=True)
class Webhook:
    path: str
    form: Mapping[str, str]
    headers: Mapping[str, str]
    signed: bool


@dataclass
class Phone:
    """Everything one Media Stream brought, and the means to answer on it."""

    socket: WebSocket
    messages: list[dict[str, Any]] = field(default_factory=list)
    heard: bytearray = field(default_factory=bytearray)
    signed: bool = False

    async def read(self) -> dict[str, Any]:
        message: dict[str, Any] = orjson.loads(await self.socket.receive_text())
        self.messages.append(message)
        if message["event"] == "media":
            self.heard += base64.b64decode(message["media"]["payload"])
        return message

    async def read_until(self, event: str) -> dict[str, Any]:
        while True:
            message = await self.read()
            if message["event"] == event:
                return message

    async def send(self, event: str, **content: Any) -> None:
        await self.socket.send_text(
            orjson.dumps({"event": event, "streamSid": self.sid, **content}).decode()
        )

    async def play(self, audio: bytes, chunk: int = 4000) -> None:
        for at in range(0, len(audio), chunk):
            payload = base64.b64encode(audio[at : at + chunk]).decode()
            await self.send("media", media={"payload": payload})

    async def mark(self, name: str) -> None:
        await self.send("mark", mark={"name": name})

    @property
    def sid(self) -> str:
        return str(next(m["streamSid"] for m in self.messages if "streamSid" in m))

    def of(self, event: str) -> list[dict[str, Any]]:
        return [message for message in self.messages if message["event"] == event]


Talk = Callable[[Phone], Awaitable[None]]


async def only_listen(phone: Phone) -> None:
    await phone.read_until("stop")


@dataclass
class Application:
    """Answers /voice with `twiml`, keeps every webhook, and runs `talk` on every stream."""

    url: str
    twiml: str = ""
    talk: Talk = only_listen
    webhooks: list[Webhook] = field(default_factory=list)
    phones: list[Phone] = field(default_factory=list)
    voice_status: int = 200

    @property
    def stream_twiml(self) -> str:
        address = self.url.replace("http", "ws", 1) + "/media?lost=yes"
        return (
            f'<Response><Connect><Stream url="{address}" statusCallback="{self.url}/stream">'
            '<Parameter name="attempt_id" value="42"/></Stream></Connect></Response>'
        )

    def order(self, **more: Any) -> dict[str, Any]:
        return {
            "url": f"{self.url}/voice?attempt=42",
            "status_callback": f"{self.url}/status",
            "status_callback_event": EVENTS,
        } | more

    def of(self, path: str) -> list[Webhook]:
        return [webhook for webhook in self.webhooks if webhook.path == path]

    async def expect(self, path: str, count: int = 1) -> list[Webhook]:
        async def came() -> list[Webhook] | None:
            return self.of(path) if len(self.of(path)) >= count else None

        return await until(came)

    async def take(self, request: Request) -> Response:
        body = (await request.body()).decode()
        form = dict(parse_qsl(body, keep_blank_values=True))
        url = self.url + request.url.path + (f"?{request.url.query}" if request.url.query else "")
        signature = request.headers.get("x-twilio-signature", "")
        signed = bool(RequestValidator(TOKEN).validate(url, form, signature))
        self.webhooks.append(Webhook(request.url.path, form, dict(request.headers), signed))
        if request.url.path != "/voice":
            return Response(status_code=204)
        return Response(self.twiml, self.voice_status, media_type="text/xml")

    async def stream(self, websocket: WebSocket) -> None:
        await websocket.accept()
        phone = Phone(websocket)
        signature = websocket.headers.get("x-twilio-signature", "")
        url = self.url.replace("http", "ws", 1) + "/media"
        phone.signed = bool(RequestValidator(TOKEN).validate(url, {}, signature))
        self.phones.append(phone)
        try:
            await self.talk(phone)
            await websocket.close()
        except (WebSocketDisconnect, RuntimeError):
            return


@asynccontextmanager
async def application() -> AsyncIterator[Application]:
    listening = socket.create_server(("127.0.0.1", 0), backlog=512)
    app = Application(f"http://127.0.0.1:{listening.getsockname()[1]}")
    app.twiml = app.stream_twiml
    web = Starlette(
        routes=[
            WebSocketRoute("/media", app.stream),
            Route("/{path:path}", app.take, methods=["GET", "POST"]),
        ]
    )
    server = uvicorn.Server(
        uvicorn.Config(web, log_level="error", lifespan="off", ws="websockets-sansio")
    )
    running = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield app
    finally:
        server.should_exit = True
        await running
        listening.close()


async def speak(carrier: Carrier, text: str) -> bytes:
    """Mu-law of a text, from the speech vendor in the same process."""
    path = "/v1/text-to-speech/21m00Tcm4TlvDq8ikWAM/stream?output_format=ulaw_8000"
    async with httpx.AsyncClient(timeout=20) as http:
        answer = await http.post(
            carrier.url + path,
            json={"text": text, "model_id": "eleven_flash_v2_5"},
            headers={"xi-api-key": "any"},
        )
        return answer.raise_for_status().content


async def said(carrier: Carrier, sid: str) -> list[str]:
    """What the callee of a call said."""
    found = await carrier.get(f"/simulator/calls/{sid}")
    return [each["text"] for each in found["said"]]
