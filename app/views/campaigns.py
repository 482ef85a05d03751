"""Which campaigns are there?"""

import streamlit as st


def page() -> None:
    st.title("Which campaigns are there?")


page()
