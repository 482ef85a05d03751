"""The head of a page about one campaign: its question, and which campaign."""

import streamlit as st

from app import components, session
from pipelines.metrics.frames import Campaign
from voice_ai.errors import VoiceAIError


def picked(question: str) -> Campaign | None:
    """The chosen campaign; None when there is none to choose, which the page then says."""
    head, picker = st.columns([3, 1], vertical_alignment="bottom")
    head.title(question)
    try:
        known = session.campaigns()
    except VoiceAIError as error:
        components.unreachable(error)
        return None
    if not known:
        components.no_campaign()
        return None
    names = [campaign.name for campaign in known]
    name = picker.selectbox("Campaign", names, key="campaign", bind="query-params")
    return next((one for one in known if one.name == name), known[0])
