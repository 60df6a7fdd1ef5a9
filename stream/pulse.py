"""How the process itself feels: how late its event loop is, and how long its garbage collector holds it."""

from __future__ import annotations

import asyncio
import gc
import time
from typing import Any, Self

from metrics import app
from metrics.instruments import Instruments

_EVERY = 0.1  # seconds between two looks at the loop


class Pulse:
    """Observes into `counts`; use it as a context around the service's life, within a running loop."""

    def __init__(self, counts: Instruments) -> None:
        self._counts = counts
        self._due = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._collecting = 0.0

    def __enter__(self) -> Self:
        self._arm()
        gc.callbacks.append(self._collected)
        return self

    def __exit__(self, *_: object) -> None:
        gc.callbacks.remove(self._collected)
        if self._timer is not None:
            self._timer.cancel()

    def _arm(self) -> None:
        loop = asyncio.get_running_loop()
        self._due = loop.time() + _EVERY
        self._timer = loop.call_at(self._due, self._beat)

    def _beat(self) -> None:
        self._counts.observe(app.LOOP_LAG, max(0.0, asyncio.get_running_loop().time() - self._due))
        self._arm()

    def _collected(self, phase: str, info: dict[str, Any]) -> None:
        """The interpreter's callback: "start" and "stop" of one collection."""
        now = time.perf_counter()
        if phase == "start":
            self._collecting = now
        else:
            self._counts.observe(app.GC_PAUSE, now - self._collecting, str(info["generation"]))
