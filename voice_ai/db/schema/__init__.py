"""The schema as SQLAlchemy Core tables: what Alembic compares with and the app reads through."""

from voice_ai.db.schema import (
    calls,
    campaigns,
    experiments,
    lake,
    operations,
    people,
    rollouts,
    transfers,
    watching,
)
from voice_ai.db.schema.base import METADATA

__all__ = [
    "METADATA",
    "calls",
    "campaigns",
    "experiments",
    "lake",
    "operations",
    "people",
    "rollouts",
    "transfers",
    "watching",
]
