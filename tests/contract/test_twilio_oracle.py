"""The oracle must see what is wrong, or its silence means nothing."""

from typing import Any

import pytest

from tests.contract.twilio_oracle import check_request, check_response

ACCOUNT = "AC" + "a" * 32
CALLS = f"/2010-04-01/Accounts/{ACCOUNT}/Calls.json"
GOOD: dict[str, list[str]] = {
    "To": ["+14155550100"],
    "From": ["+14155550101"],
    "Url": ["https://example.com/voice"],
    "StatusCallbackEvent": ["initiated", "completed"],
    "Timeout": ["25"],
    "Record": ["false"],
    "MachineDetection": ["Enable"],
    "AsyncAmd": ["true"],
}


def test_a_good_request_passes() -> None:
    assert check_request("POST", CALLS, GOOD) == []


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"Method": ["PUT"]}, "PUT"),
        ({"Timeout": ["soon"]}, "soon"),
        ({"Record": ["maybe"]}, "maybe"),
        ({"Colour": ["red"]}, "unknown parameter Colour"),
        ({"Url": ["https://a.example", "https://b.example"]}, "Url was sent 2 times"),
    ],
)
def test_a_planted_fault_in_a_request_is_found(change: dict[str, list[str]], part: str) -> None:
    assert any(part in problem for problem in check_request("POST", CALLS, GOOD | change))


def test_a_missing_number_is_found() -> None:
    without = {name: values for name, values in GOOD.items() if name != "To"}
    assert check_request("POST", CALLS, without)


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"status": "initiated"}, "initiated"),
        ({"sid": "CA12"}, "CA12"),
        ({"duration": 15}, "15"),
        ({"date_created": "2026-11-22T07:40:00Z"}, "2026-11-22"),
    ],
)
def test_a_planted_fault_in_an_answer_is_found(change: dict[str, Any], part: str) -> None:
    good = {"sid": "CA" + "0" * 32, "status": "queued", "duration": None}
    assert check_response("POST", CALLS, 201, good) == []
    assert any(part in problem for problem in check_response("POST", CALLS, 201, good | change))


def test_a_wrong_status_code_and_a_thin_error_are_found() -> None:
    assert check_response("POST", CALLS, 200, {})
    assert check_response("POST", CALLS, 400, {"message": "no"})
    assert check_response("GET", "/2010-04-01/Nothing.json", 200, {})
