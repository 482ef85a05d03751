"""What no real carrier has: the rehearsal answer, the judge, the manifest, the reset."""

from dataclasses import asdict, replace
from importlib.resources import files
from typing import Any

import yaml
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from dialer.simulator import refusals
from dialer.simulator.exchange import Exchange
from dialer.simulator.rest import answer, refuse


class Control:
    """Handlers over one exchange; they need no credentials."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def rehearsal(self, request: Request) -> Response:
        config = self._exchange.config
        return answer(
            {
                "rehearsal": True,
                "simulator": "voice-ai",
                "seed": config.seed,
                "speed": config.speed,
                "faults": self._exchange.faults.name,
                "now": self._exchange.clock.now().isoformat(),
            }
        )

    async def judge(self, request: Request) -> Response:
        """The counts; with `?calls=1` also every call, without its number."""
        judge = self._exchange.judge
        shown: dict[str, Any] = judge.verdict()
        if request.query_params.get("calls"):
            shown["calls"] = [judge.case(call) for call in self._exchange.cases()]
        return answer(shown)

    async def conversation(self, request: Request) -> Response:
        """What the callee of one call said and heard, for comparing with what was understood."""
        call = self._exchange.case(request.path_params["call"])
        if call is None:
            return refuse(refusals.not_found(request.url.path))
        said = [{"text": s.text, "style": s.style, "at": round(s.at_s, 2)} for s in call.said]
        return answer({**self._exchange.judge.case(call), "said": said, "heard": call.heard})

    async def manifest(self, request: Request) -> Response:
        text = (files(__package__) / "manifest.yaml").read_text("utf-8")
        return answer(yaml.safe_load(text))

    async def faults(self, request: Request) -> Response:
        """What goes wrong from now on; a POST changes the fields that it names."""
        exchange = self._exchange
        if request.method == "POST":
            named: dict[str, Any] = {
                field: tuple(value) if isinstance(value, list) else value
                for field, value in (await request.json()).items()
            }
            try:
                exchange.faults = replace(exchange.faults, **({"name": "changed"} | named))
            except TypeError:
                return refuse(refusals.bad_parameter(", ".join(named)))
        return answer(asdict(exchange.faults))

    async def reset(self, request: Request) -> Response:
        await self._exchange.reset()
        return answer({"reset": True})


def control_routes(exchange: Exchange) -> list[BaseRoute]:
    control = Control(exchange)
    return [
        Route("/rehearsal", control.rehearsal),
        Route("/simulator/judge", control.judge),
        Route("/simulator/calls/{call}", control.conversation),
        Route("/simulator/faults", control.faults, methods=["GET", "POST"]),
        Route("/simulator/manifest", control.manifest),
        Route("/simulator/reset", control.reset, methods=["POST"]),
    ]
