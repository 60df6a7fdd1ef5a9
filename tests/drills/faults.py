"""Faults: each touches processes, files, memory, load or clients; never Prometheus, rules, exported values. All end."""

from __future__ import annotations

import contextlib
import mmap
import multiprocessing
import os
import subprocess
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from typing import TypeAlias

import psutil
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from compose import topology
from tests.appliance import Appliance

Fault: TypeAlias = Callable[[Appliance], AbstractContextManager[None]]
_MODELS = "analysis"
_PERIOD = 0.05  # seconds in which a burner works and rests
_DEVICE = "watchfloor-drill"
_A_CONNECTION = 15  # bad messages, before the server would close the connection for them


def burn_cpu(percent: float) -> Fault:
    """All processors together `percent` busy, whatever else runs: the share of work is steered by what is measured."""

    @contextlib.contextmanager
    def fault(_: Appliance) -> Iterator[None]:
        share = multiprocessing.Value("d", percent / 100)
        workers = [multiprocessing.Process(target=_burn, args=(share,), daemon=True) for _ in range(psutil.cpu_count() or 1)]
        steering = multiprocessing.Process(target=_steer, args=(share, percent), daemon=True)
        for process in (*workers, steering):
            process.start()
        try:
            yield
        finally:
            for process in (*workers, steering):
                process.kill()
                process.join()

    return fault


def _burn(share: Synchronized[float]) -> None:
    while True:
        end = time.perf_counter() + _PERIOD * share.value
        while time.perf_counter() < end:
            pass
        time.sleep(max(0.0, _PERIOD * (1 - share.value)))


def _steer(share: Synchronized[float], wanted: float) -> None:
    psutil.cpu_times_percent()
    while wanted < 100:
        used = psutil.cpu_times_percent(interval=0.5)
        busy = 100 - used.idle - used.iowait
        share.value = min(1.0, max(0.02, share.value + (wanted - busy) / 100 * 0.5))


def fill_memory(beyond: float) -> Fault:
    """Memory filled to `beyond` points above the threshold of HighMemoryUsage, by pages that are really touched.

    A process of its own holds them, which the kernel ends first of all should memory run out after all.
    """

    @contextlib.contextmanager
    def fault(appliance: Appliance) -> Iterator[None]:
        percent = appliance.site.alerts["HighMemoryUsage"].threshold
        assert percent is not None
        memory = psutil.virtual_memory()
        wanted = int(memory.available - memory.total * (1 - (percent + beyond) / 100))
        assert memory.available - wanted > 500 << 20, "this machine has too little memory for a drill that leaves 500 MB free"
        holder = multiprocessing.Process(target=_hold, args=(max(wanted, mmap.PAGESIZE),), daemon=True)
        holder.start()
        try:
            yield
        finally:
            holder.kill()
            holder.join()

    return fault


def _hold(size: int) -> None:
    Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    block = mmap.mmap(-1, size)
    for offset in range(0, size, mmap.PAGESIZE):
        block[offset] = 1
    threading.Event().wait()


def memory_threshold(above: float, declared: float) -> float:
    """A threshold that a drill can reach on a machine in use: `above` points over what is used now, `declared` at most."""
    return min(declared, round(psutil.virtual_memory().percent + above))


def stop_service(name: str) -> Fault:
    """A service that somebody stopped and nothing brings back."""

    @contextlib.contextmanager
    def fault(appliance: Appliance) -> Iterator[None]:
        appliance.stack.supervisor.call("supervisor.stopProcess", name)
        try:
            yield
        finally:
            appliance.stack.supervisor.call("supervisor.startProcess", name)

    return fault


def fill_disk(percent: float, size: int = 64 << 20) -> Fault:
    """A filesystem of its own, of `size` bytes in memory, filled up to `percent`."""

    @contextlib.contextmanager
    def fault(_: Appliance) -> Iterator[None]:
        folder = Path(tempfile.mkdtemp(prefix="watchfloor-disk-"))
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", _DEVICE, str(folder)], check=True)
        try:
            folder.chmod(0o755)
            (folder / "ballast").write_bytes(os.urandom(int(size * percent / 100)))
            yield
        finally:
            subprocess.run(["umount", str(folder)], check=True)
            folder.rmdir()

    return fault


def grow_disk(first: float, per_second: float, size: int = 64 << 20) -> Fault:
    """A filesystem of its own, of `size` bytes in memory, `first` percent full, that goes on filling, in percent a second."""

    @contextlib.contextmanager
    def fault(appliance: Appliance) -> Iterator[None]:
        with fill_disk(first, size)(appliance):
            folder = next(Path(item.mountpoint) for item in psutil.disk_partitions(all=True) if item.device == _DEVICE)
            stop = threading.Event()
            writer = threading.Thread(target=_grow, args=(folder / "growth", int(size * per_second / 100), stop), daemon=True)
            writer.start()
            try:
                yield
            finally:
                stop.set()
                writer.join()

    return fault


def _grow(file: Path, per_second: int, stop: threading.Event) -> None:
    with file.open("ab", buffering=0) as growing:
        while not stop.wait(1):
            growing.write(bytes(per_second))


def send_garbage(per_second: float, most: int = 20_000) -> Fault:
    """A broken client of the stream: `per_second` messages that nobody understands, `most` in all, each one answered."""

    @contextlib.contextmanager
    def fault(appliance: Appliance) -> Iterator[None]:
        address = appliance.url("stream", "/ws").replace("http", "ws", 1)
        stop = threading.Event()
        client = threading.Thread(target=_babble, args=(address, 1 / per_second, most, stop), daemon=True)
        client.start()
        try:
            yield
        finally:
            stop.set()
            client.join()

    return fault


def _babble(address: str, pause: float, most: int, stop: threading.Event) -> None:
    sent = 0
    while sent < most and not stop.is_set():
        try:
            with connect(address, proxy=None, open_timeout=5, close_timeout=1) as socket:
                socket.recv(timeout=5)
                for _ in range(_A_CONNECTION):
                    socket.send("this is no message")
                    socket.recv(timeout=5)
                    sent += 1
                    if stop.wait(pause):
                        break
        except (OSError, WebSocketException):  # it is being restarted: a broken client comes back
            stop.wait(0.5)


def ask_without_models(per_second: float) -> Fault:
    """A program that asks for analyses `per_second` while the process of the models is away, and reads each answer."""

    @contextlib.contextmanager
    def fault(appliance: Appliance) -> Iterator[None]:
        stop = threading.Event()
        program = threading.Thread(target=_question, args=(appliance.url("stream"), 1 / per_second, stop), daemon=True)
        away = stop_service(_MODELS)(appliance) if topology.find(_MODELS) else contextlib.nullcontext()
        with away:
            program.start()
            try:
                yield
            finally:
                stop.set()
                program.join()

    return fault


def _question(address: str, pause: float, stop: threading.Event) -> None:
    body, kind = b'{"type": "risk-assessment", "cryptoId": "bitcoin"}', {"Content-Type": "application/json"}
    while not stop.wait(pause):
        asked = urllib.request.Request(f"{address}/api/ai-analysis", data=body, headers=kind)
        with contextlib.suppress(OSError):  # a refusal is what is meant to come
            urllib.request.urlopen(asked, timeout=5).close()
