"""What the models foretold, and what became of it."""

from stream.store.migrations.run import run_beside

revision = "v0003"
down_revision = "v0002"


def upgrade() -> None:
    """Makes the table."""
    run_beside(__file__)
