"""Whether models still hear what they were taught: rules over counts of their answers in calls.

Everything here is pure; `ml.watch` reads and writes.
"""
