"""What does a result cost?"""

import streamlit as st

st.title("What does a result cost?")
