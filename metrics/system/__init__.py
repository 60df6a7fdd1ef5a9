"""What the system exporter tells of a machine: names, labels and units as node_exporter 1.12 has them.

`signals.py` beside this file asks questions of these metrics; it is not imported here, because an exporter needs none.
"""

from metrics.model import Metric
from metrics.system import cpu, disk, filesystem, hardware, host, kernel, memory, netstat, network, processes, time

METRICS: tuple[Metric, ...] = (
    *cpu.METRICS,
    *memory.METRICS,
    *disk.METRICS,
    *filesystem.METRICS,
    *network.METRICS,
    *netstat.METRICS,
    *kernel.METRICS,
    *processes.METRICS,
    *time.METRICS,
    *host.METRICS,
    *hardware.METRICS,
)
