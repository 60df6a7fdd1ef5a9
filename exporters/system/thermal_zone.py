"""Thermal zones and cooling devices, from /sys/class/thermal. psutil.sensors_temperatures() has no cooling devices."""

from __future__ import annotations

import re
from collections.abc import Iterator

from exporters.system.procfs import Roots, read_line
from metrics.model import Sample
from metrics.system import hardware as m

_NUMBER = re.compile(r"-?\d+")


class ThermalZone:
    """Thermal zones."""

    name = "thermal_zone"
    help = "Temperature of thermal zones, state of cooling devices."
    emits = (m.ZONE_TEMP, m.COOLING_STATE, m.COOLING_MAX)

    def __init__(self, roots: Roots) -> None:
        folder = roots.sys / "class/thermal"
        self._zones = [(path, read_line(path / "type")) for path in sorted(folder.glob("thermal_zone[0-9]*"))]
        self._cooling = [(path, read_line(path / "type")) for path in sorted(folder.glob("cooling_device[0-9]*"))]

    def collect(self) -> Iterator[Sample]:
        """Degrees and states; a zone that cannot be read now is left out."""
        for path, kind in self._zones:
            if _NUMBER.fullmatch(text := read_line(path / "temp")):
                yield m.ZONE_TEMP, (path.name.removeprefix("thermal_zone"), kind), int(text) / 1000
        for path, kind in self._cooling:
            labels = (path.name.removeprefix("cooling_device"), kind)
            for metric, name in ((m.COOLING_STATE, "cur_state"), (m.COOLING_MAX, "max_state")):
                if _NUMBER.fullmatch(text := read_line(path / name)):
                    yield metric, labels, int(text)
