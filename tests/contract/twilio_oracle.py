"""Twilio's own OpenAPI description as the judge of requests and answers (no server needed)."""

import json
import os
import re
from collections.abc import Mapping, Sequence
from email.utils import parsedate_to_datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

FILES = ("twilio_api_v2010.json", "twilio_lookups_v2.json")
_FORM = "application/x-www-form-urlencoded"
_FORMATS = FormatChecker(formats=[])


@_FORMATS.checks("date-time-rfc-2822", raises=ValueError)
def _is_rfc2822(value: object) -> bool:
    return not isinstance(value, str) or parsedate_to_datetime(value).tzinfo is not None


def specs_folder() -> Path:
    """VOICE_AI_SPECS, else ../shared/specs; skips the test when neither has the files."""
    beside = Path(__file__).parents[2].parent / "shared" / "specs"
    folder = Path(os.environ.get("VOICE_AI_SPECS", beside))
    if not all((folder / name).exists() for name in FILES):
        pytest.skip(f"Set VOICE_AI_SPECS to the folder with {' and '.join(FILES)}")
    return folder


def check_request(method: str, path: str, form: Mapping[str, Sequence[str]]) -> list[str]:
    """What is wrong with a form sent to `path`; empty when nothing is."""
    spec, operation = _operation(method, path)
    if operation is None:
        return [f"no operation {method} {path}"]
    schema = operation["requestBody"]["content"][_FORM]["schema"]
    known, sent = schema["properties"], {}
    problems = [f"unknown parameter {name}" for name in form if name not in known]
    for name, values in form.items():
        kind = known.get(name, {}).get("type")
        if kind != "array" and len(values) > 1:
            problems.append(f"{name} was sent {len(values)} times")
        sent[name] = list(values) if kind == "array" else _typed(values[-1], kind)
    return problems + _violations(spec, schema, sent)


def check_response(method: str, path: str, status: int, body: object) -> list[str]:
    """What is wrong with an answer; error answers need the four fields of the error body."""
    spec, operation = _operation(method, path)
    if status >= 400:
        kinds = {"code": int, "message": str, "more_info": str, "status": int}
        fields = body if isinstance(body, dict) else {}
        return [
            f"{n} is not {k.__name__}" for n, k in kinds.items() if type(fields.get(n)) is not k
        ]
    if operation is None or str(status) not in operation["responses"]:
        return [f"status {status} is not described for {method} {path}"]
    if path.startswith("/v2/"):
        # That description's own examples have nulls its schemas do not allow.
        body = _without_nulls(body)
    schema = operation["responses"][str(status)]["content"]["application/json"]["schema"]
    return _violations(spec, schema, body)


def unknown_fields(component: str, body: Mapping[str, object]) -> list[str]:
    """Fields of a resource that its description does not have."""
    schemas = _specification(FILES[0])["components"]["schemas"]
    return sorted(body.keys() - schemas[component]["properties"].keys())


@cache
def _specification(name: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(
        (specs_folder() / name).read_text("utf-8"), object_hook=_nulls
    )
    return read


def _nulls(schema: dict[str, Any]) -> dict[str, Any]:
    """OpenAPI 3.0's `nullable` in the words of JSON Schema."""
    if schema.get("nullable") is True and isinstance(schema.get("type"), str):
        schema = schema | {"type": [schema["type"], "null"]}
        if isinstance(schema.get("enum"), list):
            schema["enum"] = [*schema["enum"], None]
    return schema


def _operation(method: str, path: str) -> tuple[dict[str, Any], dict[str, Any] | None]:
    plain = path.split("?")[0]
    for spec in map(_specification, FILES):
        for template, operations in spec["paths"].items():
            if re.fullmatch(re.sub(r"\{\w+\}", r"[^/.]+", re.sub(r"\.", r"\.", template)), plain):
                return spec, operations.get(method.lower())
    return {}, None


def _without_nulls(body: object) -> object:
    if not isinstance(body, dict):
        return body
    return {name: _without_nulls(value) for name, value in body.items() if value is not None}


def _typed(value: str, kind: object) -> object:
    """A form value as the type it is described as, when it can be read as one."""
    if kind == "integer" and re.fullmatch(r"-?\d+", value):
        return int(value)
    if kind == "boolean" and value.lower() in {"true", "false"}:
        return value.lower() == "true"
    return value


def _violations(spec: dict[str, Any], schema: dict[str, Any], value: object) -> list[str]:
    whole = {**schema, "components": spec["components"]}
    found = Draft202012Validator(whole, format_checker=_FORMATS).iter_errors(value)
    return [f"{'/'.join(map(str, error.path)) or 'body'}: {error.message}" for error in found]
