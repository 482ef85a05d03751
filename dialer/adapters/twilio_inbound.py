"""What is answered to messages and calls to our numbers, in the carrier's language."""

from twilio.twiml.messaging_response import MessagingResponse
from twilio.twiml.voice_response import VoiceResponse

# Long enough to look for the key, short enough not to be taken for a dead line.
_WAIT_S = 6


def reply_twiml(text: str | None) -> str:
    """One message back; None: no answer, so that two machines do not write to each other."""
    response = MessagingResponse()
    if text is not None:
        response.message(text)
    return str(response)


def ask_twiml(text: str, action: str) -> str:
    """Says `text`; a key pressed or words said go to `action`, and silence goes there, too."""
    response = VoiceResponse()
    gather = response.gather(
        input="dtmf speech",
        num_digits=1,
        timeout=_WAIT_S,
        speech_timeout="auto",
        action=action,
        method="POST",
        action_on_empty_result=True,
    )
    gather.say(text)
    return str(response)


def ask_number_twiml(text: str, action: str) -> str:
    """Says `text`; the digits typed up to # go to `action`."""
    response = VoiceResponse()
    gather = response.gather(
        input="dtmf",
        finish_on_key="#",
        timeout=_WAIT_S,
        action=action,
        method="POST",
        action_on_empty_result=True,
    )
    gather.say(text)
    return str(response)


def say_twiml(text: str) -> str:
    """Says `text` and hangs up."""
    response = VoiceResponse()
    response.say(text)
    response.hangup()
    return str(response)
