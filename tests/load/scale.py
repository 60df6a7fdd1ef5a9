"""The command behind `make scale`: one to eight stream servers on one port, each held to a fifth of a core by the kernel.

    make scale [args='--counts 1,2,4,8 --seconds 3 --rounds 5']

wrk asks them in a closed loop, sixteen connections a server, for an answer that takes the long way through the server. What
feeds them runs beside, in a server of its own that nobody asks and nothing holds. The Universal Scalability Law is fitted; its
residuals are told, and the limit that it predicts. Needs root (control groups) and wrk; exit code 2 without them.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from settings.paths import CLONE
from tests.bench.http_servers import PATH, SETTLED, body, process, written
from tests.load import machine, usl
from tests.stream.bus.servers import redis_server
from tests.stream.store.postgres import Postgres
from tests.waiting import free_ports, until

# Of a core, and the microseconds over which the kernel counts: it hands the share out by 5 ms, so that much of a short period's
# stays on the processor that a process has just left.
SHARE, PERIOD = 0.2, 100_000
_SPIN = "import os\nos.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))\nwhile True: pass"
_ROOTS = (Path("/sys/fs/cgroup/cpu"), Path("/sys/fs/cgroup"))
FOLDER = CLONE / "var" / "load"


class Capped:
    """A control group that holds one process to a share of a core; version 1 or 2, whichever the machine has."""

    def __init__(self, name: str, pid: int) -> None:
        root = next((root for root in _ROOTS if (root / "cgroup.procs").exists()), None)
        if root is None:
            raise OSError("no control groups: mount them, or run this on a machine that has them")
        self.path = root / name
        self.path.mkdir()
        quota = round(SHARE * PERIOD)
        try:
            if (self.path / "cpu.cfs_quota_us").exists():
                (self.path / "cpu.cfs_period_us").write_text(str(PERIOD), encoding="ascii")
                (self.path / "cpu.cfs_quota_us").write_text(str(quota), encoding="ascii")
            else:
                (self.path / "cpu.max").write_text(f"{quota} {PERIOD}", encoding="ascii")
            (self.path / "cgroup.procs").write_text(str(pid), encoding="ascii")
        except OSError:
            self.path.rmdir()
            raise

    def remove(self) -> None:
        """After its process has ended."""
        until("the control group is empty", lambda: not (self.path / "cgroup.procs").read_text(encoding="ascii"), 30)
        self.path.rmdir()


@contextmanager
def capped(count: int, folder: Path) -> Iterator[int]:
    """So many servers on one port, each in a group of its own; the port.

    One more, on another port, does what one of all does (sources, their rows): it comes first, so that the leases are its own.
    """
    groups: list[Capped] = []
    with redis_server(folder) as redis, Postgres() as postgres, ExitStack() as stack:
        site = written(folder, redis.port, 1)
        variables = {"WATCHFLOOR_HOME": str(folder), "WATCHFLOOR_SITE": str(site), "DATABASE_URL": postgres.fresh()}
        stack.callback(_removed, groups)  # after the servers: it was put there before them
        feeds, port = free_ports(2)
        pids = []
        for number in range(count + 1):
            words = ["stream", "--worker", f"{number}/{count + 1}", "--port", str(port if number else feeds), "--admin-port", "0"]
            pids.append(stack.enter_context(process(words, None, **variables)).pid)
            if not number:
                _know(feeds, 1)
        _know(port, count)
        for number, pid in enumerate(pids[1:]):
            groups.append(Capped(f"watchfloor-scale-{os.getpid()}-{number}", pid))
        yield port


@contextmanager
def awake() -> Iterator[None]:
    """Processors that never sleep: something of the lowest class spins on each.

    To wake a sleeping virtual one costs who wakes it, the server, as much as half an answer: few servers on an idle machine would
    pay it each time, many never, and two would do more than twice what one does.
    """
    spinning = [subprocess.Popen([sys.executable, "-c", _SPIN]) for _ in range(os.cpu_count() or 1)]
    try:
        yield
    finally:
        for one in spinning:
            one.kill()
            one.wait()


def _removed(groups: Sequence[Capped]) -> None:
    for group in groups:
        group.remove()


def _know(port: int, count: int) -> None:
    until("every server knows all symbols", lambda: all(len(body(port, PATH)) > 2000 for _ in range(4 * count)), SETTLED)


def asked(port: int, count: int, seconds: float) -> float:
    """Answers a second, by wrk, which goes first: servers that wait for it would not use their share. ValueError: some failed."""
    words = [
        "nice",
        "-n",
        "-15",
        "wrk",
        "-t1",
        f"-c{16 * count}",
        f"-d{max(1, round(seconds))}s",
        "-H",
        f"Origin: http://127.0.0.1:{port}",
    ]
    told = subprocess.run([*words, f"http://127.0.0.1:{port}{PATH}"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"Requests/sec:\s*([\d.]+)", told)
    if found is None or "Non-2xx" in told:
        raise ValueError(f"answers failed:\n{told}")
    return float(found[1])


def measured(counts: Sequence[int], seconds: float, rounds: int) -> list[tuple[int, float]]:
    """Throughput by number of servers, the median of the rounds."""
    found = []
    with tempfile.TemporaryDirectory(prefix="watchfloor-scale-") as folder, awake():
        for count in counts:
            own = Path(folder, str(count))
            own.mkdir()
            with capped(count, own) as port:
                asked(port, count, seconds)  # a first round that does not count
                rate = statistics.median(asked(port, count, seconds) for _ in range(rounds))
            print(f"{count} instances: {rate:,.0f} answers a second", flush=True)
            found.append((count, rate))
    return found


def told(found: Sequence[tuple[int, float]], law: usl.Law) -> str:
    """In words."""
    most, rate = law.limit
    rest = ", ".join(f"{count}: {100 * one:+.1f} %" for (count, _), one in zip(found, law.residuals, strict=True))
    return f"one does {law.one:,.0f}/s; contention {law.contention:.4f}, coherence {law.coherence:.5f}; residuals {rest}; " + (
        f"most at {most:.0f} instances: {rate:,.0f}/s" if most < 1e6 else f"no end in sight; towards {rate:,.0f}/s"
    )


def main(arguments: Sequence[str]) -> int:
    """Measures, fits, writes a JSON file; the exit code."""
    parser = argparse.ArgumentParser(prog="make scale", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--counts", default="1,2,3,4,6,8")
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path, default=FOLDER / "scale.json")
    options = parser.parse_args(arguments)
    environment: dict[str, Any] = machine.environment()
    if not environment["wrk"] or os.geteuid() != 0:
        print("make scale: needs root and wrk: `apt-get install wrk`, and run it as root", file=sys.stderr)
        return 2
    counts = [int(word) if word.isdigit() else 0 for word in options.counts.split(",")]
    if not all(counts):
        print(f"make scale: --counts {options.counts}: give numbers of servers joined by commas, as 1,2,4", file=sys.stderr)
        return 2
    try:
        found = measured(counts, options.seconds, options.rounds)
        law = usl.fit(found)
    except (OSError, ValueError) as error:
        print(f"make scale: {error}", file=sys.stderr)
        return 2
    date = f"{datetime.now(UTC):%Y-%m-%d}"
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(
        json.dumps({"date": date, "found": found, "law": asdict(law), "environment": environment}, indent=1), encoding="utf-8"
    )
    print(told(found, law))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
