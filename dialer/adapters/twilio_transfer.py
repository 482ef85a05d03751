"""What is answered while a call is handed to a colleague, in the carrier's language."""

from twilio.twiml.voice_response import Dial, VoiceResponse

# Long enough to hear the summary twice and find the key.
_WAIT_S = 8


def dial_twiml(
    number: str,
    *,
    caller_id: str,
    ring_s: int,
    max_talk_s: int,
    action: str,
    leg: str,
    language: str,
    first: str | None,
) -> str:
    """Rings `number` and connects it; what became of it goes to `action`, its states to `leg`."""
    response = VoiceResponse()
    if first is not None:
        response.say(first, language=language)
    dial = Dial(
        action=action, method="POST", timeout=ring_s, caller_id=caller_id, time_limit=max_talk_s
    )
    dial.number(number, status_callback=leg, status_callback_event="answered completed")
    response.append(dial)
    return str(response)


def wait_twiml(room: str, *, max_talk_s: int, action: str, language: str, first: str | None) -> str:
    """The person waits in a conference, with the carrier's music, until a colleague begins it."""
    response = VoiceResponse()
    if first is not None:
        response.say(first, language=language)
    dial = Dial(action=action, method="POST", time_limit=max_talk_s)
    dial.conference(
        room, beep="false", start_conference_on_enter=False, end_conference_on_exit=True
    )
    response.append(dial)
    return str(response)


def whisper_twiml(text: str, ask: str, action: str, language: str) -> str:
    """Says it to the colleague, and again; one key goes to `action`, silence ends the call."""
    response = VoiceResponse()
    gather = response.gather(num_digits=1, timeout=_WAIT_S, action=action, method="POST")
    for said in (text, ask, text, ask):
        gather.say(said, language=language)
    response.hangup()
    return str(response)


def join_twiml(room: str) -> str:
    """The colleague begins the conference; whoever leaves first ends it for both."""
    response = VoiceResponse()
    dial = Dial()
    dial.conference(room, beep="false", start_conference_on_enter=True, end_conference_on_exit=True)
    response.append(dial)
    response.hangup()
    return str(response)


def last_words_twiml(text: str, language: str) -> str:
    response = VoiceResponse()
    response.say(text, language=language)
    response.hangup()
    return str(response)
