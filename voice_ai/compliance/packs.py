"""Reads the policy packs. A rule that cannot be right is refused, with file, line and field."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from importlib.resources import files
from typing import Any

from pydantic import ValidationError

from voice_ai.compliance.rules import Calendar, HoursRule, ListRule, Pack, Rule
from voice_ai.conversation.source import Document, read_document


@dataclass(frozen=True, eq=False)
class RuleBook:
    """Every rule of every pack; two books are the same when their hashes are."""

    rules: tuple[Rule, ...]
    calendars: Mapping[str, Calendar]
    versions: Mapping[str, str]
    sha256: str
    ids: frozenset[str]

    @property
    def sources(self) -> tuple[str, ...]:
        """The outside lists that some rule asks."""
        return tuple(
            sorted({rule.params.source for rule in self.rules if isinstance(rule, ListRule)})
        )

    def rule(self, rule_id: str) -> Rule | None:
        return next((rule for rule in self.rules if rule.id == rule_id), None)


@lru_cache(maxsize=1)
def built_in() -> RuleBook:
    """The packs that come with the product, read once per process."""
    folder = files("voice_ai.compliance") / "packs"
    return read_packs(
        {
            file.name: file.read_text(encoding="utf-8")
            for file in sorted(folder.iterdir(), key=lambda file: file.name)
            if file.name.endswith(".yaml")
        }
    )


def read_packs(texts: Mapping[str, str]) -> RuleBook:
    """One book of these files. Raises BadInput."""
    documents = [_document(text, name) for name, text in texts.items()]
    read = [(_pack(document), document) for document in documents]
    calendars = {calendar.id: calendar for pack, _ in read for calendar in pack.calendars}
    known: dict[str, str] = {}
    for pack, document in read:
        for place, rule in enumerate(pack.rules):
            if rule.id in known:
                raise document.fault(
                    ("rules", place, "id"), f"{rule.id} is a rule of {known[rule.id]} already"
                )
            known[rule.id] = document.source
            _check_calendars(rule, place, calendars, document)
    rules = tuple(rule for pack, _ in read for rule in pack.rules)
    versions = {pack.pack: pack.version for pack, _ in read}
    digest = _hash(rules, calendars.values(), versions)
    return RuleBook(rules, calendars, versions, digest, frozenset(known))


def check_pack(text: str, source: str) -> RuleBook:
    """The built-in book with this file in the place of the pack of its name. Raises BadInput."""
    pack = _pack(_document(text, source))
    folder = files("voice_ai.compliance") / "packs"
    texts = {
        file.name: file.read_text(encoding="utf-8")
        for file in folder.iterdir()
        if file.name.endswith(".yaml")
    }
    kept = {name: known for name, known in texts.items() if _name_of(known) != pack.pack}
    return read_packs({**kept, source: text})


def _name_of(text: str) -> str | None:
    name = _document(text, "pack").data.get("pack")
    return name if isinstance(name, str) else None


def _document(text: str, name: str) -> Document:
    document = read_document(text, source=name)
    if "pack" not in document.data:
        raise document.fault(("pack",), "this is missing; a policy pack begins with its name")
    return document


def _pack(document: Document) -> Pack:
    try:
        return Pack.model_validate(document.data)
    except ValidationError as error:
        first = error.errors()[0]
        # The kind of a rule stands in pydantic's path, and not in the file.
        path = tuple(
            part
            for place, part in enumerate(first["loc"])
            if not (place == 2 and isinstance(part, str) and first["loc"][0] == "rules")
        )
        raise document.fault(path, _sentence(first)) from None


def _sentence(found: Any) -> str:
    if found["type"] == "missing":
        return "this is missing"
    if found["type"] == "extra_forbidden":
        return "there is no such field"
    return str(found["msg"]).removeprefix("Value error, ")


def _check_calendars(
    rule: Rule, place: int, calendars: Mapping[str, Calendar], document: Document
) -> None:
    if not isinstance(rule, HoursRule):
        return
    for name in rule.params.holidays:
        if name not in calendars:
            raise document.fault(
                ("rules", place, "params", "holidays"),
                f"there is no calendar {name!r}; the calendars are {', '.join(sorted(calendars))}",
            )


def _hash(rules: Iterable[Rule], calendars: Iterable[Calendar], versions: Mapping[str, str]) -> str:
    """The holidays' library is a part of the rules: another version may know other days."""
    whole = {
        "rules": sorted((rule.model_dump(mode="json") for rule in rules), key=lambda r: r["id"]),
        "calendars": sorted(
            (calendar.model_dump(mode="json") for calendar in calendars), key=lambda c: c["id"]
        ),
        "versions": dict(versions),
        "holidays": version("holidays"),
    }
    return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()
