"""The fixtures of `tests.stream.store.postgres`."""

from tests.stream.store.postgres import database_url, postgres

__all__ = ["database_url", "postgres"]
