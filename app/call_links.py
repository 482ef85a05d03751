"""From a figure to the calls behind it."""

import streamlit as st

from app.slice_picker import ALL, Picked


def calls_link(picked: Picked, label: str, **filters: str) -> None:
    """To the rows behind a figure, with the filters that page takes."""
    part = picked.part
    query = dict(filters)
    if picked.label != ALL:
        query["campaign"] = picked.label
    if part.since:
        query["since"] = part.since.isoformat()
    if part.until:
        query["until"] = part.until.isoformat()
    st.page_link("views/calls.py", label=label, icon=":material/call:", query_params=query)
