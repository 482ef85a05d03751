"""How do conversations go?"""

import streamlit as st

st.title("How do conversations go?")
