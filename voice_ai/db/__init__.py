"""The database: connections, migrations, logins, named SQL."""

from voice_ai.db.connect import connect, open_pool
from voice_ai.db.named import queries
from voice_ai.db.upgrade import upgrade

__all__ = ["connect", "open_pool", "queries", "upgrade"]
