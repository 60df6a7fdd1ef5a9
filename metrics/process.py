"""What each of our services tells of its own process, under the names that every Prometheus client library uses."""

import os
import platform
import resource
from collections.abc import Iterator
from pathlib import Path

from metrics import stack
from metrics.model import Counter, Gauge, Sample, Unit

CPU = Counter("process_cpu_seconds_total", "User and system CPU time of the process.", Unit.SECONDS)
RESIDENT = Gauge("process_resident_memory_bytes", "Resident memory of the process.", Unit.BYTES)
VIRTUAL = Gauge("process_virtual_memory_bytes", "Virtual memory of the process.", Unit.BYTES, compat=True)
OPEN_FDS = Gauge("process_open_fds", "Open file descriptors of the process.", Unit.COUNT)
MAX_FDS = Gauge("process_max_fds", "Largest number of file descriptors the process may open.", Unit.COUNT)
START_TIME = Gauge("process_start_time_seconds", "Unix time at which the process started.", Unit.TIMESTAMP)
METRICS = (CPU, RESIDENT, VIRTUAL, OPEN_FDS, MAX_FDS, START_TIME)

_PAGE = resource.getpagesize()


def version() -> str:
    """The version of this appliance."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        return installed("watchfloor")
    except PackageNotFoundError:
        import tomllib

        project = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text(encoding="utf-8"))
        return str(project["project"]["version"])


def _started() -> float:
    """Unix time, in seconds, at which the kernel started this process."""
    ticks = int(Path("/proc/self/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[19])
    boot = next(line for line in Path("/proc/stat").read_text(encoding="ascii").splitlines() if line.startswith("btime "))
    return int(boot.split()[1]) + ticks / os.sysconf("SC_CLK_TCK")


class ProcessSamples:
    """Samples of the process that made it; `service` is its name in the topology."""

    def __init__(self, service: str) -> None:
        self._started = _started()
        self._build = stack.BUILD_INFO.sample(1, service, version(), platform.python_version())

    def collect(self) -> Iterator[Sample]:
        """The samples of now: bytes, seconds and counts."""
        used = resource.getrusage(resource.RUSAGE_SELF)
        virtual, resident = Path("/proc/self/statm").read_text(encoding="ascii").split()[:2]
        yield self._build
        yield CPU.sample(used.ru_utime + used.ru_stime)
        yield RESIDENT.sample(int(resident) * _PAGE)
        yield VIRTUAL.sample(int(virtual) * _PAGE)
        # Linux 6.2 and later tell the number of files as the folder's size: listing them costs as much as ten collectors.
        yield OPEN_FDS.sample(Path("/proc/self/fd").stat().st_size or len(os.listdir("/proc/self/fd")))
        yield MAX_FDS.sample(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
        yield START_TIME.sample(self._started)
