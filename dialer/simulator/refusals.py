"""The carrier's error answers: code, HTTP status and sentence, as the real one words them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Refusal:
    """An answer that is not the resource asked for."""

    status: int
    code: int
    message: str

    def body(self) -> dict[str, str | int]:
        return {
            "code": self.code,
            "message": self.message,
            "more_info": f"https://www.twilio.com/docs/errors/{self.code}",
            "status": self.status,
        }


class RestError(Exception):
    """Ends a request with a refusal."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


def not_found(path: str) -> Refusal:
    return Refusal(404, 20404, f"The requested resource {path} was not found")


UNAUTHENTICATED = Refusal(401, 20003, "Authenticate")
RATE_LIMITED = Refusal(429, 20429, "Too Many Requests")
CONCURRENCY = Refusal(429, 10004, "Call concurrency limit exceeded")
BROKEN = Refusal(500, 20500, "Internal Server Error")
NOT_IN_PROGRESS = Refusal(400, 21220, "Call is not in-progress. Cannot redirect.")
NO_TO = Refusal(400, 21201, "No 'To' number is specified")
NO_FROM = Refusal(400, 21213, "No 'From' number is specified")
NO_URL = Refusal(400, 21205, "Url parameter is required.")
BAD_URL = Refusal(400, 21205, "Url is not a valid URL: it must be http or https")
BAD_FROM = Refusal(400, 21212, "The 'From' number is not a valid phone number")
BAD_TO = Refusal(400, 21211, "Invalid 'To' Phone Number")
SAME_NUMBERS = Refusal(400, 21211, "Invalid 'To' Phone Number: it is the 'From' number")
NO_BODY = Refusal(400, 21602, "Message body is required.")


def bad_parameter(name: str) -> Refusal:
    return Refusal(400, 20001, f"Invalid parameter: {name}")


# The documented magic numbers of the vendor's test credentials.
MAGIC_TO = {
    "+15005550001": Refusal(400, 21217, "Phone number does not appear to be valid"),
    "+15005550002": Refusal(400, 21214, "'To' phone number cannot be reached"),
    "+15005550003": Refusal(400, 21215, "Account not authorized to call this number"),
    "+15005550004": Refusal(400, 21216, "Account not allowed to call this number"),
    "+15005550009": Refusal(400, 21610, "Attempt to send to unsubscribed recipient"),
}
