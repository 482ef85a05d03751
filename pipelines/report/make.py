"""Builds a report of any kind from a commit of the lake: the same commit, the same bytes."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from pipelines.analyses.campaign import campaign_frames, find_campaign
from pipelines.interim import interim_of_lake, sections
from pipelines.lake import manifest as commits
from pipelines.lake.fresh import Fresh, fresh
from pipelines.lake.manifest import Manifest
from pipelines.lake.read import Lake
from pipelines.lake.store import Store
from pipelines.report.build import build_report
from pipelines.report.compliance import compliance_document
from pipelines.report.daily import daily_document
from pipelines.report.document import Document
from pipelines.report.facts import Facts, Scope, read_facts
from pipelines.report.html import render_html
from pipelines.report.model import model_document
from pipelines.report.render import built_from, render_document
from pipelines.report_kinds import OF_A_CAMPAIGN, Kind
from voice_ai.db.connect import connect
from voice_ai.errors import BadInput


@dataclass(frozen=True)
class Made:
    """A report: its page, and what it was made from. `data`: its figures as one JSON object."""

    kind: Kind
    title: str
    campaign: str | None
    scope: Scope
    facts: Facts
    html: str
    data: dict[str, Any]


@dataclass(frozen=True)
class Ask:
    """What is to be built: `campaign` for the kinds about one (name or id); from the newest commit,
    that of a number, or the last one not later than a moment."""

    kind: Kind
    campaign: str | None = None
    commit: int | None = None
    as_of: datetime | None = None


def moment_of_words(text: str) -> datetime:
    """A moment with its offset from UTC. Raises BadInput."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise BadInput(f"{text!r} is no moment; write one like 2026-11-24T18:00:00-05:00")
    return moment


def lake_of(url: str, store: Store, ask: Ask, *, now: datetime) -> Fresh:
    """The commit that is asked for; where none is named, one with every call that has ended. Raises
    NotFound, BadInput, Refused, NotAvailable."""
    if ask.commit is not None and ask.as_of is not None:
        raise BadInput("--commit and --as-of name two moments; give one of them")
    if ask.commit is not None:
        return _told(store, commits.read(store, ask.commit))
    if ask.as_of is not None:
        return _told(store, commits.as_of(store, ask.as_of))
    return fresh(url, store, now=now)


def _told(store: Store, manifest: Manifest) -> Fresh:
    return Fresh(Lake(store, manifest), manifest.as_of)


def make(url: str, source: Fresh, ask: Ask, *, rehearsal: bool) -> Made:
    """Reads what the lake does not hold as it stood at that moment, and builds.

    Raises BadInput, NotFound, NotAvailable.
    """
    scope = scope_of(source, ask, rehearsal=rehearsal)
    with connect(url, name="voice-ai report") as db:
        facts = read_facts(db, ask.kind, scope)
    return build(source.lake, ask.kind, scope, facts)


def scope_of(source: Fresh, ask: Ask, *, rehearsal: bool) -> Scope:
    """Raises BadInput when a campaign is missing, NotFound when the lake does not know it."""
    made = source.lake.manifest
    assert made is not None
    scope = Scope(rehearsal, source.as_of, made.number)
    if ask.kind not in OF_A_CAMPAIGN:
        return scope
    if not ask.campaign:
        raise BadInput(f"a report of the kind {ask.kind} needs a campaign", field="campaign")
    found = find_campaign(source.lake, ask.campaign)
    return replace(scope, rehearsal=found.rehearsal, campaign_id=str(found.id))


def build(lake: Lake, kind: Kind, scope: Scope, facts: Facts) -> Made:
    """Pure but for the lake's files: what archives and rebuilds rely on."""
    if scope.campaign_id is None:
        made = _document(lake, kind, scope, facts)
        data = made.model_dump(mode="json")
        return Made(kind, made.title, None, scope, facts, render_document(made), data)
    source = built_from(scope.commit)
    if kind == "interim":
        interim = interim_of_lake(lake, facts, scope, scope.campaign_id)
        html = render_html(interim.report, sections(interim), source)
        name, data = interim.report.campaign, interim.model_dump(mode="json")
    else:
        report = build_report(campaign_frames(lake, scope.campaign_id), scope.as_of)
        html = render_html(report, built_from=source)
        name, data = report.campaign, report.model_dump(mode="json")
    return Made(kind, f"{name} – {kind} report", name, scope, facts, html, data)


def _document(lake: Lake, kind: Kind, scope: Scope, facts: Facts) -> Document:
    if kind == "daily":
        return daily_document(lake, facts, scope)
    if kind == "compliance":
        return compliance_document(lake, facts, scope)
    return model_document(facts, scope)
