"""Which leads are in this file?"""

import streamlit as st


def page() -> None:
    st.title("Which leads are in this file?")


page()
