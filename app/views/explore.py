"""What would you like to know?"""

import streamlit as st

st.title("What would you like to know?")
