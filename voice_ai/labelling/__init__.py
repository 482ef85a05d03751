"""Turns that people label: which are drawn, and what their labels come to. Pure."""
