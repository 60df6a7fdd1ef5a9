"""What Alembic runs: every missing version in one transaction each, on the connection that `stream.store.migrate` gives."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"], version_table="schema_version", transaction_per_migration=True
)
with context.begin_transaction():
    context.run_migrations()
