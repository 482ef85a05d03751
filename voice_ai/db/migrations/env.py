"""Alembic's entry: migrates over the connection that `voice_ai.db.upgrade` hands in."""

from alembic import context

from voice_ai.db.schema import METADATA

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=METADATA, transaction_per_migration=False)
with context.begin_transaction():
    context.run_migrations()
