"""Which models hear the calls?"""

import streamlit as st


def page() -> None:
    st.title("Which models hear the calls?")


page()
