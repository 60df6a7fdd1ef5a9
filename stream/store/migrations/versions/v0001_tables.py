"""The tables of the data store."""

from stream.store.migrations.run import run_beside

revision = "v0001"
down_revision = None


def upgrade() -> None:
    """Makes them."""
    run_beside(__file__)
