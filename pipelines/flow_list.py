"""The flows by name: what each is for, what it asks for, when it runs by itself. No Prefect here.

The process that serves them, the commands and the page read this one list.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from pipelines.report_kinds import KINDS, OF_A_CAMPAIGN
from voice_ai.errors import BadInput
from voice_ai.store.flow_requests import FLOW_NAMES, FlowName

Kind = Literal["text", "number", "share", "flag", "campaign", "file", "mapping"]
ModelAction = Literal["gate", "promote", "rollback", "shadow", "canary", "stop"]
MODEL_ACTIONS: tuple[ModelAction, ...] = get_args(ModelAction)


@dataclass(frozen=True)
class Field:
    """One parameter of a flow. `kind` says how a form asks for it."""

    name: str
    label: str
    help: str
    kind: Kind = "text"
    required: bool = False
    default: Any = None


@dataclass(frozen=True)
class Schedule:
    """When a flow runs by itself; `words` is what a person reads."""

    cron: str
    zone: str
    words: str


@dataclass(frozen=True)
class FlowFacts:
    name: FlowName
    title: str
    purpose: str
    fields: tuple[Field, ...] = ()
    schedule: Schedule | None = None
    tags: tuple[str, ...] = ()


_YES = frozenset({"yes", "true", "1"})
_NO = frozenset({"no", "false", "0"})
_TASK = Field("name", "Task", "intent, emotion …", required=True)
_CAMPAIGN = Field("campaign", "Campaign", "One campaign; left out: every campaign.", "campaign")

_ALL = (
    FlowFacts(
        "import-leads",
        "Import leads",
        "Reads a lead file, judges every row and loads the good ones into a list, in one"
        " transaction; the same file again changes nothing.",
        (
            Field("file", "File", "Path of a CSV, XLSX or Parquet file.", "file", required=True),
            Field("list_name", "List", "The list; made when it is new.", required=True),
            Field("seller", "Seller", "The business that will call; left out: the sample's."),
            Field("mapping", "Columns", "Field to column, where a guess is wrong.", "mapping"),
            Field("consent", "Consent", "Attested for a new list: written or express."),
            Field("attested_by", "Attested by", "Who attests the consent."),
        ),
        tags=("leads",),
    ),
    FlowFacts(
        "undo-import",
        "Take an import back",
        "Deletes the leads of one import while none of them was called.",
        (Field("run_id", "Import", "The id of the import.", required=True),),
        tags=("leads",),
    ),
    FlowFacts(
        "train-models",
        "Train models",
        "Gives every task a served model: kept, deployed from the registry, or trained.",
        schedule=Schedule("0 3 * * 0", "America/New_York", "Sundays 03:00, New York time"),
        tags=("models", "heavy"),
    ),
    FlowFacts(
        "judge-rollouts",
        "Judge rollouts",
        "Looks at candidates in running calls: on to the next stage, wait, or back to the champion."
        " The flows process also looks by itself, every few seconds in a rehearsal.",
        schedule=Schedule("*/15 * * * *", "UTC", "every quarter of an hour"),
        tags=("models",),
    ),
    FlowFacts(
        "train-model",
        "Train one task",
        "Trains a new version of one task, judges it, and serves it when it passes its gate.",
        (
            _TASK,
            Field("data", "File", "CSV, TSV or JSONL; left out: the task's own rows.", "file"),
            Field("seed", "Seed", "The same seed and data give the same model.", "number"),
            Field("embeddings", "Embeddings", "yes adds sentence embeddings: slower.", "flag"),
        ),
        tags=("models", "heavy"),
    ),
    FlowFacts(
        "model-order",
        "Order about a version",
        "Judges, promotes or takes back a version of a model, or begins or ends its rollout.",
        (
            Field("action", "Action", f"One of {', '.join(MODEL_ACTIONS)}.", required=True),
            _TASK,
            Field("version", "Version", "Its number; rollback: left out, the one before."),
            Field("share", "Share", "Of a canary, in percent of the calls.", "share"),
            Field("reason", "Reason", "Kept in the audit log with the name of who asked."),
        ),
        tags=("models",),
    ),
    FlowFacts(
        "build-report",
        "Build a report",
        "Builds a report as one HTML file and keeps it in the archive: of a campaign, or of"
        " everything that was dialed.",
        (
            Field("campaign", "Campaign", "Whose report (campaign, interim).", "campaign"),
            Field(
                "kind",
                "Kind",
                "campaign (left out), interim, daily, model or compliance.",
                default="campaign",
            ),
            Field("as_of", "As of", "The lake as it was then, like 2026-11-24T18:00:00-05:00."),
            Field("out", "File", "Where to write it; left out: the archive."),
            Field("send", "Send", "yes sends it through the channels that are set.", "flag"),
        ),
        tags=("reports",),
    ),
    FlowFacts(
        "score-leads",
        "Score leads",
        "Orders waiting leads by their chance to be picked up by a person, those first whose best"
        " hour it is.",
        (_CAMPAIGN,),
        Schedule("0 * * * *", "America/New_York", "every hour"),
        ("leads",),
    ),
    FlowFacts(
        "daily-summary",
        "Summarise days",
        "Counts dials, answers and goals per campaign and day (UTC) and keeps them.",
        (Field("days", "Days", "How many days back, today included.", "number", default=3),),
        Schedule("30 0 * * *", "UTC", "daily 00:30 UTC"),
        ("reports",),
    ),
    FlowFacts(
        "score-turns",
        "Score old turns",
        "Lets the served version of a task tell turns that were said before it was served.",
        (
            Field("task", "Task", "intent, emotion or opt_out.", required=True),
            Field("days", "Days", "How many days back.", "number", default=30),
        ),
        tags=("models", "heavy"),
    ),
    FlowFacts(
        "watch-models",
        "Watch the models",
        "Measures whether models still hear in calls what they were taught, and draws the turns"
        " of last week for people to label.",
        (
            Field(
                "draw",
                "Draw now",
                "Task of which turns of this week are drawn to be labelled, without waiting for"
                " its end; left out: none.",
            ),
        ),
        Schedule("30 23 * * *", "UTC", "daily 23:30 UTC"),
        ("models",),
    ),
    FlowFacts(
        "sync-lake",
        "Sync the lake",
        "Writes finished calls into the lake and puts its small files together. The flows process"
        " also does so by itself, every minute.",
        schedule=Schedule("20 * * * *", "UTC", "every hour"),
        tags=("reports",),
    ),
    FlowFacts(
        "daily-report",
        "Daily report",
        "Builds the report of the newest day, keeps it and sends it where a channel is set.",
        schedule=Schedule("30 6 * * *", "America/New_York", "daily 06:30, New York time"),
        tags=("reports",),
    ),
    FlowFacts(
        "send-report",
        "Send a report again",
        "Sends a report of the archive through the channels that are set.",
        (Field("report", "Report", "Its id, or how it begins.", required=True),),
        tags=("reports",),
    ),
    FlowFacts(
        "judge-experiments",
        "Judge experiments",
        "Reads what experiments show so far: keeps the verdict, ends those with a winner, harm or"
        " nothing to be found.",
        schedule=Schedule("*/15 * * * *", "UTC", "every quarter of an hour"),
        tags=("reports",),
    ),
)
FLOWS: Mapping[FlowName, FlowFacts] = {facts.name: facts for facts in _ALL}


def facts_of(name: str) -> FlowFacts:
    """Raises BadInput naming the flows there are."""
    for facts in _ALL:
        if facts.name == name:
            return facts
    raise BadInput(f"there is no flow {name!r}; there are {', '.join(FLOW_NAMES)}")


def checked(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a request as the flow takes them. Raises BadInput naming the field."""
    facts = facts_of(name)
    known = {field.name: field for field in facts.fields}
    for key in given:
        if key not in known:
            there = ", ".join(known) or "none"
            raise BadInput(f"{name} has no parameter {key!r}; there are: {there}", field=key)
    values = {
        key: _value(known[key], value) for key, value in given.items() if value not in (None, "")
    }
    for field in facts.fields:
        if field.required and field.name not in values:
            raise BadInput(f"{name} needs it ({field.help.rstrip('.')})", field=field.name)
    if facts.name == "build-report":
        _report_fits(values)
    return values


def _report_fits(values: Mapping[str, Any]) -> None:
    kind = values.get("kind", "campaign")
    if kind not in KINDS:
        raise BadInput(f"{kind!r} is none of {', '.join(KINDS)}", field="kind")
    if kind in OF_A_CAMPAIGN and not values.get("campaign"):
        raise BadInput(f"a report of the kind {kind} needs it (Whose report)", field="campaign")


def _value(field: Field, value: Any) -> Any:
    if field.kind == "number":
        try:
            return int(value)
        except ValueError:
            raise BadInput(f"{value!r} is not a whole number", field=field.name) from None
    if field.kind == "share":
        try:
            return float(value)
        except ValueError:
            raise BadInput(f"{value!r} is not a share in percent", field=field.name) from None
    if field.kind == "flag":
        return _flag(field, str(value).lower())
    if field.kind == "file":
        # The flows process has a working folder of its own.
        return str(Path(value).expanduser().absolute())
    if field.kind == "mapping" and isinstance(value, str):
        try:
            parsed = json.loads(value)
        except ValueError:
            parsed = None
        if not isinstance(parsed, dict):
            raise BadInput('it looks like {"phone": "Telefon"}', field=field.name)
        return {str(key): str(column) for key, column in parsed.items()}
    return value


def _flag(field: Field, word: str) -> bool:
    if word not in _YES | _NO:
        raise BadInput(f"{word!r} is neither yes nor no", field=field.name)
    return word in _YES


def reports_folder(home: Path) -> Path:
    """Where reports go that were asked for without a place."""
    return home / "reports"


def report_name(campaign: str) -> str:
    """A file name of the campaign's letters and digits."""
    kept = "".join(letter if letter.isalnum() else "-" for letter in campaign.lower())
    return f"{kept.strip('-') or 'report'}.html"


def address_file(home: Path) -> Path:
    """Where the flows process writes the address of Prefect's pages."""
    return home / "prefect" / "address"


def prefect_address(home: Path) -> str | None:
    """The address of Prefect's pages; None while no flows process has them up."""
    try:
        return address_file(home).read_text(encoding="utf-8").strip() or None
    except OSError:
        return None
