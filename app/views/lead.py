"""What happened to this lead?"""

import streamlit as st


def page() -> None:
    st.title("What happened to this lead?")


page()
