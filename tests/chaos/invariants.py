"""What must hold whatever happened: pure functions over the carrier's list and our rows.

Each gives its violations as sentences; no violation is an empty list. Times are real time.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

SECOND = timedelta(seconds=1)
# The gate refuses what is older than a second; between that check and its own stamp lies a query.
FENCE = timedelta(milliseconds=1250)


@dataclass(frozen=True)
class CarrierCall:
    """A call as the judge saw it; `number` is a keyed hash. `ended_at` None: it is still live."""

    sid: str
    number: str
    status: str
    accepted_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True)
class Attempt:
    id: UUID
    campaign_id: UUID
    lead_id: int
    number_id: int
    state: str
    disposition: str | None
    reached: bool
    terminal: bool
    late: bool
    intended_at: datetime
    sent_at: datetime | None
    ended_at: datetime | None
    terminal_events: int
    permits: int
    sids: tuple[str, ...] = ()


@dataclass(frozen=True)
class Lead:
    id: int
    campaign_id: UUID
    number_id: int
    state: str
    scheduled: bool
    decided: bool


@dataclass(frozen=True)
class Suppression:
    """`returned_at`: when whoever asked for it was told that it holds."""

    number_id: int
    returned_at: datetime


@dataclass(frozen=True)
class Limits:
    """What the campaigns were told; `most` is how often an outcome may come before the end."""

    concurrent: int
    per_second: float
    most: Mapping[str, int]
    # Sends that a stopped process or a slow network brought about: so many may have come late.
    late: int = 0
    # How much the way to the carrier differs from one request to the next, as injected; seconds.
    way_s: float = 0.0
    # What a killed process had written to its socket may arrive a moment after its locks fell.
    grace: timedelta = timedelta(0)


@dataclass(frozen=True)
class Evidence:
    calls: Sequence[CarrierCall]
    attempts: Sequence[Attempt]
    leads: Sequence[Lead]
    limits: Limits
    suppressions: Sequence[Suppression] = ()
    # Campaigns that were stopped, and when the stop had returned.
    stops: Sequence[tuple[UUID, datetime]] = ()
    # The longest that the judge itself stood still, in seconds: so far its stamps may be off.
    judge_lag_s: float = 0.0
    more: Sequence[str] = field(default_factory=tuple)


Check = Callable[[Evidence], list[str]]


def in_time(evidence: Evidence) -> list[CarrierCall]:
    """The calls without those that came late, were cancelled and are counted apart."""
    late = {sid for attempt in evidence.attempts if attempt.late for sid in attempt.sids}
    return [call for call in evidence.calls if call.sid not in late]


def one_live_call_per_number(evidence: Evidence) -> list[str]:
    by_number: defaultdict[str, list[CarrierCall]] = defaultdict(list)
    for call in sorted(in_time(evidence), key=lambda call: call.accepted_at):
        by_number[call.number].append(call)
    found = []
    for calls in by_number.values():
        for before, after in zip(calls, calls[1:], strict=False):
            if before.ended_at is None or after.accepted_at < before.ended_at:
                found.append(f"{after.sid} rang while {before.sid} was live at the same number")
    return found


def no_call_after_the_last_word(evidence: Evidence) -> list[str]:
    """A lead is dialed again only as its outcome's rule says; an attempt has one call."""
    found = [f"{a.id} has {len(a.sids)} calls" for a in evidence.attempts if len(a.sids) > 1]
    found += [
        f"{attempt.id} was given up and yet called, and is not counted as late"
        for attempt in evidence.attempts
        if attempt.disposition == "not_dialed" and attempt.sids and not attempt.late
    ]
    found += _given_up_while_it_rang(evidence)
    by_lead: defaultdict[tuple[UUID, int], list[Attempt]] = defaultdict(list)
    for attempt in sorted(evidence.attempts, key=lambda attempt: attempt.intended_at):
        by_lead[attempt.campaign_id, attempt.lead_id].append(attempt)
    for attempts in by_lead.values():
        same: defaultdict[str, int] = defaultdict(int)
        for before, after in zip(attempts, attempts[1:], strict=False):
            outcome = before.disposition or ""
            same[outcome] += 1
            if before.terminal or same[outcome] >= evidence.limits.most.get(outcome, 1):
                found.append(f"{after.id} followed {before.id}, which ended as {outcome}")
    return found


def _given_up_while_it_rang(evidence: Evidence) -> list[str]:
    """The carrier had the call already when its attempt was given up: nobody had asked it."""
    calls = {call.sid: call for call in evidence.calls}
    return [
        f"{attempt.id} was given up though the carrier had {sid} already"
        for attempt in evidence.attempts
        for sid in attempt.sids
        if attempt.disposition == "not_dialed"
        and sid in calls
        and attempt.ended_at is not None
        and calls[sid].accepted_at < attempt.ended_at
    ]


def concurrency_under_the_cap(evidence: Evidence) -> list[str]:
    """Counted at the carrier, from accepted to ended; ends come before what begins then."""
    moments: list[tuple[datetime, int]] = []
    for call in in_time(evidence):
        moments.append((call.accepted_at, 1))
        if call.ended_at is not None:
            moments.append((call.ended_at, -1))
    live = most = 0
    for _, change in sorted(moments):
        live += change
        most = max(most, live)
    cap = evidence.limits.concurrent
    return [f"{most} calls were live at once, {cap} are allowed"] if most > cap else []


def pace_under_the_cap(evidence: Evidence) -> list[str]:
    """In any sliding second; where the judge itself stood still its stamps bunch together."""
    accepted = sorted(call.accepted_at for call in in_time(evidence))
    most, first = 0, 0
    for last, moment in enumerate(accepted):
        while accepted[first] <= moment - SECOND:
            first += 1
        most = max(most, last - first + 1)
    limits = evidence.limits
    allowed = limits.per_second * (1 + evidence.judge_lag_s + limits.way_s)
    if most <= max(1.0, allowed):
        return []
    return [f"{most} calls were accepted within a second, {allowed:.1f} are allowed"]


def silence_after_a_no(evidence: Evidence) -> list[str]:
    """From the return of a suppression on nothing is accepted."""
    calls = {call.sid: call for call in in_time(evidence)}
    by_number: defaultdict[int, list[CarrierCall]] = defaultdict(list)
    for attempt in evidence.attempts:
        by_number[attempt.number_id] += [calls[sid] for sid in attempt.sids if sid in calls]
    return [
        f"{call.sid} was accepted {call.accepted_at - said.returned_at} after the number's no"
        for said in evidence.suppressions
        for call in by_number[said.number_id]
        if call.accepted_at > said.returned_at + evidence.limits.grace
    ]


def silence_after_a_stop(evidence: Evidence) -> list[str]:
    calls = {call.sid: call for call in in_time(evidence)}
    return [
        f"{sid} was accepted {calls[sid].accepted_at - stopped_at} after the stop had returned"
        for campaign_id, stopped_at in evidence.stops
        for attempt in evidence.attempts
        for sid in attempt.sids
        if attempt.campaign_id == campaign_id
        and sid in calls
        and calls[sid].accepted_at > stopped_at + evidence.limits.grace
    ]


def one_end_each(evidence: Evidence) -> list[str]:
    ours = {sid for attempt in evidence.attempts for sid in attempt.sids}
    theirs = {call.sid for call in evidence.calls}
    return [
        *(f"the carrier's {sid} is not in our list" for sid in sorted(theirs - ours)),
        *(f"our {sid} is not in the carrier's list" for sid in sorted(ours - theirs)),
        *(
            f"{attempt.id} has {attempt.terminal_events} ends"
            for attempt in evidence.attempts
            if attempt.terminal_events > 1
        ),
    ]


def every_dial_has_its_permit(evidence: Evidence) -> list[str]:
    found = [
        f"{attempt.id} has {attempt.permits} decisions that allow it"
        for attempt in evidence.attempts
        if attempt.permits != 1
    ]
    tried = {(attempt.campaign_id, attempt.lead_id) for attempt in evidence.attempts}
    return found + [
        f"lead {lead.id} is done without a dial and without a decision"
        for lead in evidence.leads
        if lead.state == "done" and not lead.decided and (lead.campaign_id, lead.id) not in tried
    ]


def nothing_old_is_sent(evidence: Evidence) -> list[str]:
    found = [
        f"{a.id} was sent {a.sent_at - a.intended_at} after it was intended"
        for a in evidence.attempts
        if a.sent_at is not None and not a.late and a.sent_at - a.intended_at > FENCE
    ]
    late = sum(attempt.late for attempt in evidence.attempts)
    if late > evidence.limits.late:
        found.append(f"{late} calls came late, {evidence.limits.late} can be explained")
    return found


def told_by_the_scenario(evidence: Evidence) -> list[str]:
    return list(evidence.more)


CHECKS: Mapping[str, Check] = {
    "I1 one live call per number": one_live_call_per_number,
    "I2 no call after the last word": no_call_after_the_last_word,
    "I3 concurrency under the cap": concurrency_under_the_cap,
    "I4 pace under the cap": pace_under_the_cap,
    "I6 silence after a no": silence_after_a_no,
    "I8 silence after a stop": silence_after_a_stop,
    "I7 one end each": one_end_each,
    "I10 a permit for every dial": every_dial_has_its_permit,
    "I11 nothing old is sent": nothing_old_is_sent,
    "told by the scenario": told_by_the_scenario,
}


def violations(evidence: Evidence) -> list[str]:
    return [f"{name}: {said}" for name, check in CHECKS.items() for said in check(evidence)]


def lost_terminals(evidence: Evidence) -> int:
    """Attempts that ended without their event, or that have not ended though their call has."""
    over = {call.sid for call in evidence.calls if call.ended_at is not None}
    return sum(
        attempt.terminal_events == 0
        and (attempt.state == "ended" or any(sid in over for sid in attempt.sids))
        for attempt in evidence.attempts
    )


def stuck(evidence: Evidence) -> int:
    """Attempts that never ended, and leads that are neither done nor to be called again."""
    live = {(a.campaign_id, a.lead_id) for a in evidence.attempts if a.state != "ended"}
    return len(live) + sum(
        lead.state == "calling" and (lead.campaign_id, lead.id) not in live
        for lead in evidence.leads
    )


def windows_kept(
    accepted: Iterable[tuple[datetime, Sequence[str]]],
    allowed: Callable[[datetime, str], bool],
) -> list[str]:
    """I5. `accepted`: when, and every zone the number may be in."""
    return [
        f"I5 inside the window: accepted at {at:%a %d %b %H:%M:%S} UTC, closed in {zone}"
        for at, zones in accepted
        for zone in zones
        if not allowed(at, zone)
    ]
