"""The lake as the pages see it: the newest commit with the hot tail, read once for all sessions."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

import streamlit as st

from app import components, session
from pipelines.lake import manifest as commits
from pipelines.lake.batch import Batch
from pipelines.lake.read import Lake
from pipelines.lake.store import open_store
from pipelines.lake.sync import tail
from pipelines.report.labels import moment
from voice_ai.context import Context
from voice_ai.db.connect import connect
from voice_ai.errors import Refused, VoiceAIError

KEPT = 10.0  # seconds: an analyst's page may be that old, and says when it was read


@dataclass(frozen=True)
class Seen:
    """`at`: campaign clock's time of the reading; `tail`: finished calls in no commit yet."""

    lake: Lake
    at: datetime
    tail: int

    @property
    def sentence(self) -> str:
        """How fresh the numbers are."""
        made = self.lake.manifest
        if made is None:
            return f"As of {moment(self.at)} · the lake has no commit yet"
        late = f" and {self.tail:,} calls since" if self.tail else ""
        return f"As of {moment(self.at)} · lake commit {made.number:,}{late}"


@st.cache_resource(ttl=KEPT, show_spinner="Reading the lake …")
def seen() -> Seen:
    """Raises VoiceAIError."""
    return read(session.context())


def read(context: Context) -> Seen:
    """The newest commit, and over it what finished since. Raises VoiceAIError."""
    store = open_store(context.settings.lake_url, context.settings.home)
    lake, now = Lake(store, commits.newest(store)), context.clock.now()
    late = _tail(context, lake, now)
    return Seen(lake.with_tail(late), now, late.table("attempts").height if late else 0)


def _tail(context: Context, lake: Lake, now: datetime) -> Batch | None:
    """What the next commit would hold; None for a lake that is not of this database, which is read
    as it is: a made-up history, or one that waits for a rebuild."""
    made = lake.manifest
    if made is not None and made.made_up:
        return None
    url = context.role_url("app")
    with connect(url, name="voice-ai app lake", autocommit=True) as db, suppress(Refused):
        return tail(db, made, now)
    return None


def opened() -> Seen | None:
    """None when the lake or the database does not answer, which the page then says."""
    try:
        return seen()
    except VoiceAIError as error:
        components.unreachable(error)
        return None
