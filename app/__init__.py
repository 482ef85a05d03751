"""Streamlit pages. They read through one role, and ask by writing a row; they call nobody."""
