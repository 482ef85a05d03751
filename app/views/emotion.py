"""How do people feel, and what comes of it?"""

import streamlit as st

st.title("How do people feel, and what comes of it?")
