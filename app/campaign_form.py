"""The campaign form's values to and from a campaign's data: pure, no page.

A form holds flat texts and numbers by field path (`seller.name`, `pacing.max_concurrent`); a
campaign file holds nested data. Both ways lose nothing that the other can say.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import time
from typing import Any

import polars as pl
from pydantic import BaseModel

from pipelines.report.labels import words
from voice_ai.answering import Answering
from voice_ai.campaigns import CampaignConfig, Pacing, Schedule, SellerConfig, Voice
from voice_ai.compliance.facts import DEFAULT_COUNTRIES
from voice_ai.conversation.script import Script
from voice_ai.retries import DEFAULT_RULES, RetryPolicy

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
# Filled by the seller's own fields, not by `slots`.
_SELLERS_SLOTS = frozenset({"seller", "callback_number"})
_UNITS = {"s": 1, "min": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(\d+)\s*(d|days?|h|hours?|min|minutes?|m|s|seconds?)?$")
_PARTS: Mapping[str, type[BaseModel]] = {
    "seller": SellerConfig,
    "schedule": Schedule,
    "pacing": Pacing,
    "voice": Voice,
    "retries": RetryPolicy,
    "answering": Answering,
}


def about(field: str) -> str:
    """The field's own description, as it stands in the campaign file's documentation."""
    part, _, name = field.rpartition(".")
    model = _PARTS[part] if part else CampaignConfig
    found = model.model_fields[{"list": "leads"}.get(name, name)]
    text = found.description or next(
        (str(item.description) for item in found.metadata if getattr(item, "description", None)),
        "",
    )
    return text[:1].upper() + text[1:] + ("." if text and not text.endswith(".") else "")


def defaults() -> dict[str, Any]:
    """A new campaign's data: what the defaults say, and nothing that only a person can know."""
    parts = {
        name: model().model_dump(mode="json") for name, model in _PARTS.items() if name != "seller"
    }
    return {
        "name": "",
        "seller": {"name": "", "legal_name": "", "callback_number": ""},
        "list": "",
        "script": "appointment_reminder",
        "caller_ids": [],
        "slots": {},
        "purpose": "telemarketing",
        "policy": "strictest",
        "countries": list(DEFAULT_COUNTRIES),
        **parts,
        "max_attempts_24h": 3,
        "max_leads": None,
        "detect_machines": True,
    }


def completed(data: Mapping[str, Any]) -> dict[str, Any]:
    """The data with every part that it leaves out."""
    whole = defaults()
    for key, value in data.items():
        known = whole.get(key)
        mixed = isinstance(known, dict) and isinstance(value, dict)
        whole[key] = {**known, **value} if mixed and isinstance(known, dict) else value
    rules = {code: rule.model_dump(mode="json") for code, rule in DEFAULT_RULES.items()}
    whole["retries"]["rules"] = {**rules, **whole["retries"].get("rules", {})}
    return whole


def own_slots(script: Script) -> tuple[str, ...]:
    """The blanks that the campaign itself fills under `slots`."""
    return tuple(
        name
        for name, slot in script.slots.items()
        if slot.scope == "campaign" and name not in _SELLERS_SLOTS
    )


def clock(value: Any) -> time:
    return value if isinstance(value, time) else time.fromisoformat(str(value))


def numbers(text: str) -> list[str]:
    """Phone numbers, one a line or parted by commas."""
    return [part.strip() for part in re.split(r"[,\n;]", text) if part.strip()]


def rules_frame(rules: Mapping[str, Any]) -> pl.DataFrame:
    """outcome, called, most, a_day, waits, part: a row for each outcome that may be tried again.

    `part`: from which time on another part of the day is due; None: it is not.
    """
    codes = [code for code in DEFAULT_RULES if code in rules]
    return pl.DataFrame(
        {
            "outcome": codes,
            "called": [words(code) for code in codes],
            "most": [int(rules[code]["most"]) for code in codes],
            "a_day": [rules[code].get("most_per_day") for code in codes],
            "waits": [waits_text(rules[code]["delays_s"]) for code in codes],
            "part": [int(rules[code].get("other_day_part") or 0) or None for code in codes],
        },
        schema_overrides={"a_day": pl.Int64(), "part": pl.Int64()},
    )


def rules_of(rows: Iterable[Mapping[str, Any]]) -> tuple[dict[str, Any], dict[str, str]]:
    """The rules of an edited table, and a sentence for each wait that cannot be read."""
    rules: dict[str, Any] = {}
    faults: dict[str, str] = {}
    for row in rows:
        delays = seconds_of(str(row["waits"] or ""))
        if delays is None:
            faults[f"retries.rules.{row['outcome']}"] = (
                f"{row['called']}: write waits such as 10 min, 4 h, 1 d"
            )
        part = int(row["part"] or 0)
        rules[str(row["outcome"])] = {
            "delays_s": delays or [],
            "most": int(row["most"] or 0),
            "most_per_day": int(row["a_day"]) if row["a_day"] else None,
            "other_day_part": part if part > 1 else bool(part),
        }
    return rules, faults


def waits_text(delays: Iterable[int]) -> str:
    return ", ".join(_wait(int(delay)) for delay in delays)


def _wait(seconds: int) -> str:
    unit = next(name for name in ("d", "h", "min", "s") if seconds % _UNITS[name] == 0)
    return f"{seconds // _UNITS[unit]} {unit}" if seconds else "0 s"


def seconds_of(text: str) -> list[int] | None:
    """ "10 min, 4 h" as seconds; None when it cannot be read."""
    delays = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        found = _DURATION.match(part)
        if found is None:
            return None
        unit = (found.group(2) or "s").rstrip("s") or "s"
        unit = {"m": "min", "minute": "min", "hour": "h", "day": "d", "second": "s"}.get(unit, unit)
        delays.append(int(found.group(1)) * _UNITS[unit])
    return delays or None


def fault_at(faults: Mapping[str, str], field: str) -> str | None:
    """The sentence for a field or for anything inside it."""
    for place, sentence in faults.items():
        if place == field or place.startswith(f"{field}."):
            return sentence
    return None


def faults_elsewhere(faults: Mapping[str, str], shown: Iterable[str]) -> dict[str, str]:
    """Faults that no field of the form shows."""
    at = tuple(shown)
    return {
        place: sentence
        for place, sentence in faults.items()
        if not any(place == field or place.startswith(f"{field}.") for field in at)
    }
