"""Prompts before they are needed: rendered when a campaign starts, kept in Postgres, sealed."""

import asyncio
from dataclasses import dataclass
from typing import Any

import psycopg
import psycopg_pool
import structlog

from dialer.adapters.elevenlabs import ElevenLabs, ElevenLabsSynthesis
from dialer.media.prompts import CachedVoice, PromptCache
from dialer.ports import Recording
from voice_ai.campaigns import Voice
from voice_ai.clock import Clock
from voice_ai.conversation.script import load_script, prompts
from voice_ai.db import queries
from voice_ai.db.connect import Pool
from voice_ai.vault import Keyring

log = structlog.get_logger()
_SQL = queries("prompts")
_LOOK_EVERY_S = 1.0
_TROUBLE = (psycopg.OperationalError, psycopg_pool.PoolTimeout)


@dataclass(frozen=True)
class PostgresPrompts:
    """The durable store of rendered prompts; sealed, because a prompt may hold a name."""

    pool: Pool
    keyring: Keyring
    clock: Clock

    async def get(self, digest: str) -> Recording | None:
        async with self.pool.connection() as db:
            row = await (await db.execute(_SQL.get_prompt, {"sha256": digest})).fetchone()
        if row is None:
            return None
        return Recording(self.keyring.decrypt(row["audio_sealed"]), tuple(row["ends_ms"] or ()))

    async def put(self, digest: str, *, voice: str, model: str, said: Recording) -> None:
        async with self.pool.connection() as db:
            await db.execute(
                _SQL.put_prompt,
                {
                    "sha256": digest,
                    "voice": voice,
                    "model": model,
                    "audio_sealed": self.keyring.encrypt(said.audio),
                    "ends_ms": list(said.ends_ms) or None,
                    "now": self.clock.now(),
                },
            )


async def keep_prompts_ready(
    pool: Pool, keyring: Keyring, speech: ElevenLabs, cache: PromptCache
) -> None:
    """Renders the fixed prompts of each campaign version once it runs, ahead of its calls."""
    done: set[tuple[Any, int]] = set()
    while True:
        try:
            async with pool.connection() as db:
                rows = await (await db.execute(_SQL.running_scripts)).fetchall()
        except _TROUBLE:
            rows = []
        for row in rows:
            version = (row["campaign_id"], row["version"])
            if version not in done:
                done.add(version)
                await _render(keyring, speech, cache, row)
        await asyncio.sleep(_LOOK_EVERY_S)


async def _render(
    keyring: Keyring, speech: ElevenLabs, cache: PromptCache, row: dict[str, Any]
) -> None:
    config = row["config"]
    callback = keyring.decrypt(row["callback_sealed"]).decode() if row["callback_sealed"] else None
    slots = {**config["slots"], "seller": row["legal_name"], "callback_number": callback}
    script = load_script(row["script"], source=row["script_name"])
    said, failed = prompts(script, slots), 0
    for voice in voices_of(speech, Voice.model_validate(config["voice"])):
        failed += await CachedVoice(voice, cache=cache).render_ahead(said)
    log.info("prompts_ready", campaign=str(row["campaign_id"]), not_rendered=failed)


def voices_of(speech: ElevenLabs, voice: Voice) -> tuple[ElevenLabsSynthesis, ...]:
    """The campaign's voice, and the one that speaks when it fails."""
    ids = (voice.voice_id, voice.other_voice_id)
    return tuple(speech.voice(voice_id) for voice_id in ids if voice_id is not None)
