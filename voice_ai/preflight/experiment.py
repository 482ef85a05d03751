"""Can the experiment find on this list what it was made for?"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from math import ceil

from voice_ai.conversation.experiments import Experiment
from voice_ai.errors import BadInput
from voice_ai.preflight.check import Check, Failed, Light, check
from voice_ai.preflight.lists import DryRun, Pace, finish_at

# Leads of whom somebody or something picks up in the end [assumed, until the campaign has dialed].
REACHED = 0.5
# What was measured over fewer leads says nothing yet.
_LEAST_MEASURED = 50
_TITLE = "Experiment"


@dataclass(frozen=True)
class ExperimentFacts:
    """Of the campaign so far: leads with an arm, leads dialed, reached, and with a goal."""

    plan: Experiment
    stopped: bool
    assigned: int
    dialed: int
    reached: int
    goals: int

    @property
    def baseline(self) -> float | None:
        if self.plan.baseline is None and self.reached >= _LEAST_MEASURED:
            return self.goals / self.reached
        return self.plan.baseline

    @property
    def reach(self) -> float:
        """Share of the dialed leads who will get an arm: only a conversation gives one."""
        return self.reached / self.dialed if self.dialed >= _LEAST_MEASURED else REACHED


def judge_experiment(
    facts: ExperimentFacts | None,
    run: DryRun | Failed,
    pace: Pace,
    max_leads: int | None,
    now: datetime,
) -> Iterator[Check]:
    """Nothing for a script without an experiment, or where the leads could not be counted."""
    if facts is None or isinstance(run, Failed):
        return
    if facts.stopped:
        yield _check(Light.GREEN, f"{facts.plan.name} is stopped: every new lead hears one arm")
        return
    needed = _needed(facts)
    if needed is None:
        yield _check(
            Light.AMBER,
            f"how many leads {facts.plan.name} needs is not known before the control's share is",
            "Write the share that you expect as `baseline` of the experiment, above 0 and below 1.",
        )
        return
    left = run.callable if max_leads is None else min(run.callable, max_leads)
    comes_to = facts.assigned + round(left * facts.reach)
    seen = (
        f"{facts.plan.name} needs {needed:,} leads with a conversation to find"
        f" {facts.plan.minimal_effect:.1%}; {facts.assigned:,} have had one,"
        f" about {comes_to:,} will{_days(facts, needed, pace, now)}"
    )
    yield _check(
        Light.AMBER if comes_to < needed else Light.GREEN,
        seen,
        "Add leads, or be content with finding a larger difference (`minimal_effect`); "
        "`voice-ai experiment plan` tells what it takes.",
    )


def _needed(facts: ExperimentFacts) -> int | None:
    """Leads in all, until the smallest arm has enough."""
    # Numerics load only for a campaign that has an experiment.
    from voice_ai.experiments.power import needed_always_valid

    plan, baseline = facts.plan, facts.baseline
    if baseline is None:
        return None
    try:
        each = needed_always_valid(
            baseline, plan.minimal_effect, plan.alpha, plan.power, len(plan.arms)
        )
    except BadInput:
        return None
    return ceil(each / min(plan.arms.values()))


def _days(facts: ExperimentFacts, needed: int, pace: Pace, now: datetime) -> str:
    missing = max(0, needed - facts.assigned)
    at = finish_at(ceil(missing / facts.reach), pace, now) if facts.reach else None
    if at is None:
        return "; at this pace that takes longer than a year"
    return f"; at this pace that takes {max(1, ceil((at - now).total_seconds() / 86_400)):,} days"


def _check(light: Light, seen: str, mend: str = "") -> Check:
    return check("list.experiment", _TITLE, light, seen, mend)
