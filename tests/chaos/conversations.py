"""Scenario 11: whole conversations with every kind of person, while line and speech vendor fail.

Real audio both ways, in real time. What is judged besides the usual promises: every conversation
has an end reason, nobody was left in silence, and when all is over the server holds no task, no
socket, no file and no call more than it held after its first few calls.
"""

import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
from prometheus_client.parser import text_string_to_metric_families

from dialer.simulator.faults import ROUGH
from tests.chaos.arena import Arena, Impatient, Process, until
from tests.chaos.people import campaign_file, make_campaign, make_people
from tests.chaos.runs import Outcome, Run, begin, open_run

_ANSWERS = {
    "human": 0.72,
    "voicemail": 0.12,
    "screening": 0.05,
    "ivr": 0.04,
    "fax": 0.03,
    "busy": 0.04,
}
_PACING = {"setup": (0.1, 0.5), "ring": (0.2, 2.0), "gives_up": 15.0, "longest_call": 90.0}
# Callbacks are broken in scenario 4; here a lost one would only make the run longer.
_FAULTS = asdict(ROUGH) | {"lost_callback": 0.0, "late_callback": 0.0, "name": "rough"}
# Somebody who listened for longer than this and heard nothing was left in silence.
_PATIENCE_S = 4.0
_CONVERSATIONS = """
SELECT a.id, a.end_reason, a.disposition, a.first_audio_ms,
       extract(epoch FROM stopped.occurred_at - started.occurred_at) AS seconds,
       stopped.seq IS NOT NULL AS stopped,
       EXISTS (SELECT FROM turns t WHERE t.attempt_id = a.id AND t.speaker = 'agent'
               AND coalesce(t.heard_fraction, 0) > 0) AS agent_heard
FROM attempts a
JOIN call_events started ON started.attempt_id = a.id AND started.kind = 'media_started'
LEFT JOIN call_events stopped ON stopped.attempt_id = a.id AND stopped.kind = 'media_stopped'
"""


@dataclass(frozen=True)
class Held:
    """What the server's process holds when no call goes on."""

    live: int
    tasks: int
    sockets: int
    files: frozenset[str]


def conversations(arena: Arena, seed: int, *, calls: int, at_once: int) -> Outcome:
    few = max(8, calls // 20)
    told = {
        "pacing": _PACING,
        "answer_mix": _ANSWERS,
        "personas": None,
        "faults": _FAULTS,
        "amd_error_rate": 0.1,
    }
    arena.hurry["renders_ahead"] = True
    campaign = {"detect_machines": True, "pacing": _pacing(at_once)}
    with open_run(
        arena, seed, leads=few, concurrent=at_once, carrier=told, campaign=campaign
    ) as run:
        begin(run, workers=1)
        server = arena.of_kind("server")[0]
        run.settle()
        before = _at_rest(run, server)
        _call_the_others(run, first=few, count=calls - few, at_once=at_once)
        run.settle(idle_s=120.0, longest_s=3600.0)
        after = _at_rest(run, server)
        run.more.extend(_leaks(before, after))
        _judge_conversations(run)
        return run.result()


def _pacing(at_once: int) -> dict[str, Any]:
    return {
        "max_concurrent": at_once,
        "calls_per_second": 10.0,
        "ring_timeout_s": 15,
        "max_call_s": 60,
    }


def _call_the_others(run: Run, *, first: int, count: int, at_once: int) -> None:
    now = run.now()
    make_people(run.db, run.arena.keyring, "others", count, now, first=first)
    document = campaign_file("Others", "others", concurrent=at_once, per_second=10.0)
    document |= {"detect_machines": True, "pacing": _pacing(at_once)}
    make_campaign(run.db, run.arena.keyring, document, now)


def _at_rest(run: Run, server: Process) -> Held:
    """Kept-alive connections close by themselves after a few idle seconds."""
    held = _held(run, server)
    end = time.monotonic() + 12.0
    while time.monotonic() < end:
        now = _held(run, server)
        if now == held and not now.live:
            time.sleep(1.0)
        held = now
    return held


def _held(run: Run, server: Process) -> Held:
    url = f"http://127.0.0.1:{run.arena.server_port}/metrics"
    text = httpx.get(url, timeout=10, trust_env=False).text
    values = {
        sample.name: sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if not sample.labels
    }
    process = psutil.Process(server.pid)
    return Held(
        live=int(values["voice_ai_live_conversations"]),
        tasks=int(values["voice_ai_asyncio_tasks"]),
        sockets=sum(
            1 for each in process.net_connections() if each.status in ("ESTABLISHED", "CLOSE_WAIT")
        ),
        files=frozenset(each.path for each in process.open_files() if Path(each.path).is_file()),
    )


def _leaks(before: Held, after: Held) -> list[str]:
    found = []
    if after.live:
        found.append(f"{after.live} conversations are still held")
    if after.tasks > before.tasks + 1:
        found.append(f"tasks leak: {before.tasks} after the first calls, {after.tasks} at the end")
    # The pool may have opened further connections to the database; each call would have had three.
    if after.sockets > before.sockets + 10:
        found.append(f"sockets leak: {before.sockets}, then {after.sockets}")
    if more := after.files - before.files:
        found.append(f"files are left open: {sorted(more)}")
    return found


def _judge_conversations(run: Run) -> None:
    try:
        until(lambda: not _open(run), "the last words are written", 30)
    except Impatient as error:
        run.more.append(str(error))
    reasons: Counter[str] = Counter()
    for row in run.db.execute(_CONVERSATIONS).fetchall():
        reasons[row["end_reason"] or "none"] += 1
        if not row["end_reason"] or not row["stopped"]:
            run.more.append(f"{row['id']}: a conversation without an end ({row['end_reason']})")
        elif not row["agent_heard"] and row["seconds"] > _PATIENCE_S:
            run.more.append(
                f"{row['id']}: {row['seconds']:.1f} s of silence, then {row['end_reason']}"
            )
    run.notes.update({f"ended {reason}": count for reason, count in reasons.items()})
    run.notes["conversations"] = sum(reasons.values())


def _open(run: Run) -> bool:
    rows = run.db.execute(_CONVERSATIONS).fetchall()
    return any(not row["stopped"] for row in rows)
