"""Private PostgreSQL and Valkey servers in the home, shared by its processes.

with attach_postgres(home, keyring) as postgres:
    psycopg.connect(postgres.url)
"""

import os

from voice_ai.errors import NotAvailable

if os.name != "posix":
    raise NotAvailable(
        "there are no embedded servers on this platform; set DATABASE_URL and REDIS_URL"
    )

from voice_ai.embedded.lease import Lease
from voice_ai.embedded.postgres import PostgresLease, attach_postgres, postgres_bin
from voice_ai.embedded.valkey import ValkeyLease, attach_valkey

__all__ = [
    "Lease",
    "PostgresLease",
    "ValkeyLease",
    "attach_postgres",
    "attach_valkey",
    "postgres_bin",
]
