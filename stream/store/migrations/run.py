"""Runs the SQL file beside a version's module."""

from pathlib import Path

from alembic import op


def run_beside(module: str) -> None:
    """Every statement of the SQL file beside `module` (its `__file__`), in the version's transaction."""
    text = Path(module).with_suffix(".sql").read_text(encoding="utf-8")
    # By the driver itself: it sends the text as it stands, with any number of statements and no placeholders.
    connection = op.get_bind().connection.dbapi_connection
    assert connection is not None
    connection.cursor().execute(text)
