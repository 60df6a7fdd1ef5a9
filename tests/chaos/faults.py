"""The faults: each returns when it is over, or when what heals by itself has begun to."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from compose.host import SERVICE_USER
from compose.topology import SERVICES
from tests.appliance import Appliance
from tests.chaos.cases import ALERTS, HUNG, Case, World
from tests.chaos.proxy import HOST, Link
from tests.drills.faults import stop_service
from tests.leftovers import mark, ruled

DISK = 700 << 20  # bytes of the filesystem on which all data of the appliance lies
ALMOST = 0.94  # of it is taken until the alert tells
FULL = 15.0  # seconds without a byte left
CUT = 8.0  # seconds of a slow or cut link of which no alert is due: without root it is our own clients' alone
DELAY = 1.5  # seconds that each piece takes longer on a slow one: an answer comes later than any scrape waits
Told = Callable[[], bool]  # whether an alert tells of it


def waited(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether it came true in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.2)
    return False


def do(world: World, case: Case, told: Told) -> None:
    """The case's fault."""
    {"kill": _kill, "stop": _stop, "away": _away, "slow": _slow, "cut": _cut, "fill": _fill}[case.kind](world, case, told)


def _kill(world: World, case: Case, _: Told) -> None:
    os.kill(world.appliance.process(case.component).pid, signal.SIGKILL)


def _stop(world: World, case: Case, told: Told) -> None:
    """Nobody wakes it: a watcher must find and kill it."""
    pid = world.appliance.process(case.component).pid
    os.kill(pid, signal.SIGSTOP)

    def replaced() -> bool:
        told()
        return world.appliance.process(case.component).pid not in (0, pid)

    waited(replaced, HUNG)


def _away(world: World, case: Case, told: Told) -> None:
    with stop_service(case.component)(world.appliance):
        waited(told, HUNG)
        world.mended = time.monotonic()


def _slow(world: World, case: Case, told: Told) -> None:
    with world.links[case.component].slow(DELAY):
        waited(told, HUNG if case.alerts else CUT)
    world.mended = time.monotonic()


def _cut(world: World, case: Case, told: Told) -> None:
    with world.links[case.component].cut():
        waited(told, HUNG if case.alerts else CUT)
    world.mended = time.monotonic()


def _fill(world: World, _: Case, told: Told) -> None:
    """First so far that the alert tells, then to the last byte: then Prometheus takes no samples either."""
    ballast = world.appliance.paths.data / "ballast"
    try:
        with ballast.open("wb", buffering=0) as file:
            free = os.statvfs(ballast.parent)
            os.posix_fallocate(file.fileno(), 0, max(1, free.f_bavail * free.f_frsize - round((1 - ALMOST) * DISK)))
            waited(told, HUNG)
            file.seek(0, os.SEEK_END)
            with contextlib.suppress(OSError):
                while True:
                    file.write(bytes(1 << 20))
            waited(lambda: False, FULL)
    finally:
        world.mended = time.monotonic()
        ballast.unlink(missing_ok=True)


@contextmanager
def linked(appliance: Appliance, led: Collection[str]) -> Iterator[dict[str, Link]]:
    """A link to each component, in use by our clients; to those of `led` by the services too: the kernel leads them there."""
    with ExitStack() as stack:
        links = {}
        for service in SERVICES:
            if service.name in ALERTS:
                port = service.ports(appliance.site)[-1]
                links[service.name] = stack.enter_context(Link(port))
                if service.name in led:
                    stack.enter_context(_redirected(port, links[service.name].port))
        yield links


@contextmanager
def _redirected(port: int, to: int) -> Iterator[None]:
    """What the services' user connects to at this port reaches the other one; the link itself is another user's."""
    with ruled(
        "nat", "-p", "tcp", "-d", HOST, "--dport", str(port), "-m", "owner", "--uid-owner", SERVICE_USER,
        "-j", "REDIRECT", "--to-ports", str(to),
    ):  # fmt: skip
        yield


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """All data of an appliance that is not up yet on a filesystem of its own."""
    folder.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK},mode=755", mark(), str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
        with contextlib.suppress(OSError):  # kept by who wants to look at it
            folder.rmdir()
            folder.parent.rmdir()
