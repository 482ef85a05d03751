"""Comparing wordings with real people: how many are needed, what may be said so far, when to stop.

Pure. `dialer/experiments.py` gives leads their arm; docs/experiments.md tells the whole.
"""
