"""What the law wants before the first call: the script's opening, ringing, switches, stops."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from voice_ai.conversation.graph import SLOT, Script
from voice_ai.preflight.check import Check, Failed, Light, check, not_told
from voice_ai.preflight.lists import DryRun

# US-RING, domain.md §1.1: an unanswered call is not dropped before 15 seconds.
LEAST_RING_S = 15
_EDIT = "Change the script and save it as the next version (`voice-ai campaign edit`)."


@dataclass(frozen=True)
class LawFacts:
    """`script` None: it cannot be read, and `faults` say why."""

    script: Script | None
    faults: tuple[str, ...]
    ring_timeout_s: int
    dry_run: DryRun | Failed


def judge_law(facts: LawFacts) -> Iterator[Check]:
    yield _script(facts)
    if facts.script is not None:
        yield from _opening(facts.script)
    yield check(
        "law.ring",
        "Ringing",
        Light.GREEN if facts.ring_timeout_s >= LEAST_RING_S else Light.RED,
        f"a call rings for {facts.ring_timeout_s} s",
        f"Set `ring_timeout_s` to {LEAST_RING_S} or more: nobody is dropped earlier.",
    )
    yield _policy(facts.dry_run)


def _script(facts: LawFacts) -> Check:
    return check(
        "law.script",
        "Script",
        Light.RED if facts.faults else Light.GREEN,
        facts.faults[0] if facts.faults else "every way through it ends, every prompt can be said",
        f"{len(facts.faults)} faults. {_EDIT}",
    )


# Part of the opening, its title, and what the called person hears in it.
_PARTS = (
    ("identify", "Identification", "says who calls, before anything else"),
    ("disclose", "AI disclosure", "says that an AI is talking"),
    ("opt_out", "Opt-out", "offers a word and a key that end these calls"),
)


def _opening(script: Script) -> Iterator[Check]:
    start = script.nodes.get(script.start)
    for part, title, does in _PARTS:
        said = getattr(start, part, None)
        yield check(
            f"law.{part}",
            title,
            Light.GREEN if said else Light.RED,
            f"the opening {does}" if said else f"the opening has no `{part}`",
            _EDIT,
        )
    # The script's own check has found the word "recorded" in one of them.
    heard = start is not None and (start.recording or start.disclose)
    yield check(
        "law.recording",
        "Recording notice",
        Light.GREEN if heard or not script.recorded else Light.RED,
        "the opening says that the call is recorded" if script.recorded else "nothing is recorded",
        f"Say it in `disclose` or `recording`, or set `recorded: no`. {_EDIT}",
    )
    yield _abandoned(script)


def _abandoned(script: Script) -> Check:
    """US-ABANDON-MSG: who picks up must hear within two seconds who calls. The opening is that
    message, so it must not wait for a synthesis."""
    start = script.nodes.get(script.start)
    first = (start.opening[0][1] if start and start.opening else "") or ""
    own = [name for name in SLOT.findall(first) if script.slots[name].scope != "campaign"]
    if own:
        seen = f"the first sentence holds {{{own[0]}}}, so it is spoken only when somebody answers"
        mend = f"Begin with a sentence that is the same in every call. {_EDIT}"
        return check("law.abandon", "Heard within two seconds", Light.RED, seen, mend)
    seen = "the first sentence says who calls and is rendered before the first call"
    return check("law.abandon", "Heard within two seconds", Light.GREEN, seen)


def _policy(run: DryRun | Failed) -> Check:
    title = "Policy"
    if isinstance(run, Failed):
        mend = "The rules could not be asked about this list; see logs/dialer.log in the home."
        return not_told("law.policy", title, run, mend)
    seen = f"the rules answered for {run.asked:,} leads"
    return check(
        "law.policy", title, Light.GREEN, seen + (f" (version {run.policy_hash})" * bool(run.asked))
    )


@dataclass(frozen=True)
class Switch:
    kind: str
    key: str
    reason: str
    set_by: str


def judge_stops(
    switches: Sequence[Switch], campaign_id: str, caller_ids: Sequence[int], state: str
) -> Iterator[Check]:
    yield _switches(switches, campaign_id, caller_ids)
    stopped = state == "emergency_stopped"
    yield check(
        "stops.emergency",
        "Emergency stop",
        Light.RED if stopped else Light.GREEN,
        "the campaign was stopped in an emergency" if stopped else "none is in force",
        "Find out why; then a named person clears it (`voice-ai campaign clear`).",
    )


def _switches(switches: Sequence[Switch], campaign_id: str, caller_ids: Sequence[int]) -> Check:
    lines = {str(number) for number in caller_ids}
    mine = [one for one in switches if _concerns(one, campaign_id, lines)]
    dead = {one.key for one in mine if one.kind == "caller_id"}
    whole = [one for one in mine if one.kind in {"global", "campaign"}]
    all_lines = bool(lines) and dead >= lines
    light = Light.GREEN
    if mine:
        light = Light.RED if whole or all_lines else Light.AMBER
    told = "; ".join(f"{one.kind.replace('_', ' ')}: {one.reason} ({one.set_by})" for one in mine)
    return check(
        "stops.switches",
        "Kill switches",
        light,
        told or "none is on",
        "Lift the switch once its reason is gone; until then these calls are not made.",
    )


def _concerns(switch: Switch, campaign_id: str, lines: set[str]) -> bool:
    """Of countries and rules nobody knows beforehand whom they touch: they are shown."""
    if switch.kind == "campaign":
        return switch.key == campaign_id
    return switch.kind != "caller_id" or switch.key in lines
