"""The clock, its zone and its source. The collector is called `time`, as upstream's."""

from __future__ import annotations

import time
from collections.abc import Iterator

from exporters.system.procfs import ProcFile, Roots
from metrics.model import Sample
from metrics.system import time as m


class Clock:
    """The clock."""

    name = "time"
    help = "The machine's clock, its zone, its clock source."
    emits = (m.SECONDS, m.ZONE_OFFSET, m.CLOCKSOURCE_AVAILABLE, m.CLOCKSOURCE_CURRENT)

    def __init__(self, roots: Roots) -> None:
        folders = sorted((roots.sys / "devices/system/clocksource").glob("clocksource[0-9]*"))
        self._sources = [
            (
                folder.name.removeprefix("clocksource"),
                ProcFile(folder / "available_clocksource"),
                ProcFile(folder / "current_clocksource"),
            )
            for folder in folders
        ]

    def collect(self) -> Iterator[Sample]:
        """Gauges."""
        now = time.time()
        local = time.localtime(now)
        yield m.SECONDS, (), now
        yield m.ZONE_OFFSET, (local.tm_zone,), local.tm_gmtoff
        for device, available, current in self._sources:
            for source in available.value().split():
                yield m.CLOCKSOURCE_AVAILABLE, (device, source), 1
            yield m.CLOCKSOURCE_CURRENT, (device, current.value()), 1
