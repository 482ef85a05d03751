"""What needs attention?"""

import streamlit as st


def page() -> None:
    st.title("What needs attention?")


page()
