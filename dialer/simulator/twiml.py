"""TwiML: from a document to the verbs this carrier can run; anything else is an error 12xxx."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit
from xml.etree import ElementTree

_LONGEST = 64 * 1024
PARSE_FAILURE = 12100
SCHEMA_WARNING = 12200
INVALID_URL = 11100


class TwimlError(Exception):
    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True)
class Say:
    text: str
    voice: str
    loop: int


@dataclass(frozen=True)
class Play:
    url: str
    loop: int


@dataclass(frozen=True)
class Pause:
    seconds: float


@dataclass(frozen=True)
class Hangup:
    pass


@dataclass(frozen=True)
class Reject:
    reason: str


@dataclass(frozen=True)
class Redirect:
    url: str
    method: str


@dataclass(frozen=True)
class Gather:
    """`prompts` are said while the person may already press, or speak where `speech` is asked for.

    A person who calls in speaks (`inbound`); the callees of this carrier only press keys.
    """

    prompts: tuple["Say | Play | Pause", ...]
    action: str | None
    method: str
    timeout: float
    num_digits: int | None
    finish_on_key: str
    action_on_empty: bool
    speech: bool = False


@dataclass(frozen=True)
class ConnectStream:
    """A bidirectional Media Stream; `url` has lost its query, as the real carrier loses it."""

    url: str
    name: str | None
    parameters: Mapping[str, str]
    status_callback: str | None
    status_method: str
    action: str | None
    action_method: str


@dataclass(frozen=True)
class ConnectRelay:
    """A ConversationRelay session; `interrupted_by` holds speech, dtmf, both or neither."""

    url: str
    parameters: Mapping[str, str]
    voice: str
    language: str
    welcome_greeting: str
    interrupted_by: frozenset[str]
    reports_over_agent: bool
    ignores_backchannel: bool
    partial_prompts: bool
    dtmf: bool
    action: str | None
    action_method: str


@dataclass(frozen=True)
class DialNumber:
    """Rings a number and connects it; the verb is over when either of the two hangs up."""

    number: str
    caller_id: str | None
    timeout: float
    time_limit: float
    action: str | None
    method: str
    status_callback: str | None
    status_events: frozenset[str]
    status_method: str


@dataclass(frozen=True)
class DialConference:
    name: str
    starts: bool
    ends: bool
    time_limit: float
    action: str | None
    method: str


Verb = (
    Say
    | Play
    | Pause
    | Hangup
    | Reject
    | Redirect
    | Gather
    | ConnectStream
    | ConnectRelay
    | DialNumber
    | DialConference
)


def parse_twiml(document: str) -> tuple[Verb, ...]:
    """The verbs of a `<Response>`. Raises TwimlError for what Twilio or this carrier refuses."""
    if len(document) > _LONGEST:
        raise TwimlError(11750, "Response body too large")
    if "<!" in document.replace("<!--", ""):
        raise TwimlError(PARSE_FAILURE, "Document parse failure: declarations are not accepted")
    try:
        root = ElementTree.fromstring(document.strip())
    except ElementTree.ParseError as error:
        raise TwimlError(PARSE_FAILURE, f"Document parse failure: {error}") from error
    if root.tag != "Response":
        raise TwimlError(PARSE_FAILURE, "Document parse failure: the root must be <Response>")
    return tuple(_verb(element) for element in root)


def _verb(element: ElementTree.Element) -> Verb:
    reader = _READERS.get(element.tag)
    if reader is None:
        raise TwimlError(SCHEMA_WARNING, f"Schema validation warning: <{element.tag}>")
    return reader(element)


def _text(element: ElementTree.Element) -> str:
    return " ".join("".join(element.itertext()).split())


def _number(element: ElementTree.Element, name: str, default: float) -> float:
    try:
        value = float(element.get(name, default))
    except ValueError:
        value = -1.0
    if value < 0:
        raise TwimlError(SCHEMA_WARNING, f"Schema validation warning: {element.tag} {name}")
    return value


def _method(element: ElementTree.Element, name: str = "method") -> str:
    method = element.get(name, "POST").upper()
    if method not in {"GET", "POST"}:
        raise TwimlError(SCHEMA_WARNING, f"Schema validation warning: {element.tag} {name}")
    return method


def _say(element: ElementTree.Element) -> Say:
    voice = element.get("voice", "woman")
    return Say(_text(element), voice, int(_number(element, "loop", 1)))


def _play(element: ElementTree.Element) -> Play:
    if element.get("digits"):
        raise TwimlError(SCHEMA_WARNING, "Schema validation warning: Play digits")
    return Play(_text(element), int(_number(element, "loop", 1)))


def _pause(element: ElementTree.Element) -> Pause:
    return Pause(_number(element, "length", 1))


def _redirect(element: ElementTree.Element) -> Redirect:
    return Redirect(_text(element), _method(element))


def _gather(element: ElementTree.Element) -> Gather:
    asked = set(element.get("input", "dtmf").split())
    if asked not in ({"dtmf"}, {"dtmf", "speech"}):
        raise TwimlError(SCHEMA_WARNING, "Schema validation warning: Gather input")
    prompts = [_verb(child) for child in element]
    spoken = tuple(prompt for prompt in prompts if isinstance(prompt, Say | Play | Pause))
    if len(spoken) != len(prompts):
        raise TwimlError(SCHEMA_WARNING, "Schema validation warning: Gather content")
    digits = element.get("numDigits")
    return Gather(
        prompts=spoken,
        action=element.get("action"),
        method=_method(element),
        timeout=_number(element, "timeout", 5),
        num_digits=None if digits is None else int(_number(element, "numDigits", 1)),
        finish_on_key=element.get("finishOnKey", "#"),
        action_on_empty=element.get("actionOnEmptyResult", "false") == "true",
        speech="speech" in asked,
    )


def _connect(element: ElementTree.Element) -> ConnectStream | ConnectRelay:
    children = list(element)
    reader = _CONNECTED.get(children[0].tag) if len(children) == 1 else None
    if reader is None:
        names = ", ".join(child.tag for child in children) or "nothing"
        raise TwimlError(SCHEMA_WARNING, f"Schema validation warning: Connect with {names}")
    return reader(element, children[0])


def _socket_address(noun: ElementTree.Element) -> SplitResult:
    address = urlsplit(noun.get("url", ""))
    if address.scheme not in {"ws", "wss"} or not address.netloc:
        raise TwimlError(INVALID_URL, f"Invalid URL format: {noun.tag} url")
    return address


def _parameters(noun: ElementTree.Element) -> Mapping[str, str]:
    return {
        child.get("name", ""): child.get("value", "") for child in noun if child.tag == "Parameter"
    }


def _stream(element: ElementTree.Element, stream: ElementTree.Element) -> ConnectStream:
    return ConnectStream(
        url=_socket_address(stream)._replace(query="", fragment="").geturl(),
        name=stream.get("name"),
        parameters=_parameters(stream),
        status_callback=stream.get("statusCallback"),
        status_method=_method(stream, "statusCallbackMethod"),
        action=element.get("action"),
        action_method=_method(element),
    )


def _relay(element: ElementTree.Element, relay: ElementTree.Element) -> ConnectRelay:
    provider = relay.get("ttsProvider", "ElevenLabs")
    if provider not in {"ElevenLabs", "Google", "Amazon"}:
        raise TwimlError(64101, f"Invalid values for ConversationRelay: ttsProvider {provider}")
    over = _inputs(relay, "reportInputDuringAgentSpeech", "none")
    return ConnectRelay(
        url=_socket_address(relay).geturl(),
        parameters=_parameters(relay),
        voice=relay.get("voice", "default"),
        language=relay.get("language", "en-US"),
        welcome_greeting=relay.get("welcomeGreeting", ""),
        interrupted_by=_inputs(relay, "interruptible", "any"),
        reports_over_agent="speech" in over,
        ignores_backchannel=relay.get("ignoreBackchannel") == "true",
        partial_prompts=relay.get("partialPrompts") == "true",
        dtmf=relay.get("dtmfDetection") == "true",
        action=element.get("action"),
        action_method=_method(element),
    )


def _inputs(relay: ElementTree.Element, name: str, default: str) -> frozenset[str]:
    found = _INPUTS.get(relay.get(name, default))
    if found is None:
        raise TwimlError(64101, f"Invalid values for ConversationRelay: {name}")
    return found


_INPUTS: Mapping[str, frozenset[str]] = {
    "none": frozenset(),
    "false": frozenset(),
    "speech": frozenset({"speech"}),
    "dtmf": frozenset({"dtmf"}),
    "any": frozenset({"speech", "dtmf"}),
    "true": frozenset({"speech", "dtmf"}),
}
_CONNECTED: Mapping[
    str, Callable[[ElementTree.Element, ElementTree.Element], ConnectStream | ConnectRelay]
] = {"Stream": _stream, "ConversationRelay": _relay}


def _truth(element: ElementTree.Element, name: str, default: str) -> bool:
    value = element.get(name, default)
    if value not in {"true", "false"}:
        raise TwimlError(SCHEMA_WARNING, f"Schema validation warning: {element.tag} {name}")
    return value == "true"


def _dial(element: ElementTree.Element) -> DialNumber | DialConference:
    children = list(element)
    if len(children) != 1 or children[0].tag not in {"Number", "Conference"}:
        names = ", ".join(child.tag for child in children) or "no noun"
        raise TwimlError(SCHEMA_WARNING, f"Schema validation warning: Dial with {names}")
    noun = children[0]
    limit = _number(element, "timeLimit", 14400)
    action, method = element.get("action"), _method(element)
    if noun.tag == "Conference":
        return DialConference(
            name=_text(noun),
            starts=_truth(noun, "startConferenceOnEnter", "true"),
            ends=_truth(noun, "endConferenceOnExit", "false"),
            time_limit=limit,
            action=action,
            method=method,
        )
    if noun.get("url"):
        raise TwimlError(SCHEMA_WARNING, "Schema validation warning: Number url")
    return DialNumber(
        number=_text(noun),
        caller_id=element.get("callerId"),
        timeout=_number(element, "timeout", 30),
        time_limit=limit,
        action=action,
        method=method,
        status_callback=noun.get("statusCallback"),
        status_events=frozenset(noun.get("statusCallbackEvent", "completed").split()),
        status_method=_method(noun, "statusCallbackMethod"),
    )


_READERS: Mapping[str, Callable[[ElementTree.Element], Verb]] = {
    "Say": _say,
    "Play": _play,
    "Pause": _pause,
    "Hangup": lambda _: Hangup(),
    "Reject": lambda element: Reject(element.get("reason", "rejected")),
    "Redirect": _redirect,
    "Gather": _gather,
    "Connect": _connect,
    "Dial": _dial,
}
