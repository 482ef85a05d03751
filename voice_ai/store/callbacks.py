"""A time agreed with a person: written by a page or a command, kept by the dialer."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from voice_ai.day_parts import Window, known_zones
from voice_ai.db import queries
from voice_ai.db.connect import Db, Row
from voice_ai.errors import BadInput, NotFound, Refused
from voice_ai.ids import CampaignId
from voice_ai.retries import CALLBACK_GRACE, Person, RetryPolicy, callback_moment
from voice_ai.standing import local_time

_SQL = queries("callbacks")
# Who agrees on more has mistyped the year.
_FARTHEST = timedelta(days=366)


@dataclass(frozen=True)
class Agreed:
    """`due` is when the lead is called; it differs from `at` where nobody may be called then."""

    campaign: str
    campaign_state: str
    lead_id: int
    at: datetime
    due: datetime
    zones: tuple[str, ...]

    @property
    def sentence(self) -> str:
        told = f"Lead {self.lead_id} is called back at {local_time(self.due, self.zones)}."
        if abs(self.due - self.at) > CALLBACK_GRACE:
            told += f" At {local_time(self.at, self.zones)} nobody may be called there."
        if self.campaign_state != "running":
            state = self.campaign_state.replace("_", " ")
            told += f" The campaign is {state}; it is called once the campaign runs."
        return told


def agree_callback(
    db: Db, campaign_id: CampaignId, lead_id: int, local: datetime, *, by: str, now: datetime
) -> Agreed:
    """Calls the lead at that time of the called party's clock (a naive time, in the first zone
    that they may be in), before other leads. A lead that is done is opened again.

    Raises NotFound, BadInput for a time that is past, and Refused for who may not be called.
    """
    place = {"campaign_id": campaign_id, "lead_id": lead_id}
    with db.transaction():
        row = db.execute(_SQL.lead_to_call_back, place).fetchone()
        if row is None:
            raise NotFound(
                f"lead {lead_id} is not in this campaign; `voice-ai leads show` lists it"
            )
        zones = known_zones_in_order(row["zones"])
        _refuse(row, zones)
        at = moment_there(local, zones)
        if not now < at < now + _FARTHEST:
            raise BadInput(
                f"{local:%Y-%m-%d %H:%M} is not in the next year there; it is"
                f" {local_time(now, zones)} now",
                field="at",
            )
        due = callback_moment(at, Person(zones, Window.of(row["schedule"], row["profile"])), now)
        db.execute(_SQL.agree, {**place, "at": at, "due": due, "by": by, "now": now})
    return Agreed(row["campaign"], row["campaign_state"], lead_id, at, due, zones)


def known_zones_in_order(zones: list[str]) -> tuple[str, ...]:
    known = set(known_zones(zones))
    return tuple(dict.fromkeys(zone for zone in zones if zone in known))


def moment_there(local: datetime, zones: tuple[str, ...]) -> datetime:
    """The moment at which a clock in the first of the zones shows that time."""
    return local.replace(tzinfo=ZoneInfo(zones[0])).astimezone(UTC)


def _refuse(row: Row, zones: tuple[str, ...]) -> None:
    if row["suppressed"]:
        raise Refused("the person is not to be called again; a callback does not change that")
    if row["over"]:
        raise Refused("the number is of no use: it is wrong or cannot be called")
    if not zones:
        raise Refused("the lead's time zone is unknown, so it is never called; import its place")
    if row["state"] != "calling":
        most = RetryPolicy.stored(row["policy"]).max_attempts
        if row["attempts"] >= most:
            raise Refused(f"the lead had all of its {most} attempts in this campaign")
