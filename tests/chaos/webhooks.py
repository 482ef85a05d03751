"""Scenario 4: callbacks in every order, repeated, lost, an hour late and with wrong signatures."""

import itertools
import random
import signal
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx

from dialer.callbacks import CallbackUrls
from dialer.simulator.webhooks import sign
from tests.chaos.arena import Arena, until
from tests.chaos.runs import Outcome, Run, begin, open_run
from voice_ai.ids import AttemptId

EVENTS = ("initiated", "ringing", "answered", "detection", "completed")
ORDERS = list(itertools.permutations(EVENTS))
_STATUS = {"answered": "in-progress", "detection": "in-progress"}
# The reconciler is to say nothing until all callbacks are told.
_SILENT = {"quiet_s": 3600.0}


@dataclass(frozen=True)
class Letter:
    url: str
    form: dict[str, str]
    token: str
    genuine: bool


def webhook_storm(arena: Arena, seed: int, *, calls: int) -> Outcome:
    """Real calls whose own callbacks are all lost; what is told of them is told here."""
    told = {
        "faults": {"name": "mute", "lost_callback": 1.0},
        "answer_mix": {"busy": 0.7, "failed": 0.3},
    }
    with open_run(arena, seed, leads=calls, concurrent=calls, carrier=told) as run:
        arena.hurry |= _SILENT
        begin(run, workers=2)
        until(lambda: run.standing()["due"] == 0, "everybody is called", 180, every=0.2)
        until(lambda: run.judge.counts()["open_now"] == 0, "every call is over", 60, every=0.2)
        run.db.execute("UPDATE campaigns SET state = 'paused'")
        for worker in arena.of_kind("dialer"):
            worker.signal(signal.SIGTERM)
        rows = run.db.execute(
            "SELECT k.carrier_sid, k.attempt_id FROM calls k JOIN attempts a ON a.id = k.attempt_id"
            " WHERE a.state <> 'ended' ORDER BY a.intended_at, a.id"
        ).fetchall()
        stories, late = _stories(run, rows)
        _post_all(run, stories)
        _same_for_all(run)
        # What was lost with its end is the reconciler's; then the hour is over.
        arena.hurry |= {"quiet_s": 4.0}
        arena.start("dialer")
        run.settle()
        before = _written(run)
        _post_all(run, [[letter] for letter in late])
        if _written(run) != before:
            run.more.append("a callback that came an hour late changed something")
        return run.result()


def _stories(run: Run, rows: Sequence[dict[str, Any]]) -> tuple[list[list[Letter]], list[Letter]]:
    token = run.arena.keyring.password_for("rehearsal-carrier")
    urls = CallbackUrls(run.arena.environment["VOICE_AI_PUBLIC_URL"], run.arena.keyring)
    stories, late = [], []
    for place, row in enumerate(rows):
        story = []
        for event in ORDERS[place % len(ORDERS)]:
            if run.draws.random() < 0.1:
                run.faults["callback lost"] += 1
                continue
            letter = _letter(urls, row["attempt_id"], row["carrier_sid"], event, token)
            copies = run.draws.choice([1, 1, 1, 2, 3, 5])
            run.faults["callback repeated"] += copies - 1
            story += [letter] * copies
            if run.draws.random() < 0.05:
                story.append(_forged(letter, run.draws))
                run.faults["callback forged"] += 1
            if event != "completed" and run.draws.random() < 0.3:
                run.faults["callback an hour late"] += 1
                late.append(letter)
        stories.append(story)
    return stories, late


def _letter(urls: CallbackUrls, attempt: UUID, sid: str, event: str, token: str) -> Letter:
    attempt_id = AttemptId(attempt)
    form = {
        "CallSid": sid,
        "AccountSid": "AC",
        "CallStatus": _STATUS.get(event, event),
        "SequenceNumber": str(EVENTS.index(event)),
    }
    if event == "detection":
        del form["SequenceNumber"]
        form |= {"AnsweredBy": "human", "MachineDetectionDuration": "1200"}
        return Letter(urls.detection(attempt_id), form, token, True)
    if event == "completed":
        form["CallDuration"] = "7"
    return Letter(urls.status(attempt_id), form, token, True)


def _forged(letter: Letter, draws: random.Random) -> Letter:
    """A wrong secret, or genuine words under the address of nobody."""
    if draws.random() < 0.5:
        return Letter(letter.url, letter.form, "another secret", False)
    return Letter(letter.url[:-3] + "abc", letter.form, letter.token, False)


def _post_all(run: Run, stories: Sequence[Sequence[Letter]]) -> None:
    wrong: Counter[str] = Counter()
    with httpx.Client(timeout=60, trust_env=False) as http, ThreadPoolExecutor(12) as pool:

        def tell(story: Sequence[Letter]) -> None:
            for letter in story:
                given = {"X-Twilio-Signature": sign(letter.token, letter.url, letter.form)}
                status = http.post(letter.url, data=letter.form, headers=given).status_code
                if status != (204 if letter.genuine else 403):
                    wrong[f"genuine {letter.genuine}: answered {status}"] += 1

        list(pool.map(tell, stories))
    run.faults["callbacks told"] += sum(map(len, stories))
    run.more += [f"{what} ({times} times)" for what, times in wrong.items()]


def _same_for_all(run: Run) -> None:
    """Whatever the order, the same end; events are numbered without a gap."""
    ends = run.db.execute(
        "SELECT DISTINCT disposition, answer_class FROM attempts WHERE ended_by = 'callback'"
    ).fetchall()
    if len({end["disposition"] for end in ends}) > 1:
        run.more.append(f"the order of callbacks changed the end: {ends}")
    gaps = run.db.execute(
        "SELECT attempt_id FROM call_events GROUP BY attempt_id HAVING max(seq) <> count(*)"
    ).fetchall()
    run.more += [f"{gap['attempt_id']}: its events have a gap" for gap in gaps]


def _written(run: Run) -> list[dict[str, Any]]:
    return run.db.execute(
        "SELECT id, state, disposition, answer_class, late, ended_at FROM attempts ORDER BY id"
    ).fetchall()
