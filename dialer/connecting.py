"""What an answered call is connected to: audio or text, as its campaign says."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from dialer.adapters.twilio import relay_twiml, stream_twiml
from dialer.callbacks import CallbackUrls
from voice_ai.conversation.graph import Script
from voice_ai.conversation.script import load_script
from voice_ai.db import queries
from voice_ai.db.connect import AsyncDb
from voice_ai.ids import AttemptId
from voice_ai.transports import CONVERSATION_RELAY

_SQL = queries("attempts")


async def connect_twiml(db: AsyncDb, urls: CallbackUrls, attempt_id: AttemptId) -> str:
    """For an attempt that exists."""
    row = await (await db.execute(_SQL.answer_setup, {"attempt_id": attempt_id})).fetchone()
    assert row is not None
    parameters = {"attempt_id": str(attempt_id), "token": urls.token(attempt_id)}
    if row["transport"] != CONVERSATION_RELAY:
        return stream_twiml(urls.media(), parameters)
    return relay_twiml(
        urls.relay(),
        urls.relay_over(attempt_id),
        language=script_of(row).language,
        voice=row["voice_id"],
        parameters=parameters,
    )


def script_of(row: Mapping[str, Any]) -> Script:
    """The script of a row of `campaign_versions`, read once for many calls."""
    return _script(row["script"], row["script_name"])


@lru_cache(maxsize=64)
def _script(text: str, name: str) -> Script:
    return load_script(text, source=name)
