"""Processes by state, and threads.

psutil.Process.status() and num_threads() of each process would cost many times what one read of its stat file does, and
psutil finds another /proc by a global of the whole program only.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from exporters.system.procfs import ProcFile, Roots
from metrics.model import Sample
from metrics.system import processes as m


def parse(stat: bytes) -> tuple[str, int]:
    """State and number of threads in a /proc/PID/stat; the command in it may hold blanks and parentheses."""
    fields = stat[stat.rindex(b")") + 2 :].split(None, 18)
    return fields[0].decode(), int(fields[17])


class Processes:
    """Processes."""

    name = "processes"
    help = "Processes by state, threads, and what the machine allows of both."
    emits = m.METRICS

    def __init__(self, roots: Roots) -> None:
        self._proc = str(roots.proc)
        self._pid_max = ProcFile(roots.proc / "sys/kernel/pid_max")
        self._threads_max = ProcFile(roots.proc / "sys/kernel/threads-max")

    def collect(self) -> Iterator[Sample]:
        """Gauges; every state is told, at 0 too."""
        states, threads, processes = dict.fromkeys(m.STATES, 0), 0, 0
        for pid in filter(str.isdigit, os.listdir(self._proc)):  # noqa: PTH208  # names only; a Path of each costs more
            stat = self._stat(pid)
            if stat:
                state, count = parse(stat)
                states[state] = states.get(state, 0) + 1
                threads += count
                processes += 1
        for state, count in states.items():
            yield m.STATE, (state,), count
        yield m.PIDS, (), processes
        yield m.THREADS, (), threads
        yield m.MAX_PROCESSES, (), int(self._pid_max.number())
        yield m.MAX_THREADS, (), int(self._threads_max.number())

    def _stat(self, pid: str) -> bytes:
        """Empty for a process that has ended meanwhile."""
        try:
            fd = os.open(f"{self._proc}/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return b""
        try:
            return os.read(fd, 1024)
        except OSError:
            return b""
        finally:
            os.close(fd)
