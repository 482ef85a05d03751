"""Prefect flows, thin over plain functions; the only place that imports Prefect.

Prefect keeps every parameter in its database: parameters are names and paths, never secrets.
A flow opens its own context.
"""
