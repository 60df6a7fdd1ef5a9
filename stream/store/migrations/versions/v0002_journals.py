"""How far each writer's journal has come, kept in the transaction that writes its rows."""

from stream.store.migrations.run import run_beside

revision = "v0002"
down_revision = "v0001"


def upgrade() -> None:
    """Makes the table."""
    run_beside(__file__)
