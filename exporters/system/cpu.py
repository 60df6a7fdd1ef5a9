"""Time of each processor by mode, from /proc/stat; online, isolated, throttled ones from /sys.

psutil.cpu_times() opens and parses the file anew and has no guard against counters that go back.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from exporters.system.procfs import ProcFile, Roots, read_line
from metrics.model import Counter, Sample
from metrics.system import cpu as m

TICKS = os.sysconf("SC_CLK_TCK")
_MODES = len(m.MODES)
_IDLE = m.MODES.index("idle")
_JUMP_BACK = 3 * TICKS  # as upstream: idle time that falls by more is a processor that was switched off and on


def parse(data: bytes) -> dict[str, list[int]]:
    """Ticks of each processor in /proc/stat, in the order of its columns: 8 modes, then guest and guest_nice."""
    result = {}
    for line in data[: data.find(b"\nintr")].split(b"\n"):
        if not line.startswith(b"cpu"):
            break
        name, *ticks = line.split()
        if name != b"cpu":
            result[name[3:].decode()] = [int(tick) for tick in ticks]
    return result


def forward(old: list[int] | None, new: list[int]) -> list[int]:
    """`new`, where no value is below `old`; after a hotplug (idle falls far) just `new`.

    The kernel lets idle and iowait fall back a little, and rate() would take that for a restart.
    """
    if old is None or len(old) != len(new) or old[_IDLE] - new[_IDLE] >= _JUMP_BACK:
        return new
    return list(map(max, old, new))


def numbers(text: str) -> list[int]:
    """The numbers of a kernel list such as `0-2,5`."""
    result: list[int] = []
    for part in filter(None, text.strip().split(",")):
        first, _, last = part.partition("-")
        result.extend(range(int(first), int(last or first) + 1))
    return result


class Cpu:
    """Processors."""

    name = "cpu"
    help = "Time of each processor by mode; which ones are online, isolated, throttled."
    emits = (m.SECONDS, m.GUEST_SECONDS, m.ONLINE, m.ISOLATED, m.CORE_THROTTLES, m.PACKAGE_THROTTLES)

    def __init__(self, roots: Roots, stat: ProcFile) -> None:
        self._stat = stat
        self._devices = roots.sys / "devices/system/cpu"
        self._present = ProcFile(self._devices / "present")
        self._online = ProcFile(self._devices / "online")
        self._isolated = [str(number) for number in numbers(read_line(self._devices / "isolated"))]
        self._throttles = self._throttle_files()
        self._last: dict[str, list[int]] = {}
        self._labels: dict[str, list[tuple[str, str]]] = {}

    def collect(self) -> Iterator[Sample]:
        """Seconds and flags."""
        ticks = parse(self._stat.share())
        self._last = {name: forward(self._last.get(name), values) for name, values in ticks.items()}
        for name, values in self._last.items():
            labels = self._labels.get(name) or self._make_labels(name)
            for pair, value in zip(labels, values, strict=False):
                yield m.SECONDS, pair, value / TICKS
            for pair, value in zip(labels[:2], values[_MODES:], strict=False):
                yield m.GUEST_SECONDS, pair, value / TICKS
        yield from self._states()
        for file, sample, labels_ in self._throttles:
            yield sample, labels_, int(file.number())

    def _make_labels(self, name: str) -> list[tuple[str, str]]:
        self._labels[name] = [(name, mode) for mode in m.MODES]
        return self._labels[name]

    def _states(self) -> Iterator[Sample]:
        for isolated in self._isolated:
            yield m.ISOLATED, (isolated,), 1
        try:
            online, present = set(numbers(self._online.text())), numbers(self._present.text())
        except OSError:
            return  # /sys is not mounted, or the kernel cannot switch processors off
        for number in present:
            yield m.ONLINE, (str(number),), int(number in online)

    def _throttle_files(self) -> list[tuple[ProcFile, Counter, tuple[str, ...]]]:
        """One file a core and one a package; empty where the processor does not count."""
        found: dict[tuple[str, ...], tuple[ProcFile, Counter, tuple[str, ...]]] = {}
        for folder in sorted(self._devices.glob("cpu[0-9]*/thermal_throttle")):
            package = read_line(folder.parent / "topology/physical_package_id")
            core = read_line(folder.parent / "topology/core_id")
            for kind, counter, labels in (
                ("core", m.CORE_THROTTLES, (package, core)),
                ("package", m.PACKAGE_THROTTLES, (package,)),
            ):
                file = folder / f"{kind}_throttle_count"
                if package and core and file.exists():
                    found.setdefault((kind, *labels), (ProcFile(file), counter, labels))
        return list(found.values())
