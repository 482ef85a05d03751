"""The list and its hours: are these leads worth calling, may they be called, and when?"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from voice_ai.preflight.check import Check, Failed, Light, check, not_told

# domain.md §3.1, list quality and freshness.
MOST_INVALID = 0.05
MOST_DUPLICATES = 0.02
MOST_UNKNOWN_ZONE = 0.10
OLD_LIST = timedelta(days=90)
# domain.md §3.1, window: callable leads in the next two hours; one is enough to begin with.
SOON = timedelta(hours=2)
# A call occupies its place about this long, ringing included [assumed, until calls were measured].
CALL_S = 60.0
# The longest that a forecast looks ahead; after that it says "later than".
_LONGEST_FORECAST = timedelta(days=365)


@dataclass(frozen=True)
class Import:
    """One file of the list that was not taken back."""

    finished_at: datetime
    rows: int
    accepted: int
    rejected: int
    duplicates: int


@dataclass(frozen=True)
class DryRun:
    """What the rules say of the ready leads now, the campaign taken as running.

    `asked` of `ready` leads were decided about (a uniform sample of a long list); the counts are
    of those asked. `reasons` counts leads; one may have several.
    """

    ready: int
    asked: int
    now: int
    soon: int
    later: int
    never: int
    reasons: Mapping[str, int] = field(default_factory=dict)
    next_at: datetime | None = None
    policy_hash: str = ""

    def of_all(self, asked: int) -> int:
        """What a count of those asked means for all ready leads."""
        return round(asked * self.ready / self.asked) if self.asked else 0

    @property
    def callable(self) -> int:
        return self.of_all(self.now + self.soon + self.later)

    @property
    def basis(self) -> str:
        return f" (from a sample of {self.asked:,})" if self.asked < self.ready else ""


@dataclass(frozen=True)
class Pace:
    """How fast it may go, and when; `days` are weekdays, Monday is 0."""

    max_concurrent: int
    calls_per_second: float
    hours_a_day: float
    days: frozenset[int]
    dials_per_lead: float

    @property
    def dials_an_hour(self) -> float:
        return min(self.calls_per_second * 3600, self.max_concurrent * 3600 / CALL_S)


def judge_list(imports: Sequence[Import], run: DryRun | Failed, now: datetime) -> Iterator[Check]:
    yield _invalid(imports)
    yield _duplicates(imports)
    yield _age(imports, now)
    if isinstance(run, DryRun):
        yield _consent(run)
        yield _suppressed(run)
        yield _zones(run)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _invalid(imports: Sequence[Import]) -> Check:
    rows, refused = sum(one.rows for one in imports), sum(one.rejected for one in imports)
    share = _share(refused, rows)
    return check(
        "list.invalid",
        "Refused rows",
        Light.RED if share > MOST_INVALID else Light.GREEN,
        f"{refused:,} of {rows:,} rows ({share:.1%}) were refused at import",
        f"More than {MOST_INVALID:.0%} cannot be called: look at the rejects (`voice-ai leads "
        "rejects`), mend the file and import it again.",
    )


def _duplicates(imports: Sequence[Import]) -> Check:
    rows, again = sum(one.rows for one in imports), sum(one.duplicates for one in imports)
    share = _share(again, rows)
    return check(
        "list.duplicates",
        "Duplicates",
        Light.RED if share > MOST_DUPLICATES else Light.GREEN,
        f"{again:,} of {rows:,} rows ({share:.1%}) named a number of an earlier row",
        f"More than {MOST_DUPLICATES:.0%} are duplicates: ask where the file comes from, and "
        "import one without them.",
    )


def _age(imports: Sequence[Import], now: datetime) -> Check:
    """The age of the median lead, counted from its import."""
    loaded = sorted((one.finished_at, one.accepted) for one in imports if one.accepted)
    half, seen = sum(n for _, n in loaded) / 2, 0
    for at, n in loaded:
        seen += n
        if seen >= half:
            old = now - at > OLD_LIST
            return check(
                "list.age",
                "Age of the list",
                Light.AMBER if old else Light.GREEN,
                f"half of the leads were imported {max(0, (now - at).days):,} days ago or earlier",
                f"Leads older than {OLD_LIST.days} days answer less and numbers change hands: "
                "import a fresh list.",
            )
    return check(
        "list.age",
        "Age of the list",
        Light.RED,
        "the list has no lead",
        "Import leads into it: `voice-ai import FILE --list NAME`.",
    )


def _consent(run: DryRun) -> Check:
    missing = run.of_all(run.reasons.get("CONSENT_MISSING", 0))
    return check(
        "list.consent",
        "Consent",
        Light.RED if missing else Light.GREEN,
        f"{missing:,} of {run.ready:,} ready leads have no consent on record{run.basis}",
        "Record their consent, or attest it for the whole list when it is imported (`voice-ai "
        "import … --consent written`); without it they are never called.",
    )


def _suppressed(run: DryRun) -> Check:
    found = sum(n for code, n in run.reasons.items() if code.startswith("DNC"))
    told = run.of_all(found)
    return check(
        "list.suppressed",
        "Do-not-call",
        Light.AMBER if told else Light.GREEN,
        f"{told:,} of {run.ready:,} ready leads are on a do-not-call list{run.basis}",
        "Nothing has to be done: they are not called. Leave them out of the next import.",
    )


def _zones(run: DryRun) -> Check:
    share = _share(run.reasons.get("TZ_UNKNOWN", 0), run.asked)
    return check(
        "list.zones",
        "Time zones",
        Light.AMBER if share > MOST_UNKNOWN_ZONE else Light.GREEN,
        f"{share:.1%} of {run.ready:,} ready leads have no known time zone{run.basis}",
        f"More than {MOST_UNKNOWN_ZONE:.0%} cannot be placed: import a column with state, ZIP code "
        "or time zone.",
    )


def judge_window(
    run: DryRun | Failed, pace: Pace, max_leads: int | None, now: datetime
) -> Iterator[Check]:
    if isinstance(run, Failed):
        yield not_told(
            "window.callable",
            "Callable leads",
            run,
            "Check the campaign's schedule and the policy, then check again.",
        )
        return
    yield _callable(run)
    yield _refusals(run)
    yield _finish(run, pace, max_leads, now)


def _callable(run: DryRun) -> Check:
    soon = run.of_all(run.now + run.soon)
    light, mend = Light.GREEN, ""
    seen = f"{run.of_all(run.now):,} leads may be called now, {soon:,} within two hours{run.basis}"
    if run.ready == 0:
        light, seen = Light.RED, "no lead is ready: all are done, or the list is empty"
        mend = "Import leads into the list, or make a campaign for another list."
    elif not run.callable:
        light, seen = Light.RED, f"none of {run.ready:,} ready leads may ever be called{run.basis}"
        mend = f"The reasons: {_reasons(run)}. Mend those first."
    elif not soon:
        light = Light.AMBER
        at = f"{run.next_at:%a %d %b %H:%M} UTC" if run.next_at else "later"
        seen = f"no lead may be called within two hours; the first {at}{run.basis}"
        mend = "It may start and will wait; widen the schedule if it should call earlier."
    return check("window.callable", "Callable leads", light, seen, mend)


def _refusals(run: DryRun) -> Check:
    never = run.of_all(run.never)
    seen = (
        f"callable now {run.of_all(run.now):,}, later {run.of_all(run.soon + run.later):,}, "
        f"never {never:,} of {run.ready:,}{run.basis}"
    )
    if run.reasons:
        seen += f"; refused now: {_reasons(run)}"
    most = run.ready > 0 and never > run.ready / 2
    return check(
        "window.refusals",
        "Trial of the rules",
        Light.AMBER if most else Light.GREEN,
        seen,
        "More than half of the ready leads will never be called: look at the reasons first.",
    )


def _reasons(run: DryRun) -> str:
    most = sorted(run.reasons.items(), key=lambda one: (-one[1], one[0]))[:4]
    return ", ".join(f"{code.replace('_', ' ').lower()} {run.of_all(n):,}" for code, n in most)


def _finish(run: DryRun, pace: Pace, max_leads: int | None, now: datetime) -> Check:
    leads = run.callable if max_leads is None else min(run.callable, max_leads)
    at = finish_at(leads, pace, now)
    if at is None:
        seen = f"{leads:,} leads would take longer than a year at {pace.dials_an_hour:,.0f} dials/h"
        light = Light.AMBER
    else:
        seen = (
            f"about {at:%a %d %b %Y} for {leads:,} leads, at most {pace.dials_an_hour:,.0f} dials "
            f"an hour and {pace.dials_per_lead:.1f} dials a lead"
        )
        light = Light.GREEN
    return check(
        "window.finish", "Forecast of the end", light, seen, "Raise the pace, or split the list."
    )


def finish_at(leads: int, pace: Pace, now: datetime) -> datetime | None:
    """When that many leads are done at full pace within the schedule; None: not in a year."""
    hours = leads * pace.dials_per_lead / pace.dials_an_hour
    if not pace.days or pace.hours_a_day <= 0:
        return None
    at = now
    while at - now < _LONGEST_FORECAST:
        if at.weekday() in pace.days:
            if hours <= pace.hours_a_day:
                return at + timedelta(hours=hours)
            hours -= pace.hours_a_day
        at += timedelta(days=1)
    return None
