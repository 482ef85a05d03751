"""How shall the campaign call?"""

import streamlit as st


def page() -> None:
    st.title("How shall the campaign call?")


page()
