"""What happened in this call?"""

import streamlit as st


def page() -> None:
    st.title("What happened in this call?")


page()
