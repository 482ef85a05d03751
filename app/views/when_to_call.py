"""When do people pick up?"""

import streamlit as st

st.title("When do people pick up?")
