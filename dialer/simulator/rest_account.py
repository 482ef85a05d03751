"""The account itself, its balance and numbers, and number look-ups."""

import re

import phonenumbers
from phonenumbers import PhoneNumberFormat, ValidationResult
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from dialer.simulator.draws import Draws
from dialer.simulator.exchange import Caller, Exchange
from dialer.simulator.rendering import API, VERSION, formatted, price_of, rfc2822, stable_sid
from dialer.simulator.rest import answer, authenticated, page
from dialer.simulator.rest_calls import ACCOUNT

_E164 = re.compile(r"\+[1-9]\d{6,14}")
_STARTING_BALANCE = 1000.0
# The one number that is always there: the vendor's valid test number.
_TEST_NUMBER = "+15005550006"
_LINE_TYPES = {"mobile": 0.55, "landline": 0.25, "fixedVoip": 0.1, "nonFixedVoip": 0.1}
_PROBLEMS = {
    ValidationResult.TOO_SHORT: "TOO_SHORT",
    ValidationResult.TOO_LONG: "TOO_LONG",
    ValidationResult.INVALID_LENGTH: "INVALID_LENGTH",
    ValidationResult.INVALID_COUNTRY_CODE: "INVALID_COUNTRY_CODE",
}
_FIELDS = (
    "caller_name", "sim_swap", "call_forwarding", "line_status", "line_type_intelligence",
    "identity_match", "reassigned_number", "sms_pumping_risk", "phone_number_quality_score",
    "pre_fill",
)  # fmt: skip


class AccountEndpoints:
    """Handlers over one exchange."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._since = exchange.clock.now()

    async def fetch(self, request: Request, caller: Caller) -> Response:
        uri = f"{API}/Accounts/{caller.account_sid}"
        names = ("calls", "messages", "recordings", "incoming_phone_numbers")
        return answer(
            {
                "sid": caller.account_sid,
                "auth_token": None,
                "friendly_name": "Voice AI simulator",
                "owner_account_sid": caller.account_sid,
                "status": "active",
                "type": "Full",
                "date_created": rfc2822(self._since),
                "date_updated": rfc2822(self._since),
                "uri": f"{uri}.json",
                "subresource_uris": {
                    name: f"{uri}/{name.title().replace('_', '')}.json" for name in names
                },
            }
        )

    async def balance(self, request: Request, caller: Caller) -> Response:
        prices = (price_of(call) for call in self._exchange.calls(caller.account_sid, None))
        spent = sum(float(price) for price in prices if price is not None)
        return answer(
            {
                "account_sid": caller.account_sid,
                "balance": f"{_STARTING_BALANCE + spent:.4f}",
                "currency": "USD",
            }
        )

    async def numbers(self, request: Request, caller: Caller) -> Response:
        calls = self._exchange.calls(caller.account_sid, None)
        known = dict.fromkeys([_TEST_NUMBER, *(call.order.sender for call in calls)])
        asked = request.query_params.get("PhoneNumber", "")
        found = [number for number in known if asked in number]
        # Calls may show any number here, so any number that is asked for in full is the account's.
        if not found and _E164.fullmatch(asked):
            found = [asked]
        return page(
            request, "incoming_phone_numbers", found, lambda number: self._number(caller, number)
        )

    async def verified(self, request: Request, caller: Caller) -> Response:
        """Numbers of others that the account may show: it needs none."""
        nobody: list[str] = []
        return page(request, "outgoing_caller_ids", nobody, lambda _: {})

    def _number(self, caller: Caller, number: str) -> dict[str, object]:
        sid = stable_sid("PN", caller.account_sid, number)
        return {
            "sid": sid,
            "account_sid": caller.account_sid,
            "phone_number": number,
            "friendly_name": formatted(number),
            "address_requirements": "none",
            "api_version": VERSION,
            "beta": False,
            "capabilities": {"voice": True, "sms": True, "mms": True, "fax": False},
            "date_created": rfc2822(self._since),
            "date_updated": rfc2822(self._since),
            "origin": "twilio",
            "voice_receive_mode": "voice",
            "status": "in-use",
            "uri": f"{API}/Accounts/{caller.account_sid}/IncomingPhoneNumbers/{sid}.json",
        }

    async def lookup(self, request: Request, caller: Caller) -> Response:
        raw = request.path_params["number"]
        fields = set(request.query_params.get("Fields", "").split(","))
        shown: dict[str, object] = dict.fromkeys(_FIELDS)
        shown |= {
            "calling_country_code": None,
            "country_code": None,
            "phone_number": raw,
            "national_format": None,
            "valid": False,
            "validation_errors": ["NOT_A_NUMBER"],
            "url": f"https://lookups.twilio.com/v2/PhoneNumbers/{raw}",
        }
        region = request.query_params.get("CountryCode", "US").upper()
        try:
            number = phonenumbers.parse(raw, region)
        except phonenumbers.NumberParseException:
            return answer(shown)
        e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
        valid = phonenumbers.is_valid_number(number)
        reason = phonenumbers.is_possible_number_with_reason(number)
        shown |= {
            "phone_number": e164,
            "valid": valid,
            "validation_errors": [] if valid else [_PROBLEMS.get(reason, "INVALID_BUT_POSSIBLE")],
        }
        if valid:
            shown |= {
                "calling_country_code": str(number.country_code),
                "country_code": phonenumbers.region_code_for_number(number),
                "national_format": phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL),
                **self._intelligence(e164, fields),
            }
        return answer(shown)

    def _intelligence(self, number: str, fields: set[str]) -> dict[str, object]:
        """Paid fields, drawn from seed and number."""
        draws = Draws.about(self._exchange.config.seed, number, "lookup")
        known: dict[str, dict[str, object]] = {
            "line_type_intelligence": {
                "mobile_country_code": "311",
                "mobile_network_code": "180",
                "carrier_name": "Simulated Wireless",
                "type": draws.weighted(_LINE_TYPES, "type"),
                "error_code": None,
            },
            "line_status": {"status": "active", "error_code": None},
            "reassigned_number": {
                "last_verified_date": self._since.strftime("%Y%m%d"),
                "is_number_reassigned": "yes" if draws.chance(0.03, "reassigned") else "no",
                "error_code": None,
            },
        }
        return {name: value for name, value in known.items() if name in fields}


def account_routes(exchange: Exchange) -> list[BaseRoute]:
    """Account, balance, numbers; look-ups answer at their path on any host."""
    account = AccountEndpoints(exchange)
    table = [
        (f"{ACCOUNT}.json", account.fetch),
        (f"{ACCOUNT}/Balance.json", account.balance),
        (f"{ACCOUNT}/IncomingPhoneNumbers.json", account.numbers),
        (f"{ACCOUNT}/OutgoingCallerIds.json", account.verified),
        ("/v2/PhoneNumbers/{number}", account.lookup),
    ]
    token = exchange.config.auth_token
    return [Route(path, authenticated(handler, token)) for path, handler in table]
