"""Questions put to the lake: SQL over cubes and rows gives counts, `pipelines.metrics` what they
mean.
"""
