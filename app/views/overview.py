"""What works, and what moved?"""

import streamlit as st

st.title("What works, and what moved?")
