"""Rules as data: what a policy pack may say, with the proof of where it comes from."""

from datetime import date, datetime, time, timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from voice_ai.compliance.codes import JURISDICTIONS

Purpose = Literal["informational", "telemarketing"]
Profile = Literal["strictest", "law"]
ConsentKind = Literal["written", "express", "uk_automated", "eu_automated"]
PURPOSES: tuple[Purpose, ...] = ("informational", "telemarketing")
PROFILES: tuple[Profile, ...] = ("strictest", "law")

# The federal window; no rule of any pack may open outside of it.
WIDEST = (time(8, 0), time(21, 0))

Span = tuple[time, time]


def _span(value: Any) -> Any:
    """ "09:00-20:00", or None for "none": closed."""
    if not isinstance(value, str):
        return value
    if value.strip().lower() == "none":
        return None
    start, dash, end = (part.strip() for part in value.partition("-"))
    if not dash:
        raise ValueError("write a window as 09:00-20:00, or none")
    return time.fromisoformat(start), time.fromisoformat(end)


Window = Annotated[Span | None, BeforeValidator(_span)]


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Hours(Part):
    """Local windows; on a day of the calendars in `holidays` the one for holidays holds too."""

    mon_fri: Window = Field(description="Monday to Friday")
    sat: Window = Field(description="Saturday; none: closed")
    sun: Window = Field(description="Sunday; none: closed")
    holidays: tuple[str, ...] = Field((), description="calendars whose days count as holidays")
    holiday: Window = Field(None, description="window on those days; none: closed")

    @field_validator("mon_fri", "sat", "sun", "holiday")
    @classmethod
    def _inside(cls, value: Span | None) -> Span | None:
        if value is None:
            return None
        start, end = value
        if not WIDEST[0] <= start < end <= WIDEST[1]:
            raise ValueError("a window lies inside 08:00-21:00, the federal one")
        return value


class Frequency(Part):
    """At most so many dials to a number for one seller, and a pause between two."""

    max_dials: int = Field(ge=1, description="dials that reached the carrier")
    within_h: int = Field(ge=1, le=24, description="in so many hours, rolling")


class Gap(Part):
    min_gap_h: float = Field(gt=0, le=24, description="hours between two dials to a number")
    after_busy_min: float = Field(gt=0, description="minutes instead, when the line was busy")


class Consent(Part):
    kinds: tuple[ConsentKind, ...] = Field(min_length=1, description="any of these will do")
    max_age_days: int | None = Field(None, ge=1, description="older recorded consent counts not")


class OutsideList(Part):
    """A list that somebody else keeps; who stands on it is not called."""

    source: str = Field(pattern=r"^[a-z0-9_]+$", description="as in list_snapshots.source")
    max_age_days: int | None = Field(
        ge=1,
        description="a snapshot of that age is too old; null: it need not be loaded",
    )
    exempt_kinds: tuple[ConsentKind, ...] = Field(
        (), description="a person's own recorded consent of this kind outweighs the list"
    )


class NumberTypes(Part):
    refused: tuple[str, ...] = Field(min_length=1, description="line types that are not called")


class Ban(Part):
    """No automated call for the purposes of the rule, whatever the consent."""


class Suspension(Part):
    """An emergency order: no calls between two moments."""

    starts: datetime
    ends: datetime

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if self.starts.tzinfo is None or self.ends.tzinfo is None:
            raise ValueError("write both times with an offset, as in 2026-09-01T00:00:00-05:00")
        if self.starts >= self.ends:
            raise ValueError("starts must be before ends")
        return self


class Duty(Part):
    """A number that another part of the product keeps; kept here with its proof."""

    value: float = Field(description="the limit")
    unit: str = Field(min_length=1, description="of the limit")
    kept_by: str = Field(min_length=1, description="who keeps it")


class _Rule(Part):
    id: str = Field(pattern=r"^[A-Z0-9]+(-[A-Z0-9]+)*$", description="stable name of the rule")
    jurisdiction: str = Field(description="*, a country, EU, or a part such as US-FL")
    applies_to: tuple[Purpose, ...] = Field(PURPOSES, min_length=1, description="purposes")
    profile: Profile | None = Field(None, description="only in this profile; empty: in all")
    citation: str = Field(min_length=3, description="statute or source")
    effective_from: date = Field(description="first day on which it is asked")
    effective_to: date | None = Field(None, description="last day on which it is asked")
    verified_on: date = Field(description="day on which somebody looked it up")
    verified_by: str | None = Field(None, description="who; empty: no lawyer has looked at it")
    confidence: Literal["high", "medium", "low"] = Field(description="how sure the source is")
    notes: str | None = Field(None, description="conflicts between sources, and what was chosen")

    @field_validator("jurisdiction")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in JURISDICTIONS:
            raise ValueError(f"there is no place {value!r}; write *, US, GB, CA, EU or US-FL")
        return value

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if self.effective_to is not None and self.effective_to < self.effective_from:
            raise ValueError("effective_to is before effective_from")
        return self

    def holds_on(self, day: date) -> bool:
        return self.effective_from <= day and (
            self.effective_to is None or day <= self.effective_to
        )


class HoursRule(_Rule):
    kind: Literal["hours"]
    params: Hours


class FrequencyRule(_Rule):
    kind: Literal["frequency"]
    params: Frequency


class GapRule(_Rule):
    kind: Literal["gap"]
    params: Gap


class ConsentRule(_Rule):
    kind: Literal["consent"]
    params: Consent


class ListRule(_Rule):
    kind: Literal["list"]
    params: OutsideList


class NumberTypeRule(_Rule):
    kind: Literal["number_type"]
    params: NumberTypes


class BanRule(_Rule):
    kind: Literal["ban"]
    params: Ban = Ban()


class SuspensionRule(_Rule):
    kind: Literal["suspension"]
    params: Suspension


class DutyRule(_Rule):
    kind: Literal["duty"]
    params: Duty


Rule = Annotated[
    HoursRule
    | FrequencyRule
    | GapRule
    | ConsentRule
    | ListRule
    | NumberTypeRule
    | BanRule
    | SuspensionRule
    | DutyRule,
    Field(discriminator="kind"),
]


class ExtraDay(Part):
    """A day that the library does not know: "06-14", or "thanksgiving+1"."""

    on: str = Field(pattern=r"^(\d\d-\d\d|thanksgiving\+\d)$")
    name: str = Field(min_length=1)

    @field_validator("on")
    @classmethod
    def _exists(cls, value: str) -> str:
        if not value.startswith("thanksgiving"):
            date.fromisoformat(f"2024-{value}")
        return value

    def in_year(self, year: int) -> date | None:
        """None for 29 February in a year without one."""
        if self.on.startswith("thanksgiving"):
            first = date(year, 11, 1)
            thursday = first + timedelta(days=(3 - first.weekday()) % 7 + 21)
            return thursday + timedelta(days=int(self.on[-1]))
        try:
            return date.fromisoformat(f"{year}-{self.on}")
        except ValueError:
            return None


class Calendar(Part):
    """Holidays of a state: those of the library `holidays`, and those that it lacks."""

    id: str = Field(pattern=r"^[A-Z]{2}$", description="code of the state")
    library: str = Field(pattern=r"^US(-[A-Z]{2})?$", description="what the library is asked for")
    add: tuple[ExtraDay, ...] = ()
    citation: str = Field(min_length=3)
    verified_on: date
    confidence: Literal["high", "medium", "low"]
    notes: str | None = None


class Pack(Part):
    """One file."""

    pack: str = Field(pattern=r"^[a-z_]+$", description="its name")
    version: str = Field(min_length=1, description="changes whenever the file does")
    rules: tuple[Rule, ...] = ()
    calendars: tuple[Calendar, ...] = ()
