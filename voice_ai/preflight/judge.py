"""All facts of one pre-flight, and every check that follows from them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from voice_ai.preflight.check import Check, Failed, in_order, softened
from voice_ai.preflight.experiment import ExperimentFacts, judge_experiment
from voice_ai.preflight.law import LawFacts, Switch, judge_law, judge_stops
from voice_ai.preflight.lists import DryRun, Import, Pace, judge_list, judge_window
from voice_ai.preflight.machines import MachineFacts, judge_machines
from voice_ai.preflight.vendors import (
    AccountFacts,
    BalanceFacts,
    CallerId,
    Forecast,
    Limits,
    VoiceFacts,
    judge_money,
    judge_numbers,
    judge_voice,
)


@dataclass(frozen=True)
class Facts:
    """`caller_ids` by numbers.id; `not_owned` says why the carrier could not be asked."""

    campaign_id: str
    state: str
    rehearsal: bool
    now: datetime
    imports: tuple[Import, ...]
    dry_run: DryRun | Failed
    pace: Pace
    max_leads: int | None
    law: LawFacts
    switches: tuple[Switch, ...]
    caller_ids: Mapping[int, CallerId]
    not_owned: Failed | None
    account: AccountFacts | Failed
    balance: BalanceFacts | Failed
    forecast: Forecast
    limits: Limits
    voice: VoiceFacts
    machines: MachineFacts
    experiment: ExperimentFacts | None = None


def judge(facts: Facts) -> list[Check]:
    """Every check, by group and in each the worst first."""
    lines = list(facts.caller_ids.values())
    found = [
        *judge_list(facts.imports, facts.dry_run, facts.now),
        *judge_experiment(facts.experiment, facts.dry_run, facts.pace, facts.max_leads, facts.now),
        *judge_law(facts.law),
        *judge_window(facts.dry_run, facts.pace, facts.max_leads, facts.now),
        *judge_stops(facts.switches, facts.campaign_id, list(facts.caller_ids), facts.state),
        *judge_numbers(lines, facts.not_owned, facts.now, rehearsal=facts.rehearsal),
        *judge_money(facts.account, facts.balance, facts.forecast, facts.limits),
        *judge_voice(facts.voice, rehearsal=facts.rehearsal),
        *judge_machines(facts.machines),
    ]
    return in_order(softened(one, rehearsal=facts.rehearsal) for one in found)
