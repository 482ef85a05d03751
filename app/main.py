"""The entry that Streamlit runs: the pages and nothing else."""

from pathlib import Path

import streamlit as st
from streamlit.navigation.page import StreamlitPage

# A Material icon here would be fetched from another host.
_ICON = Path(__file__).parent / "icon.svg"


def _page(file: str, title: str, icon: str, *, default: bool = False) -> StreamlitPage:
    return st.Page(
        f"views/{file}.py",
        title=title,
        icon=f":material/{icon}:",
        url_path=file.replace("_", "-"),
        default=default,
    )


st.set_page_config(page_title="Voice AI", page_icon=str(_ICON), layout="wide")
st.navigation(
    {
        "Today": [_page("today", "Today", "today", default=True)],
        "Campaigns": [
            _page("campaigns", "All campaigns", "campaign"),
            _page("campaign", "One campaign", "monitoring"),
            _page("preflight", "Pre-flight", "flight_takeoff"),
            _page("waterfall", "Why not called", "waterfall_chart"),
            _page("caller_ids", "Caller ids", "dialpad"),
            _page("campaign_edit", "Create or edit", "edit_note"),
        ],
        "Leads": [
            _page("lead_import", "Import", "upload_file"),
            _page("lead_lists", "Lists and imports", "lists"),
            _page("lead", "One lead", "person"),
            _page("do_not_call", "Do not call", "block"),
        ],
        "Calls": [
            _page("live", "Live", "graphic_eq"),
            _page("calls", "Finished calls", "call_log"),
            _page("call", "One call", "call"),
            _page("listening", "Listening", "headphones"),
        ],
        "Analytics": [
            _page("overview", "Overview", "insights"),
            _page("funnel", "Funnel", "filter_alt"),
            _page("when_to_call", "When to call", "schedule"),
            _page("conversations", "Conversations", "forum"),
            _page("emotion", "Emotion", "mood"),
            _page("experiments", "Experiments", "science"),
            _page("costs", "Costs", "payments"),
            _page("explore", "Explore", "query_stats"),
            _page("reports", "Reports", "summarize"),
        ],
        "Models": [
            _page("models", "Models", "neurology"),
            _page("model_version", "One version", "deployed_code"),
            _page("model_watch", "Watch", "troubleshoot"),
            _page("labelling", "Labelling", "label"),
        ],
        "System": [
            _page("health", "Health", "monitor_heart"),
            _page("flows", "Flows", "account_tree"),
            _page("commands_log", "Commands", "history"),
        ],
    }
).run()
