"""One call from the queue to its end: dials, rings, answers, converses, finishes."""

import asyncio

import structlog

from dialer.simulator.call import Call, Recording, Status, new_sid
from dialer.simulator.callbacks import Callbacks
from dialer.simulator.config import SimulatorConfig
from dialer.simulator.detection import Verdict, detect
from dialer.simulator.forms import detection_form, recording_form, status_form
from dialer.simulator.judge import Judge
from dialer.simulator.line import Line
from dialer.simulator.machines import callee_for
from dialer.simulator.rooms import Room, Seat
from dialer.simulator.session import FETCH_FAILED, FetchFailed, Services, Session
from dialer.simulator.twiml import TwimlError

log = structlog.get_logger(__name__)

_BUSY_AFTER_S = 1.5
_BROKEN = 13500


class Life:
    """`run` takes the call to a final status; cancelling it leaves the call as it is."""

    def __init__(
        self, call: Call, callbacks: Callbacks, config: SimulatorConfig, shared: Services
    ) -> None:
        self.call = call
        self.callbacks = callbacks
        self.line: Line | None = None
        self._config = config
        self._shared = shared

    async def run(self, judge: Judge) -> None:
        call = self.call
        was_dialed = False
        if await self._wait(call.queue_time):
            was_dialed = True
            judge.dialed(self._shared.clock.monotonic())
            call.started_at = self._shared.clock.now()
            self._report("initiated", "initiated")
            status = await self._reach_or_fail()
        else:
            status = Status.CANCELED
        self._finish(status)
        judge.ended(call, was_dialed=was_dialed)
        await self.callbacks.drained()

    def record(self, recording: Recording) -> None:
        """Start keeping what is said."""
        self.call.recordings.append(recording)
        if self.line is not None:
            self.line.recordings.append(recording)
        self._report_recording(recording)

    async def _wait(self, seconds: float) -> bool:
        """Let clock time pass; False when the call was ended meanwhile."""
        if self.call.stop.is_set():
            return False
        if seconds <= 0:
            return True
        try:
            async with asyncio.timeout(seconds / self._config.speed):
                await self.call.stop.wait()
        except TimeoutError:
            return True
        return False

    async def _reach_or_fail(self) -> Status:
        try:
            return await self._reach()
        except Exception as problem:
            # A fault of the simulator must end the call, or its number would stay taken for ever.
            log.exception("call_broke", call_sid=self.call.sid)
            self._application_error(_BROKEN, repr(problem))
            return Status.FAILED

    async def _reach(self) -> Status:
        call, plan = self.call, self.call.plan
        if not await self._wait(plan.setup):
            return Status.CANCELED
        if plan.outcome == "failed":
            call.sip_code = plan.sip_code
            return Status.FAILED
        self._become(Status.RINGING)
        self._report("ringing", "ringing")
        if plan.outcome == "busy":
            if not await self._wait(_BUSY_AFTER_S):
                return Status.CANCELED
            call.sip_code = plan.sip_code
            return Status.BUSY
        answers = plan.outcome != "no_answer" and plan.ring <= call.order.timeout
        if not await self._wait(plan.ring if answers else call.order.timeout):
            return Status.CANCELED
        if not answers:
            return Status.NO_ANSWER
        return await self._converse()

    async def _converse(self) -> Status:
        call, config = self.call, self._config
        pacing = config.pacing.at_speed(config.speed)
        callee = callee_for(call.plan, self._shared.speech, pacing)
        line = Line(callee, config.speed, lambda why: call.end_because(f"callee: {why}"))
        self.line = line
        call.said, call.heard = callee.said, callee.heard
        call.answered_at = self._shared.clock.now()
        call.sip_code = 200
        self._become(Status.IN_PROGRESS)
        self._report("answered", "in-progress")
        if call.order.record:
            self._record_all()
        limit = min(call.order.time_limit or pacing.longest_call, pacing.longest_call)
        line.after(limit, lambda: call.end_because("carrier: time limit"))
        # Nobody waits for ever for an application that never speaks.
        guard = asyncio.get_running_loop().call_later(pacing.media_wait / config.speed, line.open)
        try:
            return await self._talk(line)
        finally:
            guard.cancel()
            line.close()

    async def _talk(self, line: Line) -> Status:
        call = self.call
        verdict = self._detect(line)
        work = asyncio.create_task(self._instructed(line, verdict))
        stopped = asyncio.create_task(call.stop.wait())
        try:
            await asyncio.wait({work, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                return Status.COMPLETED
            call.end_because("application")
            return work.result()
        finally:
            for task in (work, stopped):
                task.cancel()
            await asyncio.gather(work, stopped, return_exceptions=True)

    async def _instructed(self, line: Line, verdict: asyncio.Event | None) -> Status:
        if self.call.bridge is not None:
            return await self._bridged(line, self.call.bridge)
        detection = self.call.order.detection
        if verdict is not None and detection is not None and not detection.asynchronous:
            line.open()
            await verdict.wait()
        try:
            await Session(self.call, line, self.callbacks, self._shared).run()
        except FetchFailed as problem:
            self._application_error(FETCH_FAILED, str(problem))
        except TwimlError as problem:
            self._application_error(problem.code, problem.message)
            return Status.FAILED
        return Status.COMPLETED

    async def _bridged(self, line: Line, room: Room) -> Status:
        """It was dialed by another call's `<Dial>`, and talks with that one."""
        line.open()
        seat = Seat(line, starts=True, ends=True)
        room.join(seat)
        try:
            await seat.left.wait()
        finally:
            room.leave(seat)
        return Status.COMPLETED

    def _application_error(self, code: int, message: str) -> None:
        self.call.error_code, self.call.error_message = code, message
        log.error("application_error", call_sid=self.call.sid, code=code, reason=message)

    def _detect(self, line: Line) -> asyncio.Event | None:
        detection = self.call.order.detection
        if detection is None:
            return None
        known = asyncio.Event()
        verdict = detect(detection, self.call.plan, line.callee, self._config.amd_error_rate)

        def tell() -> None:
            self._tell_verdict(verdict)
            known.set()

        line.after(verdict.at_s, tell)
        return known

    def _tell_verdict(self, verdict: Verdict) -> None:
        call = self.call
        call.answered_by = verdict.answered_by
        call.detection_ms = round(verdict.at_s * 1000)
        detection = call.order.detection
        if detection is not None and detection.asynchronous:
            self.callbacks.post(detection.callback, "amd", detection_form(call))

    def _record_all(self) -> None:
        order = self.call.order
        self.record(
            Recording(
                sid=new_sid("RE"),
                call_sid=self.call.sid,
                account_sid=self.call.account_sid,
                api_base=self.call.api_base,
                created_at=self._shared.clock.now(),
                source="OutboundAPI",
                channels=2 if order.channels == "dual" else 1,
                track=order.track,
                callback=order.recording,
            )
        )

    def _become(self, status: Status) -> None:
        self.call.status = status
        self.call.updated_at = self._shared.clock.now()

    def _finish(self, status: Status) -> None:
        call = self.call
        call.ended_at = self._shared.clock.now()
        self._become(status)
        for recording in call.recordings:
            recording.updated_at = call.ended_at
            recording.status = "completed" if recording.seconds else "absent"
        self._report("completed", status.value)
        for recording in call.recordings:
            self._report_recording(recording)
        self.callbacks.end()
        call.over.set()

    def _report(self, event: str, status: str) -> None:
        """A status callback; the sequence counts events that nobody asked for, too."""
        form = status_form(self.call, status, self._shared.clock.now())
        callback = self.call.order.status
        if callback is not None and event in callback.events:
            self.callbacks.post(callback, event, form)

    def _report_recording(self, recording: Recording) -> None:
        callback = recording.callback
        if callback is not None and recording.status in callback.events:
            name = f"recording {recording.status}"
            self.callbacks.post(callback, name, recording_form(recording))
