"""Who asked for what?"""

import streamlit as st


def page() -> None:
    st.title("Who asked for what?")


page()
