"""Keeps the served models as the registry's aliases say, and tells what is wrong."""

from collections.abc import Mapping
from datetime import datetime

import psycopg
import structlog

from ml.lifecycle import Lifecycle
from ml.sync import sync, tell
from voice_ai.db.connect import connect
from voice_ai.errors import NotAvailable
from voice_ai.store.model_trail import ModelTrail

log = structlog.get_logger()


class ModelsInStep:
    """One look after the other; the database is only asked when there is news for it."""

    def __init__(self, lifecycle: Lifecycle, url: str) -> None:
        self._lifecycle = lifecycle
        self._url = url
        self._told: Mapping[str, str] | None = None

    def look(self, now: datetime) -> tuple[str, ...]:
        """Blocks for as long as the registry takes; what changed, in sentences."""
        synced = sync(self._lifecycle)
        for news in synced.news:
            log.info("models", news=news)
        trail = ModelTrail(self._lifecycle.home)
        if synced.alerts == self._told and not trail.waiting():
            return synced.news
        try:
            with connect(self._url, name="voice-ai models", autocommit=True) as db:
                tell(db, synced, now=now)
                trail.deliver(db)
            self._told = synced.alerts
        except (NotAvailable, psycopg.Error) as error:  # told at the next look
            log.warning("models_not_told", reason=str(error).strip().splitlines()[:1])
        return synced.news
