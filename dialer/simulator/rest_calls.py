"""The Calls and Recordings resources."""

from collections.abc import Callable
from datetime import datetime
from email.utils import parsedate_to_datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from dialer.simulator import refusals
from dialer.simulator.call import Call, Recording
from dialer.simulator.exchange import Caller, Exchange
from dialer.simulator.faults import Fault
from dialer.simulator.orders import parse_form, parse_recording
from dialer.simulator.refusals import RestError
from dialer.simulator.rendering import (
    API,
    render_account_recording,
    render_call,
    render_recording,
)
from dialer.simulator.rest import answer, authenticated, page, refuse
from dialer.simulator.sounds import wav_of

ACCOUNT = f"{API}/Accounts/{{account}}"


class CallEndpoints:
    """Handlers over one exchange."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def create(self, request: Request, caller: Caller) -> Response:
        form = parse_form(await request.body())
        await self._exchange.travel(form)
        accepted = self._exchange.place(caller, form)
        if accepted.fault is Fault.ERROR_AFTER_ACCEPTING:
            return refuse(refusals.BROKEN)
        if accepted.fault is Fault.LOST_RESPONSE:
            drop: Callable[[Request], bool] = request.app.state.drop_connection
            if not drop(request):
                return refuse(refusals.BROKEN)
        if accepted.fault is Fault.LATE_ANSWER:
            await self._exchange.clock.sleep(self._exchange.faults.late_answer_s)
        return answer(render_call(accepted.call), 201)

    async def list(self, request: Request, caller: Caller) -> Response:
        query = request.query_params
        tests = [_day_test(name, query[name]) for name in query if name.startswith("StartTime")]
        found = (
            call
            for call in self._exchange.calls(caller.account_sid, query.get("To"))
            if query.get("From") in {None, call.order.sender}
            and query.get("Status") in {None, call.status.value}
            and query.get("ParentCallSid") in {None, call.parent_sid}
            and all(test(call) for test in tests)
        )
        return page(request, "calls", found, render_call)

    async def fetch(self, request: Request, caller: Caller) -> Response:
        return answer(render_call(self._call(request, caller)))

    async def update(self, request: Request, caller: Caller) -> Response:
        call = self._call(request, caller)
        self._exchange.update(call, parse_form(await request.body()))
        return answer(render_call(call))

    async def start_recording(self, request: Request, caller: Caller) -> Response:
        call = self._call(request, caller)
        callback, channels, track = parse_recording(parse_form(await request.body()))
        recording = self._exchange.record(call, callback, channels, track)
        return answer(render_recording(recording), 201)

    async def list_of_call(self, request: Request, caller: Caller) -> Response:
        call = self._call(request, caller)
        return page(request, "recordings", call.recordings, render_recording)

    async def fetch_of_call(self, request: Request, caller: Caller) -> Response:
        self._call(request, caller)
        return answer(render_recording(self._recording(request, caller)))

    async def list_recordings(self, request: Request, caller: Caller) -> Response:
        asked = request.query_params.get("CallSid")
        found = self._exchange.recordings(caller.account_sid)
        mine = [each for each in found if asked in {None, each.call_sid}]
        return page(request, "recordings", mine, render_account_recording)

    async def fetch_recording(self, request: Request, caller: Caller) -> Response:
        return answer(render_account_recording(self._recording(request, caller)))

    async def delete_recording(self, request: Request, caller: Caller) -> Response:
        self._exchange.forget_recording(self._recording(request, caller))
        return Response(status_code=204)

    async def media(self, request: Request, caller: Caller) -> Response:
        recording = self._recording(request, caller)
        if recording.status != "completed":
            raise RestError(refusals.not_found(request.url.path))
        return Response(wav_of(recording), media_type="audio/x-wav")

    def _call(self, request: Request, caller: Caller) -> Call:
        call = self._exchange.call(caller.account_sid, request.path_params["call"])
        if call is None:
            raise RestError(refusals.not_found(request.url.path))
        return call

    def _recording(self, request: Request, caller: Caller) -> Recording:
        sid = request.path_params["recording"]
        recording = self._exchange.recording(caller.account_sid, sid)
        if recording is None:
            raise RestError(refusals.not_found(request.url.path))
        return recording


def _day_test(name: str, value: str) -> Callable[[Call], bool]:
    """`StartTime`, `StartTime<` or `StartTime>` by UTC date; a queued call has none and fails."""
    day = _moment(value).date()

    def test(call: Call) -> bool:
        if call.started_at is None:
            return False
        started = call.started_at.date()
        if name.endswith("<"):
            return started <= day
        return started >= day if name.endswith(">") else started == day

    return test


def _moment(value: str) -> datetime:
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        pass
    try:
        return parsedate_to_datetime(value)
    except ValueError as error:
        raise RestError(refusals.bad_parameter("StartTime")) from error


def call_routes(exchange: Exchange) -> list[BaseRoute]:
    """Calls, their recordings, and the account's recordings."""
    calls = CallEndpoints(exchange)
    table = [
        ("GET", "/Calls.json", calls.list),
        ("POST", "/Calls.json", calls.create),
        ("GET", "/Calls/{call}.json", calls.fetch),
        ("POST", "/Calls/{call}.json", calls.update),
        ("GET", "/Calls/{call}/Recordings.json", calls.list_of_call),
        ("POST", "/Calls/{call}/Recordings.json", calls.start_recording),
        ("GET", "/Calls/{call}/Recordings/{recording}.json", calls.fetch_of_call),
        ("GET", "/Recordings.json", calls.list_recordings),
        ("GET", "/Recordings/{recording}.json", calls.fetch_recording),
        ("DELETE", "/Recordings/{recording}.json", calls.delete_recording),
        ("GET", "/Recordings/{recording}.wav", calls.media),
        ("GET", "/Recordings/{recording}", calls.media),
    ]
    token = exchange.config.auth_token
    return [
        Route(ACCOUNT + path, authenticated(handler, token), methods=[method])
        for method, path, handler in table
    ]
