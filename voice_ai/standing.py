"""What happens next in a campaign or with one lead, and when: the answer in words. Pure.

A command and a page say the same sentences. What cannot be known, as a forecast from too few dials,
is None and said to be unknown.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from voice_ai.day_parts import Window, known_zones
from voice_ai.retries import Behind, Person, RetryAt, RetryPolicy, Stop, next_step

# Fewer than these say nothing about a pace or about how many dials a lead takes.
FEWEST_DIALS, FEWEST_LEADS = 10, 20
_REASONS = {
    "CAMPAIGN_NOT_RUNNING": "the campaign is not running",
    "SWITCHED_OFF": "a kill switch stops it",
    "DNC_INTERNAL": "the person is not to be called",
    "DNC_LISTED": "the number is on a do-not-call list",
    "SNAPSHOT_STALE": "a do-not-call list is too old",
    "CONSENT_MISSING": "there is no consent",
    "CONSENT_KIND": "the consent is not of the kind that is needed",
    "AUTOMATED_BANNED": "automated calls are forbidden there",
    "NUMBER_TYPE": "numbers of its kind are not called",
    "COUNTRY_NOT_ALLOWED": "its country is not called",
    "CALLER_ID_MISSING": "there is no caller id to call from",
    "TZ_UNKNOWN": "its time zone is unknown",
    "PLACE_UNKNOWN": "its place is unknown",
    "HOURS_CLOSED": "it is outside calling hours where the person is",
    "HOLIDAY": "it is a holiday where the person is",
    "SUSPENDED": "calls there are suspended by an order",
    "FREQ_24H": "it was called often enough in 24 hours",
    "FREQ_GAP": "it was called too short a time ago",
    "FREQ_STATE": "its state allows no more calls for now",
    "RETRY_LATER": "it waits for its own time",
    "ATTEMPTS_EXHAUSTED": "it has no attempts left",
    "COOL_DOWN": "another campaign called it too short a time ago",
    "CALLBACK": "a call back was agreed",
    "NOT_ASKED_YET": "nobody asked about them yet",
}
_OUTLOOK = ("no_answer", "busy", "machine")


@dataclass(frozen=True)
class Waiting:
    """Ready leads that wait for the same; `due` of them may be asked about now."""

    what: str
    leads: int
    due: int
    first_at: datetime | None
    last_at: datetime | None

    @property
    def words(self) -> str:
        return reason_words(self.what)


@dataclass(frozen=True)
class Forecast:
    """At the pace of the last hour; None where too little is known."""

    dials_an_hour: float | None
    dials_per_lead: float | None
    dials_left: int | None
    done_at: datetime | None


@dataclass(frozen=True)
class CampaignNext:
    """`callable_now` leads are due and in their window; `closed_now` are due, but it is too early
    or too late where they are. `resumes_at`: None when something may be called now, or never."""

    campaign: str
    state: str
    now: datetime
    leads: int
    done: int
    calling: int
    ready: int
    callable_now: int
    closed_now: int
    resumes_at: datetime | None
    dialers: int
    switches: tuple[str, ...]
    waiting: tuple[Waiting, ...]
    forecast: Forecast

    @property
    def sentences(self) -> list[str]:
        return [*_next_words(self), _forecast_words(self)]


@dataclass(frozen=True)
class Outlook:
    """What the retry rule would do if the next call ended so; `at` None: the lead would be done."""

    outcome: str
    at: datetime | None
    stop: str | None


@dataclass(frozen=True)
class Score:
    """Why a lead comes before others: its chance by a rule or a model, and its hour of a day.

    `arm` is chosen, or random for those by whom it is measured what choosing is worth.
    """

    chance: float
    rule: str | None
    model_version: str | None
    day: date | None
    hour: int | None
    arm: str | None


@dataclass(frozen=True)
class LeadNext:
    campaign: str
    campaign_state: str
    lead_id: int
    person: str
    zones: tuple[str, ...]
    state: str
    attempts: int
    max_attempts: int
    disposition: str | None
    next_allowed_at: datetime | None
    callback_at: datetime | None
    callback_by: str | None
    suppressed: bool
    decision: Mapping[str, Any] | None
    dials: tuple[Mapping[str, Any], ...]
    outlook: tuple[Outlook, ...]
    now: datetime
    score: Score | None = None

    def local(self, at: datetime) -> str:
        return local_time(at, self.zones)

    @property
    def sentences(self) -> list[str]:
        return list(_lead_words(self))


def reason_words(code: str) -> str:
    """A code of the ledger, or several joined by +, as the end of a sentence."""
    if code.startswith("AFTER:"):
        return f"tried again after {_plain(code.removeprefix('AFTER:'))}"
    return " and ".join(_REASONS.get(part) or _plain(part) for part in code.split("+"))


def local_time(at: datetime, zones: Sequence[str]) -> str:
    """For the called person: in the first zone that they may be in."""
    known = known_zones(zones)
    if not known:
        return f"{at:%a %d %b %H:%M} UTC"
    more = f", one of {len(known)} possible zones" if len(known) > 1 else ""
    return f"{at.astimezone(ZoneInfo(known[0])):%a %d %b %H:%M} ({known[0]}{more})"


def forecast(
    *,
    dials: int,
    running: timedelta,
    ready: int,
    dials_of_ready: int,
    done: int,
    dials_of_done: int,
    zones: Sequence[str],
    window: Window,
    now: datetime,
    last_at: datetime | None,
) -> Forecast:
    """`dials` were made in `running`; `done` leads were dialed and took `dials_of_done`."""
    hours = running / timedelta(hours=1)
    pace = dials / hours if dials >= FEWEST_DIALS and hours > 0 else None
    per_lead = dials_of_done / done if done >= FEWEST_LEADS else None
    left = None if per_lead is None else max(ready, round(ready * per_lead) - dials_of_ready)
    done_at = None
    if pace is not None and left is not None:
        done_at = _after_open_time(timedelta(hours=left / pace), zones, window, now)
    if done_at is not None and last_at is not None:
        done_at = max(done_at, last_at)
    return Forecast(pace, per_lead, left, done_at)


def _after_open_time(
    needed: timedelta, zones: Sequence[str], window: Window, now: datetime
) -> datetime | None:
    """When so much calling time has passed in the window; None: not within a year."""
    at, step, until = now, timedelta(minutes=15), now + timedelta(days=366)
    known = known_zones(zones)
    while at < until:
        opens = window.next(known, at)
        if opens is None:
            return None
        if needed <= step:
            return opens + needed
        at, needed = opens + step, needed - step
    return None


def outlook(
    dials: Sequence[Mapping[str, Any]], at: datetime, person: Person, policy: RetryPolicy, seed: str
) -> tuple[Outlook, ...]:
    """What the rule would do after a next call at that time, for the commonest outcomes."""
    counted = sum(1 for row in dials if row["disposition"] and row["counts"])
    found = []
    for outcome in _OUTLOOK:
        same = [row["intended_at"] for row in dials if row["disposition"] == outcome]
        step = next_step(
            outcome,
            Behind(attempts=counted + 1, same=(*same, at), dialed_at=at),
            person,
            policy=policy,
            now=at,
            seed=seed,
        )
        found.append(
            Outlook(
                outcome,
                step.at if isinstance(step, RetryAt) else None,
                step.reason if isinstance(step, Stop) else None,
            )
        )
    return tuple(found)


def _next_words(seen: CampaignNext) -> list[str]:
    if seen.ready == seen.calling == 0:
        return ["Every lead is done."]
    if seen.state != "running":
        state = _plain(seen.state)
        return [f"Nothing is called: the campaign is {state}. {seen.ready:,} leads are left."]
    told = [f"A kill switch stops every call: {reason}." for reason in seen.switches]
    if seen.dialers == 0:
        told.append("No dialer runs, so nothing is called; start one: voice-ai dialer.")
    told.append(
        f"{seen.callable_now:,} leads may be called now, {seen.calling:,} are being called."
    )
    if seen.closed_now:
        told.append(
            f"{seen.closed_now:,} are due, but outside the campaign's hours where they are."
        )
    if seen.resumes_at is not None:
        told.append(f"Calling goes on at {seen.resumes_at:%a %d %b %H:%M} UTC.")
    return told


def _forecast_words(seen: CampaignNext) -> str:
    told = seen.forecast
    if seen.ready == 0:
        return "There is nothing left to forecast."
    if told.dials_an_hour is None:
        return (
            f"No forecast: fewer than {FEWEST_DIALS} dials were made in the last hour, so there is"
            " no pace to go by."
        )
    pace = f"{told.dials_an_hour:,.0f} dials an hour, the pace of the last hour"
    if told.dials_left is None:
        return (
            f"At {pace}, the {seen.callable_now:,} leads that may be called now take about"
            f" {_hours(seen.callable_now / told.dials_an_hour)}. How many dials a lead takes is not"
            f" known before {FEWEST_LEADS} are done."
        )
    left = f"about {told.dials_left:,} dials are left ({told.dials_per_lead:.1f} a lead)"
    if told.done_at is None:
        return f"At {pace}, {left}; that takes more than a year of the campaign's hours."
    return f"At {pace}, {left}: done about {told.done_at:%a %d %b %H:%M} UTC, if nothing changes."


def _lead_words(seen: LeadNext) -> Sequence[str]:
    if seen.suppressed:
        return ["It is never called again: the person is not to be called."]
    if seen.state == "calling":
        return ["It is being called now."]
    last = _plain(seen.disposition) if seen.disposition else None
    if seen.state == "done":
        why = f"its last call ended with {last}" if last else "it may not be called"
        if seen.decision is not None and not seen.decision["allow"]:
            why = reason_words("+".join(seen.decision["reasons"]))
        return [f"It is done: {why} ({seen.attempts} of {seen.max_attempts} attempts)."]
    told = [f"It had {seen.attempts} of {seen.max_attempts} attempts."]
    if seen.campaign_state != "running":
        told.append(f"Nothing is called while the campaign is {_plain(seen.campaign_state)}.")
    told.append(_when_words(seen, last))
    if seen.score is not None:
        told.extend(_score_words(seen.score))
    return told


def _score_words(score: Score) -> Sequence[str]:
    by = score.rule or "an older rule"
    if score.model_version is not None:
        by = f"version {score.model_version} of the lead model"
    told = [f"A person is expected to pick up {round(100 * score.chance)} of 100 dials ({by})."]
    if score.day is not None and score.hour is not None:
        why = "as likely the best" if score.arm == "chosen" else "at random, to measure choosing"
        hours = f"from {score.hour:02}:00 to {(score.hour + 1) % 24:02}:00"
        told.append(f"On {score.day:%a %d %b} it comes first {hours} there: drawn {why}.")
    return told


def _when_words(seen: LeadNext, last: str | None) -> str:
    due = seen.next_allowed_at is None or seen.next_allowed_at <= seen.now
    if seen.callback_at is not None and seen.next_allowed_at is not None:
        by = "in a call" if seen.callback_by == "call" else f"by {seen.callback_by}"
        return f"It is called back at {seen.local(seen.next_allowed_at)}, as agreed {by}."
    if due:
        why = "its time has come" if seen.next_allowed_at else "it was not put off"
        return f"It may be called as soon as its turn comes: {why}."
    assert seen.next_allowed_at is not None
    why = f"tried again after {last}" if last else "put off"
    if seen.decision is not None and not seen.decision["allow"]:
        why = reason_words("+".join(seen.decision["reasons"]))
    return f"It is asked about again at {seen.local(seen.next_allowed_at)}: {why}."


def _hours(hours: float) -> str:
    return f"{hours * 60:.0f} minutes" if hours < 2 else f"{hours:.1f} hours"


def _plain(code: str) -> str:
    return code.replace("_", " ").lower()
