"""What is being worked on?"""

import streamlit as st


def page() -> None:
    st.title("What is being worked on?")


page()
