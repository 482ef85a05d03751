"""The lake as the pages see it: the newest commit with the hot tail, read once for all sessions."""

from dataclasses import dataclass
from datetime import datetime

import streamlit as st

from app import components, session
from pipelines.lake import manifest as commits
from pipelines.lake.read import Lake
from pipelines.lake.store import open_store
from pipelines.report.labels import moment
from voice_ai.errors import VoiceAIError

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
    context = session.context()
    store = open_store(context.settings.lake_url, context.settings.home)
    lake = Lake(store, commits.newest(store))
    return Seen(lake, context.clock.now(), 0)


def opened() -> Seen | None:
    """None when the lake or the database does not answer, which the page then says."""
    try:
        return seen()
    except VoiceAIError as error:
        components.unreachable(error)
        return None
