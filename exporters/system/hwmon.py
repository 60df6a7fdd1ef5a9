"""Sensors, from /sys/class/hwmon.

psutil.sensors_temperatures() and sensors_fans() lose which file a value is from, and have no voltage, current, power, alarm.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from exporters.system.fields import Unknown
from exporters.system.procfs import Roots, read_line
from metrics.model import Metric, Sample
from metrics.system import hardware as m

_FILE = re.compile(r"(?P<type>[^0-9]+)(?P<number>[0-9]*)(?:_(?P<property>.+))?")
_TYPES = frozenset(
    ("beep_enable", "update_interval", "in", "cpu", "fan", "pwm", "temp", "curr", "power", "energy", "humidity", "intrusion")
)
_PLAIN = ("fault", "alarm")  # flags without a unit
_RPM = frozenset(("input", "min", "max", "target"))
# Kinds, which of their elements, the suffix of the name, the divisor; the first one that fits counts.
_RULES: tuple[tuple[tuple[str, ...], Callable[[str], bool], str, float], ...] = (
    (("in", "cpu"), lambda _: True, "_volts", 1000),
    (("temp",), lambda element: element != "type", "_celsius", 1000),
    (("curr",), lambda _: True, "_amps", 1000),
    (("energy",), lambda _: True, "_joule_total", 1e6),
    (("power",), lambda element: element == "accuracy", "", 1e6),
    (("power",), lambda element: element.startswith("average_interval"), "_seconds", 1000),
    (("power",), lambda _: True, "_watt", 1e6),
    (("humidity",), lambda _: True, "", 1e6),
    (("fan",), lambda element: element in _RPM, "_rpm", 1),
)


def clean(name: str) -> str:
    """A name as a label value: lower case, everything but letters, digits, `:` and `_` becomes `_`."""
    return re.sub(r"[^a-z0-9:_]", "_", name.lower()).strip("_")


def metric_of(kind: str, element: str, *, has_plain: bool = False) -> tuple[str, float]:
    """The metric's name for a sensor file `<kind><n>_<element>`, and what its number is divided by (upstream's rules).

    `has_plain` says that a file `<kind><n>` stands beside it.
    """
    name = f"node_hwmon_{kind}"
    if element == "input":
        name += "_input" if has_plain else ""
    elif element:
        name += "_" + clean(element)
    if element in _PLAIN:
        return name, 1
    if element == "beep":
        return name + "_enabled", 1
    for kinds, matches, suffix, divisor in _RULES:
        if kind in kinds and matches(element):
            return name + suffix, divisor
    return name, 1


def chip_of(folder: Path) -> str:
    """A name that survives a reboot: the device's bus and address, else the chip's own name, else hwmonN."""
    device = folder / "device"
    if device.exists():
        real = device.resolve()
        parts = [part for part in (clean(real.parent.name), clean(real.name)) if part]
        if parts:
            return "_".join(parts)
    return clean(read_line(folder / "name")) or clean(folder.resolve().name)


class Chip:
    """One chip: its sensor files, found once."""

    def __init__(self, folder: Path) -> None:
        self.name = chip_of(folder)
        self.human = clean(read_line(folder / "name"))
        self.sensors: dict[str, dict[str, Path]] = {}
        for place in (folder, folder / "device"):
            for file in sorted(place.iterdir()) if place.is_dir() else ():
                found = _FILE.fullmatch(file.name)
                if found and found["type"] in _TYPES and file.is_file():
                    sensor = f"{found['type']}{int(found['number'] or 0)}"
                    self.sensors.setdefault(sensor, {}).setdefault(found["property"] or "", file)


class Hwmon:
    """Sensors."""

    name = "hwmon"
    help = "Temperatures, fans, voltages, currents, powers and alarms of the machine's sensors."
    emits = tuple(m.HWMON.values())

    def __init__(self, roots: Roots) -> None:
        self._class = roots.sys / "class/hwmon"
        self._chips: dict[str, Chip] = {}
        self._unknown = Unknown(str(self._class))

    def collect(self) -> Iterator[Sample]:
        """Gauges and a counter; nothing on a machine without sensors."""
        try:
            names = sorted(path.name for path in self._class.iterdir())
        except OSError:
            return
        self._chips = {name: self._chips.get(name) or Chip(self._class / name) for name in names}
        for chip in self._chips.values():
            if chip.human:
                yield m.CHIP_NAMES, (chip.name, chip.human), 1
            for sensor, files in chip.sensors.items():
                yield from self._sensor(chip.name, sensor, files)

    def _sensor(self, chip: str, sensor: str, files: dict[str, Path]) -> Iterator[Sample]:
        kind, labels = sensor.rstrip("0123456789"), (chip, sensor)
        if kind == "beep_enable":
            yield m.BEEP_ENABLED, labels, int(read_line(files.get("", Path())) == "1")
            return
        if kind == "update_interval":
            yield from _number(m.UPDATE_INTERVAL_SECONDS, labels, read_line(files.get("", Path())), 1000)
            return
        for element, path in files.items():
            if element == "label":
                yield m.SENSOR_LABEL, (chip, sensor, read_line(path)), 1
                continue
            name, divisor = metric_of(kind, element, has_plain="" in files)
            metric = m.HWMON.get(name)
            if metric is None:
                self._unknown.note(name)
            else:
                yield from _number(metric, labels, read_line(path), divisor)


def _number(metric: Metric, labels: tuple[str, str], text: str, divisor: float) -> Iterator[Sample]:
    """One sample; none for a sensor that does not answer now."""
    try:
        yield metric, labels, int(text) if divisor == 1 else int(text) / divisor
    except ValueError:
        return
