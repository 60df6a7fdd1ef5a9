from collections.abc import Iterator

import pytest

from tests.stream.cache.servers import RedisServer


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server
