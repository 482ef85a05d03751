"""May an experiment go on? What was seen so far goes in, a verdict with its evidence comes out.

In this order: are leads shared out as planned (else nothing can be read), does an arm do harm, does
one win, has it run long enough to say that there is nothing as large as was looked for.
"""

from dataclasses import dataclass, field
from typing import Literal

from scipy.stats import chi2

from voice_ai.experiments.never_worse import challengers_chance, never_worse_p
from voice_ai.experiments.sequential import Difference, always_valid

SRM_P = (
    0.001  # sample ratio mismatch: Fabijan et al. (2019), KDD, "Diagnosing sample ratio mismatch"
)
GUARD_ALPHA = 0.01
GUARDS = ("opt_outs", "hang_ups")

Kind = Literal["go on", "winner", "harm", "shares", "no difference"]


@dataclass(frozen=True)
class Arm:
    """Leads of one arm: `share` as planned, `leads` assigned, of whom so many reached the goal,
    opted out, hung up early."""

    name: str
    share: float
    leads: int
    goals: int
    opt_outs: int = 0
    hang_ups: int = 0


@dataclass(frozen=True)
class Rules:
    """`effect`: the least difference worth finding; `planned`: leads per arm, None: no end was
    planned; `guards`: those whose harm ends it, the others are only told."""

    effect: float = 0.05
    alpha: float = 0.05
    planned: int | None = None
    guards: tuple[str, ...] = GUARDS


@dataclass(frozen=True)
class Verdict:
    """`arm`: the one that wins or does harm. `differences` of each arm to the control, at the level
    that `alpha` leaves to each; `guards`: always-valid p of "no worse than the control"."""

    kind: Kind
    arm: str | None
    why: str
    srm_p: float
    differences: dict[str, Difference] = field(default_factory=dict)
    guards: dict[str, dict[str, float]] = field(default_factory=dict)

    @property
    def stops(self) -> bool:
        return self.kind != "go on"


def judge(control: Arm, others: tuple[Arm, ...], rules: Rules) -> Verdict:
    """The verdict at this look; may be asked after every call. `others`: at least one arm."""
    level = rules.alpha / len(others)
    differences = {
        arm.name: always_valid(
            arm.goals, arm.leads, control.goals, control.leads, level, rules.effect
        )
        for arm in others
    }
    guards = {arm.name: _guards(arm, control, len(others)) for arm in others}
    srm_p = sample_ratio_p((control, *others))
    kind, arm, why = _decided(control, others, rules, differences, guards, srm_p)
    return Verdict(kind, arm, why, srm_p, differences, guards)


def sample_ratio_p(arms: tuple[Arm, ...]) -> float:
    """Chi-square: the chance of leads shared out at least so unevenly; 1 while there are none."""
    total, shares = sum(arm.leads for arm in arms), sum(arm.share for arm in arms)
    if total == 0:
        return 1.0
    expected = [total * arm.share / shares for arm in arms]
    distance = sum((arm.leads - e) ** 2 / e for arm, e in zip(arms, expected, strict=True))
    return float(chi2.sf(distance, len(arms) - 1))


def _decided(
    control: Arm,
    others: tuple[Arm, ...],
    rules: Rules,
    differences: dict[str, Difference],
    guards: dict[str, dict[str, float]],
    srm_p: float,
) -> tuple[Kind, str | None, str]:
    if srm_p < SRM_P:
        return "shares", None, f"leads are not shared out as planned (p = {srm_p:.1g})"
    for name, told in guards.items():
        found = {guard: p for guard, p in told.items() if guard in rules.guards}
        if not found:
            continue
        worst = min(found, key=lambda guard: found[guard])
        if found[worst] <= GUARD_ALPHA:
            what = {"opt_outs": "more opt-outs", "hang_ups": "more early hang-ups"}[worst]
            return (
                "harm",
                name,
                f"{name} brings {what} than {control.name} (p = {found[worst]:.1g})",
            )
    better = [a for a in others if (differences[a.name].low or 0) > 0]
    if better:
        best = max(better, key=lambda arm: arm.goals / arm.leads)
        return "winner", best.name, f"{best.name} reaches the goal more often than {control.name}"
    highs = [differences[arm.name].high for arm in others]
    if all(high is not None and high < 0 for high in highs):
        return (
            "winner",
            control.name,
            f"every other arm reaches the goal less often than {control.name}",
        )
    if rules.planned and min(arm.leads for arm in (control, *others)) >= rules.planned:
        words = f"{rules.planned:,} leads an arm and no difference of {rules.effect:.1%} to be seen"
        return "no difference", None, words
    return "go on", None, "nothing is certain yet"


def _guards(arm: Arm, control: Arm, comparisons: int) -> dict[str, float]:
    """Each event is the arm's with the arm's share of the two, when it is no worse; p is times the
    number of comparisons, as the level is shared among them."""
    leads = arm.leads + control.leads
    if leads == 0:
        return dict.fromkeys(GUARDS, 1.0)
    chance = challengers_chance(arm.leads / leads, 1.0)
    found = {}
    for guard in GUARDS:
        own, base = getattr(arm, guard), getattr(control, guard)
        found[guard] = min(1.0, comparisons * len(GUARDS) * never_worse_p(own, own + base, chance))
    return found
