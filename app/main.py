"""The entry that Streamlit runs: the pages and nothing else."""

from pathlib import Path

import streamlit as st

# A Material icon here would be fetched from another host.
_ICON = Path(__file__).parent / "icon.svg"

st.set_page_config(page_title="Voice AI", page_icon=str(_ICON), layout="wide")
st.navigation(
    [
        st.Page(
            "views/overview.py",
            title="Overview",
            icon=":material/monitoring:",
            url_path="overview",
            default=True,
        )
    ]
).run()
