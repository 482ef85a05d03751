"""Many conversations at once, everybody mixed, line and speech vendor failing: the short form of

`make chaos ARGS="--scenario 11"`, in one process.
"""

import asyncio
from collections import Counter

import psutil

from dialer.simulator.config import SimulatorConfig
from dialer.simulator.faults import FaultProfile
from tests.integration.dialer_parts import until
from tests.integration.media_calls import Held, desk
from tests.integration.sim_carrier import PACING

CALLS = 40
# By this name the speech vendor fails as well: 429s, late audio, a recogniser that goes away.
FAULTS = FaultProfile(name="rough", media_drop=0.1)
CONFIG = SimulatorConfig(
    port=0,
    speed=8.0,
    pacing=PACING,
    answer_mix={"human": 0.85, "voicemail": 0.15},
    faults=FAULTS,
)
FOUR_SECONDS = 4.0


def was_left_in_silence(call: Held) -> bool:
    """Somebody listened for some seconds and heard nothing of ours."""
    heard = any(turn.heard_fraction for turn in call.log.turns if turn.speaker == "agent")
    return not heard and call.result.audio_s > FOUR_SECONDS


def sockets_open() -> int:
    return len(psutil.Process().net_connections())


async def test_conversations_with_everybody_end_with_a_reason_and_leave_nothing_behind() -> None:
    async with desk(CONFIG) as it:
        await it.call("+14155550100")
        tasks, sockets = len(asyncio.all_tasks()), sockets_open()
        sids = [await it.place(f"+1415555{1000 + number}") for number in range(CALLS)]
        calls = [await it.clerk.ended(sid, 120) for sid in sids]

        async def let_go() -> bool | None:
            return (len(asyncio.all_tasks()) <= tasks and sockets_open() <= sockets + 4) or None

        await until(let_go, 30)
    reasons = Counter(call.result.end_reason for call in calls)
    assert sum(reasons.values()) == CALLS
    assert "error" not in reasons
    assert len(reasons) >= 4, reasons
    assert not [call.result for call in calls if was_left_in_silence(call)]
    for call in calls:
        kinds = [kind for kind, _ in call.log.entries]
        assert kinds[-2:] == ["outcome", "media_stopped"]
        assert (kinds.count("outcome"), kinds.count("media_stopped")) == (1, 1)
