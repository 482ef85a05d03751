"""How did calls end?"""

import streamlit as st


def page() -> None:
    st.title("How did calls end?")


page()
