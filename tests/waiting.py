"""What tests need instead of fixed ports and sleeps: free ports, and waiting for a condition."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from typing import TypeVar

from compose.ports import is_free

T = TypeVar("T")
# Below the range from which the kernel takes ports for connections, so that none of those can take one of ours between the
# look and the start; each worker of a test run has a part of its own.
_FIRST, _EACH = 20_000, 3_000
_given: set[int] = set()


def free_ports(count: int) -> list[int]:
    """`count` ports on which nothing listens now; none is given twice, and each may be the first of a pair."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 4
    slots = list(range(_FIRST + worker * _EACH, _FIRST + (worker + 1) * _EACH, 2))
    random.shuffle(slots)
    found = []
    for port in slots:
        if port not in _given and is_free("127.0.0.1", port) and is_free("127.0.0.1", port + 1):
            found.append(port)
            if len(found) == count:
                _given.update(found)
                return found
    raise RuntimeError(f"no {count} free ports from {slots[0]} on: what listens on all of them?")


def until(what: str, condition: Callable[[], T | None], seconds: float = 20.0, every: float = 0.02) -> T:
    """The first value of `condition` that is true, or the number 0; after `seconds` AssertionError says what never came."""
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found or (found == 0 and found is not False):
            return found
        assert time.monotonic() < end, f"not within {seconds:g} s: {what}"
        time.sleep(every)
