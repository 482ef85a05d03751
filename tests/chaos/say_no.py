"""Scenario 7: people say no in bursts while they are being called, in any format."""

from datetime import timedelta

from tests.chaos.arena import Arena
from tests.chaos.people import Person, in_any_format
from tests.chaos.runs import Outcome, Run, begin, open_run

_NEXT = """
SELECT lead_id FROM campaign_leads WHERE state = 'ready' AND disposition IS NULL
ORDER BY next_allowed_at NULLS FIRST, position LIMIT 12
"""
_INTENDED = "SELECT lead_id FROM attempts WHERE state = 'intended' LIMIT 6"


def no_in_bursts(
    arena: Arena, seed: int, *, leads: int, bursts: int, kills: bool, per_second: float = 45.0
) -> Outcome:
    """Ten people a burst: some are next in line, some are on their way to the carrier just now."""
    grace = timedelta(seconds=1 if kills else 0)
    told = {"faults": {"name": "slow", "most_latency": 0.15}}
    with open_run(
        arena, seed, leads=leads, carrier=told, grace=grace, way_s=0.15, per_second=per_second
    ) as run:
        by_lead = {person.lead_id: person for person in run.people}
        begin(run, workers=3)
        said: set[int] = set()
        for burst in range(bursts):
            if run.standing()["fresh"] == 0:
                break
            for person in whom(run, by_lead, said):
                run.suppress(person, in_any_format(person.number, run.draws))
                said.add(person.lead_id)
            run.faults["bursts of no"] += 1
            if kills and burst % 3 == 0:
                run.kill("dialer")
        run.settle()
        return run.result()


def whom(run: Run, by_lead: dict[int, Person], said: set[int]) -> list[Person]:
    rows = [row for query in (_INTENDED, _NEXT) for row in run.db.execute(query).fetchall()]
    close = [row["lead_id"] for row in rows if row["lead_id"] not in said]
    far = run.draws.sample(run.people, 2)
    leads = dict.fromkeys([*close[:8], *(p.lead_id for p in far if p.lead_id not in said)])
    return [by_lead[lead] for lead in leads]
