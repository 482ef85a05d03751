"""`make bench` row of the decision: the full pack against the figure that was promised."""

import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from datetime import time as wall_time
from statistics import median
from typing import Any

from voice_ai.compliance import CampaignFacts, LeadFacts, Policy, decide
from voice_ai.leads.nanp import area_code_states, area_code_zones, plan

ROW_NAMES = ("dialer.decide_per_second",)
_TARGET = 50_000
_LEADS = 20_000
_RUNS = 5
_AT = datetime(2026, 11, 24, 19, tzinfo=UTC)
_CAMPAIGN = CampaignFacts(
    running=True,
    schedule_start=wall_time(8, 0),
    schedule_end=wall_time(21, 0),
    schedule_days=frozenset(range(7)),
    max_attempts=6,
    rehearsal=True,
)


def rows() -> Iterator[dict[str, Any]]:
    """Leads of every area code of the United States, decided one by one at moving moments."""
    leads, policy = _leads(), Policy(profile="law")
    ours = median(_per_second(leads, policy) for _ in range(_RUNS))
    yield {
        "row": "dialer.decide_per_second",
        "ours": ours,
        "other": _TARGET,
        "unit": "decisions/s",
        "ratio": ours / _TARGET,
        "target": 1.0,
        "holds": ours >= _TARGET,
    }


def _per_second(leads: list[LeadFacts], policy: Policy) -> float:
    """A claim decides a batch at one moment, and the next batch a little later."""
    started = time.perf_counter()
    for first in range(0, _LEADS, 200):
        now = _AT + timedelta(seconds=first / 2)
        for lead in leads[first : first + 200]:
            decide(lead, _CAMPAIGN, now, policy)
    return _LEADS / (time.perf_counter() - started)


def _leads() -> list[LeadFacts]:
    """Half were dialed before; one in fifty said no, and one in fifty lacks consent."""
    chance = random.Random(4)
    countries = plan().country
    areas = [code for code in area_code_states() if countries[code] == "US"]
    return [
        LeadFacts(
            zones=tuple(area_code_zones()[area]),
            countries=("US",),
            states=area_code_states()[area],
            suppressed=chance.random() < 0.02,
            list_consent=None if chance.random() < 0.02 else "written",
            line_type="fixed_line_or_mobile",
            recent_dials=(_AT - timedelta(hours=chance.uniform(1, 23)),)
            if chance.random() < 0.5
            else (),
        )
        for area in chance.choices(areas, k=_LEADS)
    ]
