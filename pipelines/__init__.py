"""Imports, the lake, metrics, reports and upkeep; Prefect only under `flows`."""
