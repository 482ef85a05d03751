"""How the speech of a call reaches us, and what a script must leave out on the way that records
nothing.
"""

import re
from itertools import product
from typing import Literal

from voice_ai.conversation.graph import OPENING_PARTS, Node, Script

Transport = Literal["media_streams", "conversation_relay"]
MEDIA_STREAMS: Transport = "media_streams"
CONVERSATION_RELAY: Transport = "conversation_relay"

ABOUT = (
    "media_streams: audio comes to us; or conversation_relay: the carrier hears and speaks and"
    " only text comes, so no recording of ours, no emotion from the voice, no turn-taking of ours"
)
_ON_A_RECORDED_LINE = re.compile(r",? on a recorded line\b", re.IGNORECASE)
_RECORDING = re.compile(r"\brecord", re.IGNORECASE)


def for_transport(script: Script, transport: str) -> Script:
    """The script as it is spoken there: what is not recorded is not announced as recorded.

    The `recording` sentence and the words "on a recorded line" are left out; `find_misfit` has
    seen to it that no other words announce a recording. The carrier hears one language only, so
    there the script has no translations.
    """
    if transport == MEDIA_STREAMS:
        return script
    if len(script.wordings) == 1:
        return _unrecorded(script)
    spoken = {
        wording: _unrecorded(worded)
        for wording, worded in script.wordings.items()
        if wording[1] is None
    }
    return script.with_wordings(spoken)


def _unrecorded(script: Script) -> Script:
    if not script.recorded:
        return script
    nodes = {**script.nodes, script.start: _unannounced(script.nodes[script.start])}
    return script.model_copy(update={"recorded": False, "nodes": nodes})


def find_misfit(script: Script, transport: str, *, transfers: bool = False) -> str | None:
    """Why this script cannot be spoken over that transport; None when it can."""
    if transport == MEDIA_STREAMS:
        return None
    if transfers:
        return (
            f"with {transport} a call that nobody takes could not come back; leave `transfer` out"
            f" or use `transport: {MEDIA_STREAMS}`"
        )
    if not script.recorded:
        return None
    spoken = for_transport(script, transport).wordings.values()
    for start, part in product((worded.nodes[script.start] for worded in spoken), OPENING_PARTS):
        if _RECORDING.search(getattr(start, part) or ""):
            return (
                f"{transport} records nothing of ours, and the script's `{part}` announces a"
                " recording; move that to a `recording` sentence, which is then left out, or set"
                " `recorded: no` in the script and take the words out"
            )
    return None


def _unannounced(start: Node) -> Node:
    parts = {part: getattr(start, part) for part in OPENING_PARTS if part != "recording"}
    words = {
        part: _ON_A_RECORDED_LINE.sub("", text) for part, text in parts.items() if text is not None
    }
    return start.model_copy(update={**words, "recording": None})
