"""`voice-ai policy …`: which rules there are, whether a pack is sound, why a call may be made."""

import json
from datetime import UTC, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from voice_ai.errors import BadInput, NotFound, UsageError

if TYPE_CHECKING:
    from voice_ai.compliance import CampaignFacts, LeadFacts
    from voice_ai.compliance.explain import Finding
    from voice_ai.compliance.facts import Decision
    from voice_ai.compliance.rules import Profile, Purpose, Rule

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="The rules by which calls are made."
)
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object.")]
States = Annotated[
    list[str] | None, typer.Option("--state", help="state or province, e.g. FL; may be repeated")
]
Country = Annotated[str, typer.Option(help="country, ISO 3166-1")]


@app.command("list")
def list_rules(
    state: States = None,
    country: Annotated[str | None, typer.Option(help="country, ISO 3166-1")] = None,
    as_json: AsJson = False,
) -> None:
    """Every rule, or what holds at a place, with its source and when it was looked up.

    Example: voice-ai policy list --state FL
    """
    from voice_ai.compliance.packs import built_in
    from voice_ai.compliance.words import said

    book = built_in()
    rules: list[Rule] = list(book.rules)
    if state or country:
        places = _jurisdictions(country or _country_of(state), state)
        rules = [rule for rule in rules if rule.jurisdiction in {"*", *places}]
    if as_json:
        answer = {"policy": book.sha256, "packs": dict(book.versions)}
        print(json.dumps(answer | {"rules": [_told(rule) for rule in rules]}))
        return
    table = Table("rule", "for", "asks", "source", "looked up", "sure")
    for rule in rules:
        purposes = "all calls" if len(rule.applies_to) > 1 else rule.applies_to[0]
        proof = (rule.citation, str(rule.verified_on), rule.confidence)
        table.add_row(rule.id, purposes, said(rule), *proof)
    Console().print(table)


@app.command()
def show(
    rule: Annotated[str, typer.Argument(help="id of a rule, as `list` shows it")],
    as_json: AsJson = False,
) -> None:
    """One rule with all that is written about it.

    Example: voice-ai policy show US-FL-HOURS
    """
    from voice_ai.compliance.packs import built_in

    found = built_in().rule(rule.upper())
    if found is None:
        raise NotFound(f"there is no rule {rule!r}; `voice-ai policy list` has them all")
    told = _told(found)
    if as_json:
        print(json.dumps(told))
        return
    table = Table(show_header=False)
    for name, value in told.items():
        table.add_row(name, "–" if value is None else str(value))
    Console().print(table)


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="a policy pack, YAML")], as_json: AsJson = False
) -> None:
    """Whether a pack may take the place of the one of its name; a fault names its line and field.

    Example: voice-ai policy check us_states.yaml
    """
    from voice_ai.compliance.packs import check_pack

    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput("the pack cannot be read; give a YAML file", file=file) from error
    book = check_pack(text, str(file))
    if as_json:
        print(json.dumps({"sound": True, "rules": len(book.rules), "policy": book.sha256}))
    else:
        print(f"{file} is sound; with it there are {len(book.rules)} rules ({book.sha256[:12]}).")


@app.command()
def explain(
    state: States = None,
    country: Annotated[str | None, typer.Option(help="country; else the states' own")] = None,
    zone: Annotated[
        list[str] | None, typer.Option("--zone", help="time zone; else all of the states")
    ] = None,
    at: Annotated[str | None, typer.Option(help="when, with an offset; else now")] = None,
    purpose: Annotated[str, typer.Option(help="telemarketing or informational")] = "telemarketing",
    policy: Annotated[str, typer.Option(help="strictest or law")] = "strictest",
    consent: Annotated[str, typer.Option(help="kind of consent, or none")] = "written",
    as_json: AsJson = False,
) -> None:
    """Whether a call to a place is allowed at a time, and what each rule says of it.

    The campaign runs all day, and outside lists are taken as fresh and without the number.

    Example: voice-ai policy explain --state FL --at 2026-11-24T19:00:00-05:00
    """
    from voice_ai.compliance import Policy
    from voice_ai.compliance.explain import explain as explained

    moment = _moment(at)
    home = (country or _country_of(state)).upper()
    lead = _lead(home, state, zone, consent, moment)
    campaign = _campaign(_purpose(purpose), home)
    try:
        decision, findings = explained(lead, campaign, moment, Policy(profile=_profile(policy)))
    except KeyError as error:
        raise UsageError(f"there is no time zone {error}; write America/New_York") from error
    if as_json:
        print(json.dumps(_answer(decision, findings, lead, moment)))
    else:
        _tell(decision, findings)


def _tell(decision: "Decision", findings: "list[Finding]") -> None:
    console = Console()
    if decision.allow:
        console.print("[green]allowed[/]")
    else:
        when = decision.next_allowed_at
        console.print(
            f"[red]not allowed[/]: {', '.join(decision.reasons)};"
            f" {f'next at {when.isoformat()}' if when else 'never'}"
        )
    table = Table("rule", "says", "open now", "source")
    for found in findings:
        now = {True: "yes", False: "no", None: ""}[found.open]
        table.add_row(found.rule.id, found.says, now, found.rule.citation)
    console.print(table)


def _answer(
    decision: "Decision", findings: "list[Finding]", lead: "LeadFacts", moment: datetime
) -> dict[str, Any]:
    later = decision.next_allowed_at
    return {
        "allow": decision.allow,
        "reasons": list(decision.reasons),
        "next_allowed_at": later.isoformat() if later else None,
        "policy_hash": decision.policy_hash,
        "at": moment.isoformat(),
        "zones": list(lead.zones),
        "rules": [
            {
                "id": found.rule.id,
                "says": found.says,
                "open": found.open,
                "citation": found.rule.citation,
                "verified_on": str(found.rule.verified_on),
            }
            for found in findings
        ],
    }


def _told(rule: "Rule") -> dict[str, Any]:
    from voice_ai.compliance.words import said

    return {**rule.model_dump(mode="json"), "asks": said(rule)}


def _lead(
    country: str, states: list[str] | None, zones: list[str] | None, consent: str, at: datetime
) -> "LeadFacts":
    from voice_ai.compliance import LeadFacts
    from voice_ai.compliance.packs import built_in

    _jurisdictions(country, states)
    return LeadFacts(
        zones=tuple(zones or _zones_of(country, states)),
        countries=(country,),
        states=tuple(code.upper() for code in states or ()),
        suppressed=False,
        list_consent=None if consent == "none" else consent,
        snapshots=tuple((source, at) for source in built_in().sources),
    )


def _campaign(purpose: "Purpose", country: str) -> "CampaignFacts":
    from voice_ai.compliance import CampaignFacts

    return CampaignFacts(
        running=True,
        schedule_start=time.min,
        schedule_end=time.max,
        schedule_days=frozenset(range(7)),
        max_attempts=1,
        purpose=purpose,
        countries=(country, "US", "CA"),
    )


def _zones_of(country: str, states: list[str] | None) -> list[str]:
    from voice_ai.leads.places import state_zones

    if states:
        return sorted({zone for code in states for zone in state_zones()[code.upper()]})
    raise UsageError(f"name the time zone in {country}, as in --zone Europe/London")


def _jurisdictions(country: str, states: list[str] | None) -> frozenset[str]:
    from voice_ai.compliance.codes import LAW_OF_COUNTRY, part_of
    from voice_ai.compliance.terms import places_of

    home, parts = country.upper(), tuple(code.upper() for code in states or ())
    unknown = [code for code in parts if part_of(code) is None]
    if home not in LAW_OF_COUNTRY or unknown:
        raise UsageError(f"no rules are known for {', '.join(unknown) or country}")
    return places_of((home,), parts, (home, "US", "CA")).jurisdictions


def _country_of(states: list[str] | None) -> str:
    """The country of the first state named."""
    from voice_ai.compliance.codes import part_of

    part = part_of(states[0].upper()) if states else None
    return part[0] if part else "US"


def _moment(text: str | None) -> datetime:
    try:
        moment = datetime.now(UTC) if text is None else datetime.fromisoformat(text)
    except ValueError:
        moment = datetime.min
    if moment.tzinfo is None:
        raise UsageError("write --at with an offset, as in 2026-11-24T19:00:00-05:00")
    return moment


def _purpose(word: str) -> "Purpose":
    from voice_ai.compliance.rules import PURPOSES

    for known in PURPOSES:
        if word == known:
            return known
    raise UsageError(f"--purpose is {' or '.join(PURPOSES)}")


def _profile(word: str) -> "Profile":
    from voice_ai.compliance.rules import PROFILES

    for known in PROFILES:
        if word == known:
            return known
    raise UsageError(f"--policy is {' or '.join(PROFILES)}")
