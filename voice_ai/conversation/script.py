"""From the text of a script file to a checked `Script`."""

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from pydantic import ValidationError

from voice_ai.conversation.checks import find_faults
from voice_ai.conversation.graph import Lines, Node, Script, Slot, Wording
from voice_ai.conversation.prompts import Prompt, prompts, resolve_slots
from voice_ai.conversation.source import Path, read_document
from voice_ai.conversation.variants import Fault, Variant, variants
from voice_ai.errors import BadInput

__all__ = [
    "Lines",
    "Node",
    "Prompt",
    "Script",
    "Slot",
    "builtin_scripts",
    "check_script",
    "load_script",
    "prompts",
    "resolve_slots",
]


def load_script(text: str, *, source: str) -> Script:
    """Raises BadInput with file, line and field for the first thing that is wrong."""
    script, faults = check_script(text, source=source)
    if faults:
        raise faults[0]
    assert script is not None
    return script


def check_script(text: str, *, source: str) -> tuple[Script | None, tuple[BadInput, ...]]:
    """The script, or everything that is wrong with it, in the order of its lines."""
    try:
        document = read_document(text, source=source)
    except BadInput as fault:
        return None, (fault,)
    found, wrong = variants(document.data)
    if wrong:
        return None, _in_order(document.fault(path, message) for path, message in wrong)
    scripts: dict[Wording, Script] = {}
    faults: dict[Fault, None] = {}
    for variant in found:
        script, here = _checked(variant)
        faults.update(dict.fromkeys((variant.written_at(path), message) for path, message in here))
        if script is not None:
            scripts[variant.arm, variant.language] = script
    if faults:
        return None, _in_order(document.fault(path, message) for path, message in faults)
    first = scripts[found[0].arm, found[0].language]
    return (first if len(scripts) == 1 else first.with_wordings(scripts)), ()


def _checked(variant: Variant) -> tuple[Script | None, list[Fault]]:
    try:
        script = Script.model_validate(variant.data)
    except ValidationError as error:
        return None, [_type_fault(found) for found in error.errors()]
    return script, list(find_faults(script))


def builtin_scripts() -> Mapping[str, str]:
    """Name and YAML text of the scripts that come with the product."""
    folder = files("voice_ai") / "scripts"
    found = (entry for entry in folder.iterdir() if entry.name.endswith(".yaml"))
    return {
        entry.name.removesuffix(".yaml"): entry.read_text(encoding="utf-8")
        for entry in sorted(found, key=lambda entry: entry.name)
    }


def _in_order(faults: Any) -> tuple[BadInput, ...]:
    return tuple(sorted(faults, key=lambda fault: fault.line or 0))


_TYPE_FAULTS = {
    "string_type": "it must be one text",
    "bool_parsing": "it must be yes or no",
    "float_parsing": "it must be a number",
    "int_parsing": "it must be a whole number",
    "tuple_type": "it must be a list",
    "model_type": "it must be a mapping",
    "mapping_type": "it must be a mapping",
    "too_short": "it cannot be empty",
}
_NAME_RULE = "a name is made of small letters, digits and _, and starts with a letter"


def _type_fault(found: Any) -> tuple[Path, str]:
    path = tuple(part for part in found["loc"] if part != "[key]")
    kind, context, value = found["type"], found.get("ctx", {}), found["input"]
    if kind == "missing":
        return path, f"`{path[-1]}` is missing."
    if kind == "extra_forbidden":
        return path, f"`{path[-1]}` is not a word of the script language here."
    if kind == "literal_error":
        return path, f"`{_short(value)}` is not known here; use {context['expected']}."
    if value is None:
        return path, "it has no value."
    if kind == "value_error":
        return path, found["msg"].removeprefix("Value error, ") + "."
    rule = _TYPE_FAULTS.get(kind)
    if kind == "string_pattern_mismatch":
        rule = "use a language such as en-US" if path == ("language",) else _NAME_RULE
    rule = rule or found["msg"].replace("Input should be", "it must be")
    return path, f"`{_short(value)}` cannot stand here: {rule}."


def _short(value: Any) -> str:
    if isinstance(value, dict | list):
        return "a list" if isinstance(value, list) else "a mapping"
    return str(value)[:60]
