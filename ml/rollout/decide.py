"""What becomes of a candidate now: on to its next stage, wait, or back. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from ml.rollout.plan import GUARDRAILS, CanaryStage, Guardrail, Plan
from voice_ai.experiments.never_worse import challengers_chance, never_worse_p
from voice_ai.intervals import wilson

Stage = Literal["shadow", "canary", "champion"]
Kind = Literal["advance", "hold", "roll_back", "stop"]
WORDS: Mapping[Guardrail, str] = {
    "opt_out": "people who asked for no more calls",
    "early_hang_up": "people who hung up at once",
    "slow_answer": "calls with a slow answer",
    "qa_failed": "calls that failed a gate of the scorecard",
}


@dataclass(frozen=True)
class Compared:
    """Turns that candidate and champion both judged, of so many calls; `differ` of them apart.

    `most` are the commonest differences: the champion's label (None: it heard nothing), the
    candidate's, and in how many turns.
    """

    calls: int = 0
    turns: int = 0
    differ: int = 0
    most: Sequence[tuple[str | None, str, int]] = ()

    @property
    def disagreement(self) -> float | None:
        return self.differ / self.turns if self.turns else None


@dataclass(frozen=True)
class Side:
    """The ended calls of one side of a canary, and in how many of them what went wrong.

    `p95_ms` is over the slowest answer of each call; None: no answer was measured.
    """

    calls: int
    wrong: Mapping[Guardrail, int]
    p95_ms: float | None = None


NO_CALLS = Side(0, dict.fromkeys(GUARDRAILS, 0))


@dataclass(frozen=True)
class Facts:
    """What happened at a candidate's present stage.

    `before` are the champion's calls of the canary stages before it: what a stage at 100 % is held
    against. `served` is the version that is champion now.
    """

    served: str | None
    compared: Compared = Compared()
    challenger: Side = NO_CALLS
    champion: Side = NO_CALLS
    before: Side = NO_CALLS


@dataclass(frozen=True)
class Standing:
    """Where a candidate is; `share` in percent of the calls."""

    version: str
    champion: str | None
    stage: Literal["shadow", "canary"]
    share: float
    since: datetime


@dataclass(frozen=True)
class Decision:
    """`stage` and `share` are where it goes on an `advance`; `evidence` is JSON."""

    kind: Kind
    why: str
    evidence: Mapping[str, Any]
    stage: Stage | None = None
    share: float = 0.0


def decide(plan: Plan, standing: Standing, facts: Facts, now: datetime) -> Decision:
    """Worse ends it at once; what is no worse goes on when the stage has lasted long enough.

    `stop` ends it without blame: there is nothing left to hold it against.
    """
    if facts.served != standing.champion:
        why = (
            f"version {standing.champion} that it was held against is no longer the champion,"
            f" version {facts.served} is"
        )
        return Decision("stop", why, {"served": facts.served})
    if standing.stage == "shadow":
        return _shadow(plan, standing, facts.compared, now)
    return _canary(plan, standing, facts, now)


def _shadow(plan: Plan, standing: Standing, compared: Compared, now: datetime) -> Decision:
    asked, share = plan.shadow, compared.disagreement
    evidence = {"compared": asdict(compared), "disagreement": share}
    missing = _missing(compared.calls, asked.calls, now - standing.since, asked.lasts)
    if missing:
        return Decision("hold", missing, evidence)
    if share is None or share > asked.most_disagreement:
        told = (
            "no turn was compared" if share is None else f"it differs in {share:.1%} of the turns"
        )
        why = f"{told}; look at where, and start the canary yourself if that is right"
        return Decision("hold", why, evidence)
    first = plan.canary[0].share
    why = f"it heard {compared.calls} calls and differs in {share:.1%} of {compared.turns} turns"
    return Decision("advance", why, evidence, "canary", first)


def _canary(plan: Plan, standing: Standing, facts: Facts, now: datetime) -> Decision:
    tests = [_guard(plan, standing, facts, guardrail) for guardrail in GUARDRAILS]
    evidence = {
        "share": standing.share,
        "level": plan.level,
        "challenger": asdict(facts.challenger),
        "champion": asdict(facts.before if standing.share >= 100 else facts.champion),
        "tests": [asdict(test) for test in tests],
        "compared": asdict(facts.compared),
    }
    failed = [test for test in tests if test.p_value is not None and test.p_value <= plan.level]
    if failed:
        worst = min(failed, key=lambda test: test.p_value or 0.0)
        return Decision("roll_back", worst.sentence, evidence)
    asked: CanaryStage = plan.stage_of(standing.share)
    missing = _missing(facts.challenger.calls, asked.calls, now - standing.since, asked.lasts)
    if missing:
        return Decision("hold", missing, evidence)
    why = f"it answered {facts.challenger.calls} calls at {standing.share:g} % and was no worse"
    following = plan.after(standing.share)
    if following is None:
        return Decision("advance", why, evidence, "champion", 100.0)
    return Decision("advance", why, evidence, "canary", following.share)


@dataclass(frozen=True)
class Comparison:
    """One guardrail on both sides.

    `chance` is with which an event may at most be the challenger's; `p_value` is always valid. Both
    are None where there is nothing to hold it against.
    """

    guardrail: Guardrail
    bad: int
    calls: int
    champion_bad: int
    champion_calls: int
    chance: float | None
    p_value: float | None

    @property
    def sentence(self) -> str:
        return (
            f"{WORDS[self.guardrail]}: {self.bad} in {self.calls} calls of the challenger against"
            f" {self.champion_bad} in {self.champion_calls} of the champion"
            f" (always-valid p = {self.p_value:.2g})"
        )


def _guard(plan: Plan, standing: Standing, facts: Facts, guardrail: Guardrail) -> Comparison:
    ours, ratio = facts.challenger, plan.tolerated[guardrail]
    whole = standing.share >= 100
    theirs = facts.before if whole else facts.champion
    bad, champion_bad = ours.wrong[guardrail], theirs.wrong[guardrail]
    chance: float | None
    if not whole:
        chance, draws = challengers_chance(standing.share / 100, ratio), bad + champion_bad
    else:
        chance, draws = _accepted(theirs, guardrail, ratio), ours.calls
    p_value = None if chance is None else never_worse_p(bad, draws, chance)
    return Comparison(guardrail, bad, ours.calls, champion_bad, theirs.calls, chance, p_value)


def _accepted(champion: Side, guardrail: Guardrail, ratio: float) -> float | None:
    """The rate that is still accepted at 100 %: the upper 95 % bound of the champion's, times."""
    if champion.calls == 0:
        return None
    _, high = wilson(champion.wrong[guardrail] / champion.calls, champion.calls)
    return min(1.0, high * ratio)


def _missing(calls: int, enough: int, lasted: timedelta, long_enough: timedelta) -> str | None:
    """What a stage still waits for; None: nothing."""
    if calls < enough:
        return f"{calls} of {enough} calls"
    if lasted < long_enough:
        return f"{_span(lasted)} of {_span(long_enough)}"
    return None


def _span(time: timedelta) -> str:
    hours = time.total_seconds() / 3600
    return f"{hours:.1f} hours" if hours >= 1 else f"{hours * 60:.1f} minutes"
