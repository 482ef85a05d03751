"""`make chaos`: the scenarios that try to break the dialer's promises, and the mutation check.

Every run prints its seed; `--scenario N --seed S` runs it again. Writes `.voice-ai/chaos.json`.
Exit 1 when a promise was broken or a guard could be taken out without anybody noticing.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from tests.chaos.arena import open_arena
from tests.chaos.mutation_check import controls, is_caught
from tests.chaos.mutations import MUTATIONS
from tests.chaos.report import as_json, table
from tests.chaos.runs import Outcome
from tests.chaos.scenarios import SCENARIOS, Scenario

ROOT = Path(__file__).parents[2]


def main() -> None:
    told = _arguments()
    console = Console()
    began = time.monotonic()
    chosen = [each for each in SCENARIOS if told.scenario in (None, each.number)]
    if told.guard and told.scenario is None:
        chosen = []
    outcomes: dict[str, Outcome] = {}
    caught: dict[str, bool] = {}
    with tempfile.TemporaryDirectory(prefix="voice-ai-chaos-") as folder:
        home = told.home or Path(folder) / "home"
        with open_arena(home) as arena:
            for scenario in chosen:
                outcome = Outcome()
                for seed in _seeds(scenario, told.seed, short=told.short):
                    console.print(f"{scenario.number} {scenario.title}: seed {seed} …")
                    once = scenario.run(arena, seed, told.short)
                    _say(console, once)
                    outcome += once
                outcomes[scenario.key] = outcome
            if told.guard or (told.scenario is None and not told.no_mutations):
                if not told.guard:
                    console.print("the runs of the mutation check with every guard …")
                    outcomes["controls"] = controls(arena, told.seed or 1)
                    _say(console, outcomes["controls"])
                for name in told.guard or MUTATIONS:
                    console.print(f"without the guard: {name} …")
                    caught[name], outcome = is_caught(arena, name, told.seed or 1)
                    first = next(iter(outcome.violations), f"stuck {outcome.stuck}")
                    console.print(f"  {'caught' if caught[name] else 'NOT CAUGHT'}: {first}")
    console.print(table(outcomes, caught))
    console.print(f"{time.monotonic() - began:.0f} s in all")
    told.out.parent.mkdir(parents=True, exist_ok=True)
    told.out.write_text(as_json(outcomes, caught), encoding="utf-8")
    console.print(f"{told.out} is written.")
    clean = all(outcome.clean for outcome in outcomes.values()) and all(caught.values())
    sys.exit(0 if clean else 1)


def _seeds(scenario: Scenario, seed: int | None, *, short: bool) -> Sequence[int]:
    if seed is not None:
        return (seed,)
    return scenario.seeds[:1] if short else scenario.seeds


def _say(console: Console, outcome: Outcome) -> None:
    console.print(
        f"  {outcome.calls:,} calls, {outcome.faults:,} faults, {outcome.seconds:.0f} s, "
        f"{len(outcome.violations)} violations, {outcome.lost_terminals} lost, "
        f"{outcome.stuck} stuck"
    )
    console.print("  " + ", ".join(f"{name} {n:,}" for name, n in sorted(outcome.notes.items())))
    for said in outcome.violations[:20]:
        console.print(f"  [red]{said}[/red]", highlight=False)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--scenario", type=int, help="only this one, 1 to 11")
    parser.add_argument("--seed", type=int, help="only this seed")
    parser.add_argument("--short", action="store_true", help="small loads, one seed each")
    parser.add_argument("--no-mutations", action="store_true", help="leave the mutation check out")
    parser.add_argument("--guard", action="append", help="in the mutation check only this guard")
    parser.add_argument("--home", type=Path, help="keep the home (logs, database) there")
    parser.add_argument("--out", type=Path, default=ROOT / ".voice-ai" / "chaos.json")
    return parser.parse_args()


if __name__ == "__main__":
    main()
