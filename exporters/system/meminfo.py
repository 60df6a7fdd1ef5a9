"""Every field of /proc/meminfo. psutil.virtual_memory() knows 11 of its 50 to 60 fields."""

from __future__ import annotations

import re
from collections.abc import Iterator

from exporters.system.fields import Unknown
from exporters.system.procfs import ProcFile, Roots
from metrics.model import Gauge, Sample, Unit
from metrics.system import memory as m

_LINE = re.compile(rb"^(\S+):\s+(\d+)", re.MULTILINE)


def field(metric: Gauge) -> str:
    """A metric's field as /proc/meminfo writes it: `node_memory_Active_anon_bytes` is `Active(anon)`."""
    name = metric.name.removeprefix("node_memory_").removesuffix("_bytes")
    return re.sub(r"^((?:Ina|A)ctive)_(anon|file)$", r"\1(\2)", name)


_FIELDS: dict[bytes, tuple[Gauge, int]] = {
    field(metric).encode(): (metric, 1024 if metric.unit is Unit.BYTES else 1) for metric in m.MEMINFO
}


def parse(data: bytes, unknown: Unknown) -> Iterator[Sample]:
    """Bytes of each field, pages of HugePages_*; other fields go to `unknown`."""
    for name, value in _LINE.findall(data):
        found = _FIELDS.get(name)
        if found:
            yield found[0], (), int(value) * found[1]
        else:
            unknown.note(name.decode("utf-8", "replace"))


class Meminfo:
    """Memory."""

    name = "meminfo"
    help = "Every field of /proc/meminfo."
    emits = m.MEMINFO

    def __init__(self, roots: Roots) -> None:
        self._file = ProcFile(roots.proc / "meminfo")
        self._unknown = Unknown(str(self._file.path))

    def collect(self) -> Iterator[Sample]:
        """Gauges."""
        return parse(self._file.raw(), self._unknown)
