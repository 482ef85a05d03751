"""Does everything run?"""

import streamlit as st


def page() -> None:
    st.title("Does everything run?")


page()
