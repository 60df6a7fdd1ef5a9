"""What watching costs when nothing happens: CPU and resident memory of every service, at the default 10 s scrape.

    python -m tests.bench.idle [--seconds 120]

CPU is what the kernel counted for each process (user and system) over the time, as a share of one core.
"""

from __future__ import annotations

import argparse
import platform
import time

import psutil
from rich.table import Table

from compose.terminal import console
from tests.appliance import Appliance

CPU_LIMIT, MEMORY_LIMIT = 5.0, 450.0  # percent of one core; MB


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
    report(shares, memory, seconds)
    return int(sum(shares.values()) > CPU_LIMIT or sum(memory.values()) > MEMORY_LIMIT)


def used(process: psutil.Process) -> float:
    """CPU seconds of the process and of those of its children that have ended."""
    times = process.cpu_times()
    return float(times.user + times.system)


def report(shares: dict[str, float], memory: dict[str, float], seconds: float) -> None:
    """One line a service, and the sum beside its limits."""
    table = Table(title=f"Idle over {seconds:.0f} s, Python {platform.python_version()}", box=None)
    for heading in ("service", "CPU, % of one core", "RSS, MB"):
        table.add_column(heading, justify="left" if heading == "service" else "right")
    for name, share in shares.items():
        table.add_row(name, f"{share:.2f}", f"{memory[name]:.0f}")
    limits = f"sum (at most {CPU_LIMIT:g} % and {MEMORY_LIMIT:g} MB)"
    table.add_row(limits, f"{sum(shares.values()):.2f}", f"{sum(memory.values()):.0f}")
    console().print(table)


if __name__ == "__main__":
    raise SystemExit(main())
