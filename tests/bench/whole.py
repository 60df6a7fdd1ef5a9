"""What the whole stack costs under a normal load: 1,000 clients in all rooms, 50 messages and 500 questions to the API a second.

    python -m tests.bench.whole [--seconds 120] [--clients 1000] [--rate 500]

Processor time is what the kernel counted for a service and its children (user and system), memory their proportional set size: a
page that several of PostgreSQL's processes share counts once. The generator is no part of either. The rate of messages is the
feed's; what came is printed, so that another load than the stated one shows.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import platform
import time
from dataclasses import dataclass

import psutil
from rich.table import Table

from compose.terminal import console
from tests.appliance import Appliance
from tests.bench.idle import total
from tests.bench.idle import used as used_by
from tests.soak.run import loaded

MEMORY_LIMIT, BUSY_LIMIT, WATCHING_LIMIT = 4096.0, 70.0, 10.0  # MB; percent of all cores; percent of one core
MESSAGES = 50.0  # a second, that the feed has
WATCHING = frozenset({
    "inbox", "alertmanager", "prometheus", "preview", "watcher", "watcher-guard", "supervisord", "exporter-system",
    "exporter-postgres", "exporter-redis", "exporter-probe", "exporter-model_quality",
})  # fmt: skip


@dataclass
class Used:
    """What one service used: CPU seconds so far, and megabytes now."""

    seconds: float = 0.0
    memory: float = 0.0


def main() -> int:
    """Prints a table; exit 1 when a limit is passed, or nobody was answered."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--settle", type=float, default=30)
    parser.add_argument("--clients", type=int, default=1000)
    parser.add_argument("--rate", type=float, default=500)
    options = parser.parse_args()
    with Appliance(factor=1, settings={"stream": {"replay": {"rate": MESSAGES}}}) as appliance:
        with loaded(appliance, options.clients, options.rate) as found:
            time.sleep(options.settle)
            before, began = used(appliance), time.monotonic()
            time.sleep(options.seconds)
            seconds, after = time.monotonic() - began, used(appliance)
        whole = options.settle + seconds
    shares = {name: 100 * (one.seconds - before.get(name, Used()).seconds) / seconds for name, one in after.items()}
    memory = {name: one.memory for name, one in after.items()}
    report(shares, memory, seconds)
    each = found["messages"] / whole / options.clients
    print(
        f"{options.clients} clients got {each:.1f} messages a second each; of {options.rate:g} questions a second"
        f" {found['answers'] / whole:,.0f} were answered; {found['failed']} failed"
    )
    return int(
        not found["answers"]
        or sum(shares.values()) > BUSY_LIMIT * (os.cpu_count() or 1)
        or sum(memory.values()) > MEMORY_LIMIT
        or total(shares, WATCHING) > WATCHING_LIMIT
    )


def used(appliance: Appliance) -> dict[str, Used]:
    """What each service and its children used."""
    pids = {name: process.pid for name, process in appliance.stack.supervisor.processes().items()}
    pids["supervisord"] = appliance.stack.supervisor.call("supervisor.getPID")
    found = {}
    for name, pid in pids.items():
        service = psutil.Process(pid)
        # Those of supervisord are the services.
        family = [service] if name == "supervisord" else [service, *service.children(recursive=True)]
        found[name] = sum_of(family)
    return found


def sum_of(family: list[psutil.Process]) -> Used:
    """The sum over processes; one that ended meanwhile counts nothing."""
    result = Used()
    for process in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            result.seconds += used_by(process)
            result.memory += process.memory_full_info().pss / 2**20
    return result


def report(shares: dict[str, float], memory: dict[str, float], seconds: float) -> None:
    """One line a service, and the sums beside their limits."""
    cores = os.cpu_count() or 1
    table = Table(title=f"Normal load over {seconds:.0f} s, Python {platform.python_version()}, {cores} cores", box=None)
    for heading in ("service", "CPU, % of one core", "PSS, MB"):
        table.add_column(heading, justify="left" if heading == "service" else "right")
    for part, names in (("watching", WATCHING), ("the workload", set(shares) - WATCHING)):
        for name in sorted(names & set(shares)):
            table.add_row(name, f"{shares[name]:.2f}", f"{memory[name]:.0f}")
        limit = f" (at most {WATCHING_LIMIT:g} %)" if part == "watching" else ""
        table.add_row(part + limit, f"{total(shares, names):.1f}", f"{total(memory, names):.0f}", end_section=True, style="bold")
    most = f"all (at most {BUSY_LIMIT * cores:g} % of a core, {MEMORY_LIMIT:g} MB)"
    table.add_row(most, f"{sum(shares.values()):.1f}", f"{sum(memory.values()):.0f}", style="bold")
    console().print(table)


if __name__ == "__main__":
    raise SystemExit(main())
