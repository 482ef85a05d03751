"""What is being said now?"""

import streamlit as st


def page() -> None:
    st.title("What is being said now?")


page()
