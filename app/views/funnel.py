"""Where do leads fall out?"""

import streamlit as st

st.title("Where do leads fall out?")
