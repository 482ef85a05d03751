"""Checks of what mailboxes and screeners are told: as lawful as what a person hears first."""

from collections.abc import Iterator

from voice_ai.conversation.graph import Script
from voice_ai.conversation.source import Path
from voice_ai.conversation.tongues import tongue_of

Fault = tuple[Path, str]


def check_unattended(script: Script) -> Iterator[Fault]:
    tongue = tongue_of(script.language)
    for place, texts in (("voicemail", script.voicemail), ("screener", script.screener)):
        if not texts:
            continue
        if "{seller}" not in texts[0]:
            yield (place,), "its first sentence must say who calls: add {seller} to it."
        if not tongue.is_ai.search(" ".join(texts)):
            yield (
                (place,),
                "it must say that the caller is an A I assistant; add such a sentence.",
            )
    yield from _opt_out(script)


def _opt_out(script: Script) -> Iterator[Fault]:
    """A message cannot be answered, so it names the number at which the calls can be stopped."""
    if not script.voicemail:
        return
    said = " ".join(script.voicemail)
    if "{callback_number}" not in said:
        yield (
            ("voicemail",),
            "it must say how to stop these calls: add the number {callback_number}.",
        )
    elif not tongue_of(script.language).stops_calls.search(said):
        yield (
            ("voicemail",),
            "it must say what the number is for: add for example "
            "“To stop these calls, call {callback_number}.”",
        )
