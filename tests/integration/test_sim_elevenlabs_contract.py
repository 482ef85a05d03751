"""Every JSON answer of the simulated speech vendor, by the SDK's models and the vendor's own spec.

The spec is of August 2025 and knows no realtime recognition; the SDK's models are current. The SDK
parses without checking, so its models are asked to validate here.
"""

import json
import os
from collections.abc import AsyncIterator
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
from elevenlabs import types
from jsonschema import Draft202012Validator
from pydantic import TypeAdapter
from starlette.applications import Starlette

from dialer.simulator.elevenlabs import ElevenLabsConfig, routes
from dialer.simulator.speech import Speech
from dialer.simulator.speech.voices import CATALOGUE

NEIGHBOUR = Path(__file__).parents[3] / "shared" / "specs"
SPEC = Path(os.environ.get("VOICE_AI_SPECS", NEIGHBOUR)) / "elevenlabs_openapi_2025-08-25.json"
VOICE = CATALOGUE[0].id
SPEAK = f"/v1/text-to-speech/{VOICE}"
TEXT = "Is Monday still fine?"

ANSWERS: list[tuple[str, Any, str]] = [
    ("/v1/models", list[types.Model], "ModelResponseModel"),
    ("/v1/voices", types.GetVoicesResponse, "GetVoicesResponseModel"),
    (f"/v1/voices/{VOICE}", types.Voice, "VoiceResponseModel"),
    ("/v2/voices?page_size=2", types.GetVoicesV2Response, "GetVoicesV2ResponseModel"),
    ("/v1/user", types.User, "UserResponseModel"),
    ("/v1/user/subscription", types.Subscription, "ExtendedSubscriptionResponseModel"),
    (
        "/v1/usage/character-stats?start_unix=0&end_unix=172800000",
        types.UsageCharactersResponseModel,
        "UsageCharactersResponseModel",
    ),
]


@cache
def spec() -> Any:
    if not SPEC.exists():
        pytest.skip("the vendor's specification is not here; set VOICE_AI_SPECS to its folder")
    return json.loads(SPEC.read_text())


def violations(answer: object, schema: str) -> list[str]:
    """What the specification has against an answer (against each of its items, for a list)."""
    rule = {"$ref": f"#/components/schemas/{schema}", "components": spec()["components"]}
    validator = Draft202012Validator(rule)
    items = answer if isinstance(answer, list) else [answer]
    return [f"{e.json_path}: {e.message}" for item in items for e in validator.iter_errors(item)]


@pytest.fixture
async def vendor() -> AsyncIterator[httpx.AsyncClient]:
    speech = Speech(seed=7, word_error_rate=0.0)
    app = Starlette(routes=routes(speech, ElevenLabsConfig(speed=1000.0)))
    transport = httpx.ASGITransport(app)
    headers = {"xi-api-key": "k"}
    async with httpx.AsyncClient(
        transport=transport, base_url="http://speech", headers=headers
    ) as client:
        yield client


@pytest.mark.parametrize(("path", "model", "schema"), ANSWERS, ids=lambda value: str(value)[:40])
async def test_what_is_told_validates(
    vendor: httpx.AsyncClient, path: str, model: Any, schema: str
) -> None:
    answer = (await vendor.get(path)).json()
    TypeAdapter(model).validate_python(answer)
    assert violations(answer, schema) == []


def test_the_oracle_finds_what_is_wrong() -> None:
    assert violations({"tier": "scale"}, "ExtendedSubscriptionResponseModel")


async def test_a_transcript_validates(vendor: httpx.AsyncClient) -> None:
    audio = (await vendor.post(f"{SPEAK}?output_format=ulaw_8000", json={"text": TEXT})).content
    form = {"model_id": "scribe_v1", "webhook_metadata": "null", "entity_detection": "null"}
    answer = (await vendor.post("/v1/speech-to-text", data=form, files={"file": audio})).json()
    assert answer["text"] == TEXT
    types.SpeechToTextChunkResponseModel.model_validate(answer)
    assert violations(answer, "SpeechToTextChunkResponseModel") == []


@pytest.mark.parametrize("path", ["/with-timestamps", "/stream/with-timestamps"])
async def test_timed_speech_validates(vendor: httpx.AsyncClient, path: str) -> None:
    answer = await vendor.post(f"{SPEAK}{path}?output_format=ulaw_8000", json={"text": TEXT})
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert len(lines) == (1 if path == "/with-timestamps" else 2)
    for line in lines:
        types.StreamingAudioChunkWithTimestampsResponse.model_validate(line)
        assert violations(line, "StreamingAudioChunkWithTimestampsResponseModel") == []


@pytest.mark.parametrize("body", [{"words": TEXT}, [], "text"])
async def test_a_body_that_does_not_validate_is_answered_as_specified(
    vendor: httpx.AsyncClient, body: object
) -> None:
    answer = await vendor.post(f"{SPEAK}/stream", json=body)
    assert answer.status_code == 422
    assert violations(answer.json(), "HTTPValidationError") == []


async def test_every_path_and_method_is_one_of_the_vendors() -> None:
    paths = spec()["paths"]
    unknown = [
        (path, method)
        for route in routes(Speech(seed=7), ElevenLabsConfig())
        for path, methods in [(getattr(route, "path", ""), getattr(route, "methods", None) or ())]
        for method in methods
        if method != "HEAD" and method.lower() not in paths.get(path, {})
    ]
    assert unknown == []
