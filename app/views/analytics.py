"""What works?"""

import streamlit as st


def page() -> None:
    st.title("What works?")


page()
