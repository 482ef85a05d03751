"""`<Dial>`: rings another number, or sits down in a conference, and tells what came of it."""

import asyncio
from collections.abc import Callable
from urllib.parse import urljoin

from dialer.simulator.call import Call
from dialer.simulator.forms import Form
from dialer.simulator.line import Line
from dialer.simulator.orders import Callback, CallOrder, Instructions
from dialer.simulator.rooms import Room, Rooms, Seat
from dialer.simulator.speech import Speech
from dialer.simulator.twiml import DialConference, DialNumber

Dial = Callable[[Call, CallOrder, Room], Call]
_NOTHING = Instructions(None, None, "POST", None, "POST")


class Dialing:
    """One `<Dial>` of a call; when its task is cancelled, the other end is hung up."""

    def __init__(self, call: Call, line: Line, dial: Dial, rooms: Rooms, base: str) -> None:
        self._call = call
        self._line = line
        self._dial = dial
        self._rooms = rooms
        self._base = base

    async def perform(self, verb: DialNumber | DialConference) -> Form:
        """The fields that the action gets beside those of every request."""
        if isinstance(verb, DialConference):
            return await self._conference(verb)
        return await self._number(verb)

    async def _conference(self, verb: DialConference) -> Form:
        account = self._call.account_sid
        seat = Seat(self._line, verb.starts, verb.ends)
        self._rooms.join(account, verb.name, seat)
        self._line.after(verb.time_limit, seat.left.set)
        try:
            await seat.left.wait()
        finally:
            self._rooms.leave(account, verb.name, seat)
        return {"DialCallStatus": "answered" if seat.met else "no-answer"}

    async def _number(self, verb: DialNumber) -> Form:
        room, seat = Room(Speech.ring()), Seat(self._line, starts=False, ends=True)
        child = self._dial(self._call, self._order(verb), room)
        room.join(seat)
        over = asyncio.create_task(child.over.wait())
        left = asyncio.create_task(seat.left.wait())
        try:
            await asyncio.wait({over, left}, return_when=asyncio.FIRST_COMPLETED)
            await over
        finally:
            for waiting in (over, left):
                waiting.cancel()
            room.leave(seat)
            child.end_because("parent")
        told = {"DialCallStatus": child.status.value, "DialCallSid": child.sid}
        if child.answered_at is not None:
            told["DialCallDuration"] = str(child.seconds or 0)
        return told

    def _order(self, verb: DialNumber) -> CallOrder:
        status = None
        if verb.status_callback is not None:
            url = urljoin(self._base, verb.status_callback)
            status = Callback(url, verb.status_method, verb.status_events)
        return CallOrder(
            to=verb.number,
            sender=verb.caller_id or self._call.order.sender,
            instructions=_NOTHING,
            status=status,
            timeout=verb.timeout,
            time_limit=verb.time_limit,
            detection=None,
            record=False,
            channels="mono",
            track="both",
            recording=None,
        )
