"""The pages' pool: read-only snapshots, one login, nothing held between two reruns."""

import sqlalchemy as sa


def open_engine(url: str) -> sa.Engine:
    """A small pool of sessions that read one snapshot each and are given back at once."""
    return sa.create_engine(
        sa.make_url(url).set(drivername="postgresql+psycopg"),
        pool_size=2,
        max_overflow=4,
        pool_pre_ping=True,
        isolation_level="REPEATABLE READ",
        connect_args={
            "application_name": "voice-ai app",
            "options": "-c timezone=UTC -c default_transaction_read_only=on"
            " -c statement_timeout=15000 -c idle_in_transaction_session_timeout=60000",
        },
    )
