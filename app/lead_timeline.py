"""Everything that happened to a lead as one line of moments, the newest first. Pure."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from pipelines.report.labels import words
from voice_ai.db.connect import Row
from voice_ai.store.leads import History

Clock = Callable[[datetime], str]


@dataclass(frozen=True)
class Moment:
    """`attempt`: the dial whose page tells more; None when there is none."""

    at: datetime
    what: str
    detail: str
    icon: str
    attempt: str | None = None


def local_clock(zones: list[str]) -> tuple[Clock, str]:
    """How a moment is written for the called person, and whose time that is; UTC if unknown."""
    if not zones:
        return lambda at: f"{at:%a %d %b %Y, %H:%M:%S}", "UTC (the lead's time zone is unknown)"
    zone = ZoneInfo(zones[0])
    return lambda at: f"{at.astimezone(zone):%a %d %b %Y, %H:%M:%S}", f"local time of {zones[0]}"


def timeline(history: History, clock: Clock) -> list[Moment]:
    moments = [
        *_imports(history),
        *(_decision(row, clock) for row in history.decisions),
        *_dials(history),
        *_suppressions(history),
        *_consents(history),
        *_callbacks(history, clock),
    ]
    return sorted(moments, key=lambda moment: moment.at, reverse=True)


def reasons(codes: list[str]) -> str:
    return ", ".join(words(code).lower() for code in codes) or "no reason"


def _imports(history: History) -> Iterator[Moment]:
    for row in history.siblings:
        detail = f"list {row['list']} of {row['seller']}, {row['file']} line {row['line']:,}"
        yield Moment(row["created_at"], "Imported", detail, "upload_file")


def _decision(row: Row, clock: Clock) -> Moment:
    rules = f"rules {row['policy_hash'][:8]}"
    if row["allow"]:
        what, detail, icon = "Call allowed", f"{row['campaign']}, {rules}", "check"
    else:
        later = row["next_allowed_at"]
        again = f"; asked again {clock(later)}" if later else ""
        detail = f"{row['campaign']}: {reasons(row['reasons'])}{again}, {rules}"
        what, icon = "Call refused", "block"
    return Moment(row["decided_at"], what, detail, icon, _text(row["attempt_id"]))


def _dials(history: History) -> Iterator[Moment]:
    for row in history.attempts:
        became = words(row["disposition"] or row["state"])
        detail = f"{row['campaign']}, attempt {row['attempt_no']}: {became}"
        yield Moment(row["intended_at"], "Dialed", detail, "call", _text(row["attempt_id"]))


def _suppressions(history: History) -> Iterator[Moment]:
    for row in history.suppressions:
        whose = {"all": "everybody", "seller": row["seller"], "campaign": row["campaign"]}
        by = f"by {whose.get(row['scope']) or row['scope']}"
        detail = f"{by}: {words(row['reason']).lower()}, said on {row['source']}"
        attempt = _text(row["attempt_id"])
        yield Moment(
            row["created_at"], "Never to be called again", detail, "phone_disabled", attempt
        )


def _consents(history: History) -> Iterator[Moment]:
    for row in history.consents:
        what = f"{row['kind']}, {row['purpose']}, to {row['seller']} by {row['channel']}"
        yield Moment(row["obtained_at"], "Consent given", what, "verified_user")
        if row["revoked_at"] is not None:
            yield Moment(row["revoked_at"], "Consent taken back", what, "gpp_bad")


def _callbacks(history: History, clock: Clock) -> Iterator[Moment]:
    for row in history.standings:
        if row["callback_at"] is not None and row["callback_noted_at"] is not None:
            by = "in a call" if row["callback_by"] == "call" else f"by {row['callback_by']}"
            detail = f"{row['campaign']}: for {clock(row['callback_at'])}, {by}"
            yield Moment(row["callback_noted_at"], "Callback agreed", detail, "event")


def _text(attempt: object | None) -> str | None:
    return None if attempt is None else str(attempt)
