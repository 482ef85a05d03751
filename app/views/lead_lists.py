"""Whom can we call?"""

import streamlit as st


def page() -> None:
    st.title("Whom can we call?")


page()
