"""The turns of one call as records, numbered in the order in which they began."""

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from math import inf

from dialer.media.events import Transcript
from dialer.media.journal import Journal
from dialer.media.playback import Line
from dialer.ports import CallLog, TurnRecord, Understanding
from voice_ai.answering import AnswerVerdict

NOTHING_UNDERSTOOD = Understanding(intent=None, emotion=None)


class TurnBook:
    """Keeps a turn until none that began earlier can still come, so that numbers are in order.

    `began` is the wall time at which the audio's seconds start to count; `first` is the number of
    its first turn, where the call was talked in before.
    """

    def __init__(self, journal: Journal, began: datetime, first: int = 0) -> None:
        self._journal = journal
        self._began = began
        self.turns = first
        self.barge_ins = 0
        self._kept: list[TurnRecord] = []

    def agent_line(self, line: Line, *, heard_fraction: float, interrupted: bool) -> None:
        """`interrupted`: by the person, not by the end of the call."""
        starts_s = line.starts_s or 0.0
        self._kept.append(
            TurnRecord(
                index=0,
                speaker="agent",
                node=line.node,
                prompt_key=line.key,
                text=line.text,
                heard_fraction=heard_fraction,
                interrupted=interrupted,
                started_at=self._moment(starts_s),
                ended_at=self._moment(line.ended_s if line.ended_s is not None else starts_s),
                tts_first_byte_ms=line.tts_first_byte_ms,
                response_ms=line.response_ms,
                mind_ms=line.mind_ms,
            )
        )

    def transcript(
        self,
        heard: Transcript,
        *,
        node: str,
        understanding: Understanding,
        mind_ms: float | None,
    ) -> None:
        spoken, endpoint_s = heard.turn, heard.turn.endpoint_s
        tail = (
            1000 * (heard.heard_at - heard.committed_at)
            if heard.heard_at is not None and heard.committed_at is not None
            else None
        )
        self._kept.append(
            TurnRecord(
                index=0,
                speaker="caller",
                node=node,
                text=heard.text,
                started_at=self._moment(spoken.onset_s),
                ended_at=self._moment(max(spoken.onset_s, spoken.voiced_until_s)),
                endpoint_ms=None if endpoint_s is None else 1000 * endpoint_s,
                stt_tail_ms=tail,
                mind_ms=mind_ms,
                intent=understanding.intent,
                emotion=understanding.emotion,
                opt_out=understanding.opt_out,
                apart=understanding.apart,
            )
        )

    def key_pressed(self, digit: str, at_s: float, *, node: str) -> None:
        at = self._moment(at_s)
        self._kept.append(
            TurnRecord(
                index=0,
                speaker="caller",
                node=node,
                text=f"pressed {digit}",
                started_at=at,
                ended_at=at,
            )
        )

    def recording_declined(self) -> None:
        self._journal.write(lambda log: log.recording_declined())

    def answered_freely(self, why: str) -> None:
        self._journal.write(lambda call_log: call_log.answered_freely(why))

    def answered(self, verdict: AnswerVerdict) -> None:
        """Our own verdict on who answered, or a revision of it."""
        self._journal.write(lambda log: log.answered(verdict))

    def write(self, open_since_s: float) -> None:
        """Log what began before `open_since_s`, where the earliest turn still going on began."""
        self._kept.sort(key=lambda turn: turn.started_at)
        while self._kept:
            ready = open_since_s == inf or self._kept[0].started_at < self._moment(open_since_s)
            if not ready:
                return
            turn = replace(self._kept.pop(0), index=self.turns)
            self.turns += 1
            self._journal.write(partial(_log_turn, turn=turn))
            if turn.interrupted:
                self.barge_ins += 1

    def _moment(self, audio_s: float) -> datetime:
        return self._began + timedelta(seconds=audio_s)


async def _log_turn(log: CallLog, *, turn: TurnRecord) -> None:
    await log.turn(turn)
    if turn.interrupted and turn.heard_fraction is not None:
        await log.barge_in(turn.index, turn.heard_fraction)
