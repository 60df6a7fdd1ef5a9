"""What a service's answer means."""

import pytest

from compose.health import degraded


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("ok", ""),
        ("degraded: Prometheus cannot be reached", "degraded: Prometheus cannot be reached"),
        ('{"status": "ok", "degraded": []}', ""),
        ('{"status": "degraded", "degraded": ["market has failed", "x"]}', "degraded: market has failed, x"),
        ("[1]", ""),
        ("", ""),
    ],
)
def test_a_ready_service_may_be_degraded(body: str, words: str) -> None:
    assert degraded(body) == words
