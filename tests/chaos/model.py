"""The store, the carrier and the referee of the deterministic simulation, all in memory.

Whatever decides is the product's own pure code (`voice_ai.calls`, `.retries`, `.compliance`,
`dialer.reconcile.match`). Written for the simulation is only what keeps and what delivers. Every
method of the store is one transaction: it happens whole, at one moment.
"""

import heapq
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from voice_ai.calls import (
    AttemptState,
    Finish,
    Reading,
    advance,
    disposition_of,
    is_given_up,
    is_terminal,
    may_give_up,
    reading_of,
)
from voice_ai.compliance import CampaignFacts, Decision, LeadFacts, Policy, decide
from voice_ai.retries import RetryAt, RetryPolicy, RetryRule, next_step

FLAGS_NOT_REACHED = frozenset({"not_dialed", "failed_transient"})
TERMINAL = frozenset({"goal", "not_interested", "opt_out", "wrong_number", "failed_permanent"})
POLICY = Policy()
RETRIES = RetryPolicy(
    max_attempts=6,
    rules={
        "busy": RetryRule(delays_s=(600, 1800, 14400), most=3),
        "no_answer": RetryRule(delays_s=(14400, 28800), most=4),
        "canceled": RetryRule(delays_s=(600,), most=3),
        "human_hangup": RetryRule(delays_s=(86400,), most=2),
        "conversed_no_goal": RetryRule(delays_s=(86400,), most=1),
    },
)
DAY = timedelta(days=1)


@dataclass
class Number:
    """`holders` are the sends on their way that hold its shared lock."""

    zones: tuple[str, ...]
    dials: list[datetime] = field(default_factory=list)
    last: str | None = None
    suppressed: bool = False
    no_returned_at: datetime | None = None
    live: "Attempt | None" = None
    holders: set[int] = field(default_factory=set)


@dataclass
class Lead:
    """A person on the list of one campaign; another campaign may have the same number."""

    id: int
    number: Number
    state: str = "ready"
    next_allowed_at: datetime | None = None
    attempts: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    last_word: bool = False
    live: "Attempt | None" = None


@dataclass
class Attempt:
    id: int
    lead: Lead
    worker: "Worker"
    intended_at: datetime
    slot_at: datetime
    state: AttemptState = AttemptState.INTENDED
    disposition: str | None = None
    late: bool = False
    ended_at: datetime | None = None
    heard_at: datetime | None = None
    terminal_events: int = 0
    sids: list[int] = field(default_factory=list)
    # The locks of its send fell before the carrier had it: a crash, or a lost connection.
    unguarded: bool = False
    checked_at: datetime | None = None
    accepted: bool = False
    outcome: str | None = None


@dataclass
class Worker:
    """One process. `epoch` counts its lives: what an earlier life began goes nowhere."""

    name: int
    epoch: int = 0
    dead_at: datetime | None = None
    stands_until: datetime | None = None


@dataclass
class Call:
    sid: int
    attempt: Attempt
    accepted_at: datetime
    status: str = "queued"
    ended_at: datetime | None = None
    listed_at: datetime | None = None
    # What the conversation arrived at, if there was one.
    outcome: str | None = None


@dataclass(frozen=True)
class Guards:
    """All on; the tests take them out one by one to see that the referee notices."""

    unique_number: bool = True
    fence: bool = True
    reread: bool = True
    unknown_is_not_failed: bool = True
    number_lock: bool = True
    pace_lock: bool = True
    terminal_once: bool = True
    given_up: bool = True


def lead_facts(lead: Lead, now: datetime) -> LeadFacts:
    number = lead.number
    return LeadFacts(
        zones=number.zones,
        country="US",
        suppressed=number.suppressed,
        consent=True,
        recent_dials=tuple(at for at in reversed(number.dials) if at > now - DAY),
        last_was_busy=number.last == "busy",
        attempts=lead.attempts,
        not_before=lead.next_allowed_at,
    )


def campaign_facts() -> CampaignFacts:
    return CampaignFacts(
        running=True,
        schedule_start=time(8),
        schedule_end=time(21),
        schedule_days=frozenset(range(7)),
        max_attempts=RETRIES.max_attempts,
    )


class Store:
    """Postgres, as far as the promises need it."""

    def __init__(self, leads: list[Lead], start: datetime, cap: int, guards: Guards) -> None:
        self.leads = leads
        self.guards = guards
        self.cap = cap
        self.campaign = campaign_facts()
        self.open: dict[int, Attempt] = {}
        self.next_slot = start
        self.decisions = 0
        self.most_open = 0
        self._serial = 0
        self._looks: list[Attempt] = []
        self._due = [(start, lead.id) for lead in leads]
        heapq.heapify(self._due)

    @property
    def next_due(self) -> datetime | None:
        return self._due[0][0] if self._due else None

    def claim(
        self, worker: Worker, now: datetime, spacing: timedelta, live: int | None
    ) -> list[Attempt]:
        """One transaction. `live`: counted beforehand, when there is no lock to count under."""
        room = self.cap - (len(self.open) if live is None else live)
        slot = max(self.next_slot, now)
        made: list[Attempt] = []
        while len(made) < room and slot <= now + timedelta(milliseconds=500):
            lead = self._next_ready(now)
            if lead is None:
                break
            decision = self.decide(lead, now)
            if not decision.allow:
                self._put_off(lead, decision, now)
                continue
            self._serial += 1
            attempt = Attempt(self._serial, lead, worker, now, slot)
            lead.state, lead.live, lead.number.live = "calling", attempt, attempt
            self.open[attempt.id] = attempt
            made.append(attempt)
            slot += spacing
        self.next_slot = slot
        self.most_open = max(self.most_open, len(self.open))
        return made

    def _next_ready(self, now: datetime) -> Lead | None:
        while self._due and self._due[0][0] <= now:
            lead = self.leads[heapq.heappop(self._due)[1]]
            if lead.state != "ready":
                continue
            if self.guards.unique_number and lead.number.live is not None:
                heapq.heappush(self._due, (now + timedelta(seconds=5), lead.id))
                continue
            return lead
        return None

    def decide(self, lead: Lead, now: datetime) -> Decision:
        self.decisions += 1
        return decide(lead_facts(lead, now), self.campaign, now, POLICY)

    def _put_off(self, lead: Lead, decision: Decision, now: datetime) -> None:
        if decision.final:
            lead.state = "done"
            return
        lead.next_allowed_at = decision.next_allowed_at or now + DAY
        heapq.heappush(self._due, (lead.next_allowed_at, lead.id))

    def placed(self, attempt: Attempt, sid: int, now: datetime) -> bool:
        """The carrier's answer; False: it is not wanted and must be ended."""
        return self.told(attempt, sid, "queued", now) is not Reading.LATE

    def told(self, attempt: Attempt, sid: int, status: str, now: datetime) -> Reading:
        """A word of the carrier about a call, from an answer, a callback or a question."""
        reading = self._reading(attempt, status, now)
        if sid not in attempt.sids:
            attempt.sids.append(sid)
        if reading is Reading.LATE:
            attempt.late = True
            self._move(attempt, "queued", now)
        elif reading is Reading.END:
            self.finish(attempt, _disposition(status, attempt.outcome), now)
        else:
            self._move(attempt, status, now)
        return reading

    def _reading(self, attempt: Attempt, status: str, now: datetime) -> Reading:
        if attempt.late and not is_terminal(status):
            return Reading.LATE
        reading = reading_of(attempt.state, attempt.disposition, attempt.intended_at, status, now)
        ignored = reading is Reading.LATE and not self.guards.given_up
        return Reading.MOVE if ignored else reading

    def _move(self, attempt: Attempt, status: str, now: datetime) -> None:
        if attempt.state is not AttemptState.ENDED:
            attempt.state = advance(attempt.state, status)
            attempt.heard_at = now

    def unanswered(self, attempt: Attempt, now: datetime) -> None:
        if attempt.state is AttemptState.INTENDED:
            if self.guards.unknown_is_not_failed:
                attempt.state = AttemptState.UNKNOWN
            else:
                self.finish(attempt, "not_dialed", now)

    def finish(self, attempt: Attempt, disposition: str, now: datetime) -> None:
        """The terminal event, the end and the lead's next step, together."""
        if attempt.state is AttemptState.ENDED and self.guards.terminal_once:
            return
        attempt.terminal_events += 1
        attempt.state, attempt.disposition = AttemptState.ENDED, disposition
        attempt.ended_at = now
        self.open.pop(attempt.id, None)
        lead = attempt.lead
        number = lead.number
        lead.live = None
        if number.live is attempt:
            number.live = None
        lead.outcomes[disposition] += 1
        if disposition != "not_dialed":
            lead.last_word = disposition in TERMINAL
        if disposition not in FLAGS_NOT_REACHED:
            number.dials.append(attempt.intended_at)
            number.last = disposition
            lead.attempts += 1
        step = next_step(
            disposition,
            attempts=lead.attempts,
            same_outcome=lead.outcomes[disposition],
            policy=RETRIES,
            now=now,
        )
        if isinstance(step, RetryAt):
            lead.state, lead.next_allowed_at = "ready", step.at
            heapq.heappush(self._due, (step.at, lead.id))
        else:
            lead.state = "done"

    def quiet(self, now: datetime, since: timedelta) -> list[Attempt]:
        return [
            attempt
            for attempt in self.open.values()
            if now - (attempt.heard_at or attempt.intended_at) > since
        ]

    def give_up(
        self, attempt: Attempt, now: datetime, *, dead_after: timedelta, list_lag: timedelta
    ) -> None:
        worker = attempt.worker
        dead = worker.dead_at is not None and now - worker.dead_at > dead_after
        if may_give_up(
            attempt.state, attempt.intended_at, now, worker_dead=dead, list_lag=list_lag
        ):
            self.finish(attempt, "not_dialed", now)
            self._looks.append(attempt)

    def just_given_up(self) -> list[Attempt]:
        """Those that are looked for once more: their call may come late and without a word."""
        looks, self._looks = self._looks, []
        return looks

    def given_up(self, attempt: Attempt) -> bool:
        return is_given_up(attempt.state, attempt.disposition)


def _disposition(status: str, outcome: str | None) -> str:
    return disposition_of(Finish(status=status, outcome=outcome, agent_turns=1, caller_turns=2))


class Referee:
    """What really rang. Late calls are cancelled and counted apart: they are judged at the end."""

    def __init__(self, cap: int) -> None:
        self.cap = cap
        self.calls: list[Call] = []
        self.violations: list[str] = []
        self._windows: dict[tuple[str, int], tuple[datetime, datetime]] = {}

    def accepted(self, call: Call, now: datetime) -> None:
        self.calls.append(call)
        lead, attempt = call.attempt.lead, call.attempt
        for zone in lead.number.zones:
            if not self._is_open(zone, now):
                self.violations.append(f"I5 {now} is outside the window in {zone}")
        no = lead.number.no_returned_at
        if no is not None and now > no and not attempt.unguarded:
            self.violations.append(f"I6 lead {lead.id} was called after its no had returned")
        if lead.last_word:
            self.violations.append(f"I2 lead {lead.id} was called after its last word")

    def _is_open(self, zone: str, now: datetime) -> bool:
        local = now.astimezone(_zone(zone))
        return 8 <= local.hour < 21

    def judge(self, store: Store) -> list[str]:
        """What can only be said when everything is over."""
        found = list(self.violations)
        by_number: dict[int, list[Call]] = {}
        moments: list[tuple[datetime, int]] = []
        for call in self.calls:
            if call.attempt.late:
                continue
            by_number.setdefault(id(call.attempt.lead.number), []).append(call)
            moments.append((call.accepted_at, 1))
            if call.ended_at is not None:
                moments.append((call.ended_at, -1))
        for calls in by_number.values():
            for before, after in zip(calls, calls[1:], strict=False):
                if before.ended_at is None or after.accepted_at < before.ended_at:
                    found.append(f"I1 lead {after.attempt.lead.id} was called twice at once")
        live = most = 0
        for _, change in sorted(moments):
            live += change
            most = max(most, live)
        if store.most_open > self.cap:
            found.append(f"I3 {store.most_open} intents at once, {self.cap} are allowed")
        if most > self.cap:
            found.append(f"I3 {most} calls at once, {self.cap} are allowed")
        return found + self._ends(store)

    def _ends(self, store: Store) -> list[str]:
        found = [f"I9 attempt {attempt.id} never ended" for attempt in store.open.values()]
        for lead in store.leads:
            if lead.state == "calling" and lead.live is None:
                found.append(f"I9 lead {lead.id} is held by nobody")
        seen: set[int] = set()
        for call in self.calls:
            attempt = call.attempt
            if call.sid not in attempt.sids:
                found.append(f"I7 call {call.sid} is not in our list")
            if attempt.id in seen:
                found.append(f"I2 attempt {attempt.id} was called twice")
            seen.add(attempt.id)
            if attempt.terminal_events != 1:
                found.append(f"I7 attempt {attempt.id} has {attempt.terminal_events} ends")
            if store.given_up(attempt) and not attempt.late:
                found.append(f"I2 attempt {attempt.id} was given up, called and not counted late")
            if attempt.disposition == "not_dialed" and _listed_before(call, attempt.ended_at):
                found.append(f"I2 attempt {attempt.id} was given up while it rang")
        return found


def _listed_before(call: Call, moment: datetime | None) -> bool:
    return moment is not None and call.listed_at is not None and call.listed_at < moment


def _zone(name: str, known: dict[str, ZoneInfo] = {}) -> ZoneInfo:  # noqa: B006 a cache
    return known.setdefault(name, ZoneInfo(name))
