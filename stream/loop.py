"""The event loop of the stream server: uvloop's where it can be imported, else asyncio's own."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable, Coroutine
from typing import Any

_USED = "uvloop"


def choose() -> tuple[Callable[[], asyncio.AbstractEventLoop], str]:
    """What makes the loop, and its name and version for the log."""
    try:
        found = importlib.import_module(_USED)
    except ImportError as error:  # no wheel for this machine, or a library that it needs is missing
        return asyncio.new_event_loop, f"asyncio ({error})"
    make: Callable[[], asyncio.AbstractEventLoop] = found.new_event_loop
    return make, f"{_USED} {found.__version__}"


def run(work: Coroutine[Any, Any, None], make: Callable[[], asyncio.AbstractEventLoop]) -> None:
    """Runs to the end on a loop of that kind."""
    with asyncio.Runner(loop_factory=make) as runner:
        runner.run(work)
