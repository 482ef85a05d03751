"""A script that hands its calls over."""

_CLINIC_HELP = """
script: clinic_help
purpose: informational
start: opening
slots:
  seller: {required: true}
  callback_number: {required: true, speak: phone}
nodes:
  opening:
    identify: Hello, this is {seller}.
    disclose: I am an automated A I assistant on a recorded line.
    opt_out: Say stop or press nine to end these calls.
    ask: Would you like to talk to one of my colleagues?
    on: {yes: person, no: bye}
  person:
    say: I will connect you now.
    transfer: KIND
    else: later
  later:
    ask: Is it all right if somebody writes to you?
    on: {yes: bye, no: bye}
  bye:
    say: ["Our number is {callback_number}.", Thank you. Goodbye.]
    end: true
"""


def clinic_help(kind: str = "blind") -> str:
    """Asks whether they want to talk to a colleague; `kind` of transfer when they do."""
    return _CLINIC_HELP.replace("KIND", kind)
