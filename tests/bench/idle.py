"""What watching costs when nothing happens: CPU and resident memory of every service, at the default 10 s scrape.

    python -m tests.bench.idle [--seconds 120]

CPU is what the kernel counted for each process (user and system) over the time, as a share of one core. The limits are for
what watches this machine; the watched workload, and what watches that, stand below them.
"""

from __future__ import annotations

import argparse
import platform
import time
from collections.abc import Collection

import psutil
from rich.table import Table

from compose.terminal import console
from tests.appliance import Appliance

CPU_LIMIT, MEMORY_LIMIT = 5.0, 450.0  # percent of one core; MB
MACHINE = frozenset({
    "inbox", "alertmanager", "exporter-system", "prometheus", "preview", "watcher", "watcher-guard", "supervisord",
})  # fmt: skip


def main() -> int:
    """Prints a table; exit 1 when the sum is above a limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--settle", type=float, default=60)
    options = parser.parse_args()
    with Appliance(factor=1) as appliance:
        pids = {name: process.pid for name, process in appliance.stack.supervisor.processes().items()}
        pids["supervisord"] = appliance.stack.supervisor.call("supervisor.getPID")
        processes = {name: psutil.Process(pid) for name, pid in pids.items()}
        time.sleep(options.settle)
        before, began = {name: used(process) for name, process in processes.items()}, time.monotonic()
        time.sleep(options.seconds)
        seconds = time.monotonic() - began
        shares = {name: 100 * (used(process) - before[name]) / seconds for name, process in processes.items()}
        memory = {name: process.memory_info().rss / 2**20 for name, process in processes.items()}
    assert set(shares) >= MACHINE, MACHINE - set(shares)
    report(shares, memory, seconds)
    return int(total(shares, MACHINE) > CPU_LIMIT or total(memory, MACHINE) > MEMORY_LIMIT)


def total(figures: dict[str, float], names: Collection[str]) -> float:
    """The sum of the figures of these services."""
    return sum(figure for name, figure in figures.items() if name in names)


def used(process: psutil.Process) -> float:
    """CPU seconds of the process alone."""
    times = process.cpu_times()
    return float(times.user + times.system)


def report(shares: dict[str, float], memory: dict[str, float], seconds: float) -> None:
    """One line a service, and the sum beside its limits."""
    table = Table(title=f"Idle over {seconds:.0f} s, Python {platform.python_version()}", box=None)
    for heading in ("service", "CPU, % of one core", "RSS, MB"):
        table.add_column(heading, justify="left" if heading == "service" else "right")
    parts = {
        f"what watches this machine (at most {CPU_LIMIT:g} % and {MEMORY_LIMIT:g} MB)": MACHINE,
        "the workload, and what watches it": set(shares) - MACHINE,
    }
    for part, names in parts.items():
        for name in sorted(names):
            table.add_row(name, f"{shares[name]:.2f}", f"{memory[name]:.0f}")
        table.add_row(part, f"{total(shares, names):.2f}", f"{total(memory, names):.0f}", end_section=True, style="bold")
    console().print(table)


if __name__ == "__main__":
    raise SystemExit(main())
