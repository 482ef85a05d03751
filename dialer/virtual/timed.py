"""Written conversations in time: the real media session in a virtual world, word by word.

Everything is measured in audio, as a person would: from the end of their voice to the first sound
of the agent, from their first sound to the agent's last. A minute of it takes a moment.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence

from dialer.media.session import SessionResult
from dialer.virtual.world import LOUD, SILENT, Call
from voice_ai.conversation.graph import Script
from voice_ai.conversation.scenarios import Fault, Scenario, Step, said_in_order, wording
from voice_ai.conversation.source import Path
from voice_ai.errors import BadInput

FRAME_S = 0.02
# What a person needs to begin, and for a word; and a recogniser to have a first one.
_REACTION_S = 0.2
_WORD_S, _BREATH_S = 0.3, 0.2
_PARTIAL_AFTER_S = 0.15
_LONGEST_S = 30.0
# Words of a step that only the conversation without time can tell.
_UNTIMED = ("understood", "callback", "judged", "written", "not_written", "heard_of_agent")


def run_timed(
    scenario: Scenario, script: Script, slots: Mapping[str, str | None]
) -> Iterator[Fault]:
    """What went otherwise than it is written. Raises BadInput."""
    for place, step in enumerate(scenario.steps):
        for word in _UNTIMED:
            if getattr(step, word) is not None:
                raise BadInput(f"`{word}` (step {place}) is told by a conversation without time")
    yield from asyncio.run(_Timed(scenario, script, slots).held())


class _Timed:
    """One scenario; `found` is what went otherwise so far."""

    def __init__(self, scenario: Scenario, script: Script, slots: Mapping[str, str | None]) -> None:
        self._scenario = scenario
        arm, language = scenario.arm, script.language_for(scenario.language)
        self._call = Call(script, slots=slots, arm=arm, language=language)
        self._told = 0
        self._spoke_in_pause = False
        self._found: list[Fault] = []

    async def held(self) -> list[Fault]:
        call, steps = self._call, self._scenario.steps
        call.pick_up()
        try:
            await self._sounds()
            await self._finish(steps[0])
            self._found += said_in_order(("opens",), self._scenario.opens, self._said())
            for place, step in enumerate(steps):
                at: Path = ("steps", place)
                if call.over:
                    self._found.append((at, "the call was over before: nobody hears it."))
                    break
                after = steps[place + 1] if place + 1 < len(steps) else None
                faults = [*await self._taken(step), *await self._told_of(step, after)]
                self._found += [((*at, *path), message) for path, message in faults]
            self._found += await self._outcome()
        finally:
            if call.task is not None and not call.task.done():
                call.task.cancel()
                await asyncio.gather(call.task, return_exceptions=True)
        return self._found

    async def _taken(self, step: Step) -> list[Fault]:
        """What the callee does, and how soon the agent stops and answers."""
        call = self._call
        if step.heard is not None:
            call.mind.intents.update({step.heard: step.intent} if step.intent else {})
            call.mind.emotions.update({step.heard: step.emotion} if step.emotion else {})
            return await self._spoken(step, step.heard)
        quiet_since = call.clock.monotonic()
        if step.keys is not None:
            for key in step.keys:
                call.line.bring({"event": "dtmf", "dtmf": {"digit": key}})
        match step.does:
            case "hangs_up":
                call.line.hang_up()
            case "machine" | "fax":
                call.control.machine_detected("machine_start" if step.does == "machine" else "fax")
            case "time_up":
                raise BadInput("`time_up` is told by a conversation without time")
        await self._sounds()
        return self._judged(step, call.clock.monotonic() - quiet_since)

    async def _spoken(self, step: Step, text: str) -> list[Fault]:
        call = self._call
        over = step.after_ms is not None
        await call.pass_time(_REACTION_S if step.after_ms is None else step.after_ms / 1000)
        words = text.split()
        speaks_s = _WORD_S * len(words) + _BREATH_S
        speaks_s = speaks_s if step.speaks_ms is None else step.speaks_ms / 1000
        clears = call.line.events().count("clear")
        stopped_s = await self._voice(words, speaks_s, step, over=over)
        faults: list[Fault] = []
        if step.keeps_talking and call.line.events().count("clear") > clears:
            faults.append((("keeps_talking",), "the agent stopped for it."))
        if step.stops_within_ms is not None:
            told = "did not stop" if stopped_s is None else f"stopped after {_ms(stopped_s)} ms"
            if stopped_s is None or stopped_s > step.stops_within_ms / 1000 + FRAME_S / 2:
                faults.append((("stops_within_ms",), f"the agent {told} of their voice."))
        ended = call.clock.monotonic()
        if self._spoke_in_pause:
            return [*faults, (("pause_ms",), "the agent spoke in their pause.")]
        await self._sounds()
        return [*faults, *self._judged(step, call.clock.monotonic() - ended)]

    async def _voice(
        self, words: Sequence[str], speaks_s: float, step: Step, *, over: bool
    ) -> float | None:
        """They speak; after how long the agent was silent, None when it never was."""
        call = self._call
        middle = len(words) // 2 if step.pause_ms is not None else len(words)
        frames = max(2, round(speaks_s / FRAME_S))
        stopped_s, self._spoke_in_pause = None, False
        call.ears.now.listen_to(" ".join(words[:middle]))
        for frame in range(frames):
            if step.pause_ms is not None and frame == frames // 2:
                await call.pass_time(step.pause_ms / 1000, SILENT)
                self._spoke_in_pause = self._agent_speaks()
                call.ears.now.listen_to(" ".join(words[middle:]))
            spoken_s = frame * FRAME_S
            if over and spoken_s >= _PARTIAL_AFTER_S and frame % 5 == 0:
                heard = words[: max(1, round(len(words) * frame / frames))]
                call.ears.now.partial(" ".join(heard))
            await call.pass_time(FRAME_S, LOUD)
            if stopped_s is None and not self._agent_speaks():
                stopped_s = spoken_s + FRAME_S
        return stopped_s

    def _judged(self, step: Step, seconds: float) -> list[Fault]:
        told = "the agent did not answer." if self._call.over else None
        told = told or f"the agent answered after {_ms(seconds)} ms."
        faults: list[Fault] = []
        if step.within_ms is not None and seconds > step.within_ms / 1000 + FRAME_S / 2:
            faults.append((("within_ms",), told))
        if step.not_before_ms is not None and seconds < step.not_before_ms / 1000 - FRAME_S / 2:
            faults.append((("not_before_ms",), told))
        return faults

    async def _told_of(self, step: Step, after: Step | None) -> list[Fault]:
        """What was said, once it is said; who is about to be interrupted said it all the same."""
        await self._finish(after)
        said, call = self._said(), self._call
        faults = list(wording(step, said))
        nodes = [turn.node for turn in call.log.turns if turn.speaker == "agent"]
        if step.at is not None and (not nodes or nodes[-1] != step.at):
            faults.append((("at",), f"the agent spoke at `{nodes[-1] if nodes else 'no node'}`."))
        suppressed = bool(call.log.of("opt_out"))
        if step.suppressed is not None and step.suppressed != suppressed:
            told = "" if suppressed else "not "
            faults.append((("suppressed",), f"the number is {told}suppressed."))
        if step.ends is not None or step.because is not None:
            faults += await self._end(step)
        return faults

    async def _end(self, step: Step) -> list[Fault]:
        call = self._call
        for _ in range(round(_LONGEST_S / 0.1)):
            if call.over:
                break
            await call.pass_time(0.1)
        if not call.over:
            return [(("ends",), "the call goes on.")]
        result = await call.result()
        faults: list[Fault] = []
        if step.ends is not None and result.disposition != step.ends:
            faults.append((("ends",), f"the call has ended as {result.disposition}."))
        if step.because is not None and result.end_reason != step.because:
            faults.append((("because",), f"the reason is {result.end_reason}."))
        return faults

    async def _outcome(self) -> list[Fault]:
        """What was put into slots is told at the end."""
        call, steps = self._call, self._scenario.steps
        if not call.over:
            call.line.hang_up()
            await call.until(lambda: call.over)
        elif steps[-1].ends is None and not self._found:
            result: SessionResult = await call.result()
            last: Path = ("steps", len(steps) - 1)
            return [(last, f"the call ended here; write `ends: {result.disposition}`.")]
        slots = (await call.result()).slots
        return [
            (("steps", place, "sets", name), f"`{name}` is “{slots.get(name, '')}”.")
            for place, step in enumerate(steps)
            for name, value in step.sets.items()
            if slots.get(name) != value
        ]

    async def _sounds(self) -> None:
        """Until the agent is heard, or the call is over."""
        for _ in range(round(_LONGEST_S / FRAME_S)):
            if self._call.over or self._agent_speaks():
                return
            await self._call.pass_time(FRAME_S)

    async def _finish(self, after: Step | None) -> None:
        """Until the agent has said all, unless somebody is about to speak over it."""
        if after is not None and after.after_ms is not None:
            return
        while not self._call.over and self._agent_speaks():
            await self._call.pass_time(FRAME_S)

    def _agent_speaks(self) -> bool:
        return self._call.line.seconds_left > 0

    def _said(self) -> list[str]:
        told = self._call.voice.asked[self._told :]
        self._told += len(told)
        return told


def _ms(seconds: float) -> int:
    return round(1000 * seconds)
