"""Load averages, by psutil."""

from collections.abc import Iterator

import psutil

from metrics.model import Sample
from metrics.system import cpu as m


class Loadavg:
    """Load averages."""

    name = "loadavg"
    help = "Tasks that run or wait, mean of 1, 5 and 15 min."
    emits = (m.LOAD1, m.LOAD5, m.LOAD15)

    def collect(self) -> Iterator[Sample]:
        """Three gauges."""
        for metric, value in zip(self.emits, psutil.getloadavg(), strict=True):
            yield metric.sample(value)
