"""The fixtures of `tests.stream.store.postgres`, and a Redis for what goes from the store into the cache."""

from tests.stream.cache.conftest import redis
from tests.stream.store.postgres import database_url, postgres

__all__ = ["database_url", "postgres", "redis"]
