"""Which wording works better?"""

import streamlit as st

st.title("Which wording works better?")
