"""Faults of Redis servers: what clients, their operators and their disks do to them. What they make they remove."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import redis

from tests.appliance import Appliance
from tests.drills.faults import Fault
from tests.drills.fleet import CLIENTS, CLUSTER, MEMORY, PRIMARY, REPLICA, SECOND, client
from tests.waiting import until

_BATCH = 1000


@contextlib.contextmanager
def _repeated(work: Callable[[], None], pause: float) -> Iterator[None]:
    """Does it again and again, until the block ends."""
    stop = threading.Event()

    def go() -> None:
        while not stop.wait(pause):
            with contextlib.suppress(redis.RedisError):  # a refusal is an answer
                work()

    worker = threading.Thread(target=go, daemon=True)
    worker.start()
    try:
        yield
    finally:
        stop.set()
        worker.join()


def _write(server: redis.Redis, keys: range, size: int) -> None:
    for start in range(keys.start, keys.stop, _BATCH):
        server.mset({f"drill:{number}": os.urandom(size // 2).hex() for number in keys[start - keys.start :][:_BATCH]})


def fill_redis(megabytes: int = 57) -> Fault:
    """A program writes keys that never expire, into a server that evicts nothing."""

    @contextlib.contextmanager
    def fault(appliance: Appliance) -> Iterator[None]:
        server = client(appliance, PRIMARY)
        try:
            _write(server, range(megabytes * 100), 10_000)
            yield
        finally:
            server.flushall()

    return fault


def evict() -> Fault:
    """A cache that somebody made too small for what programs put into it."""

    @contextlib.contextmanager
    def fault(appliance: Appliance) -> Iterator[None]:
        server = client(appliance, PRIMARY)
        server.config_set("maxmemory", "12mb")
        server.config_set("maxmemory-policy", "allkeys-lru")
        numbers = iter(range(0, 10**9, _BATCH))

        def more() -> None:
            first = next(numbers)
            _write(server, range(first, first + _BATCH), 1000)

        try:
            with _repeated(more, 0.5):
                yield
        finally:
            server.flushall()
            server.config_set("maxmemory-policy", "noeviction")
            server.config_set("maxmemory", MEMORY)

    return fault


def fragment(keys: int = 1_200_000) -> Fault:
    """Small values by the million are written, and four of five are deleted: what stays holds every page."""

    @contextlib.contextmanager
    def fault(appliance: Appliance) -> Iterator[None]:
        server = client(appliance, CLUSTER)  # which has no replica that would do the same
        try:
            server.execute_command("DEBUG", "POPULATE", keys, "{drill}", 150)  # type: ignore[no-untyped-call]  # as redis-py has it
            for start in range(0, keys, _BATCH):
                server.delete(*(f"{{drill}}:{number}" for number in range(start, start + _BATCH) if number % 5))
            yield
        finally:
            server.flushall()
            server.execute_command("MEMORY", "PURGE")  # type: ignore[no-untyped-call]  # the same

    return fault


@contextlib.contextmanager
def _connected(appliance: Appliance, free: int) -> Iterator[redis.Redis]:
    """Clients connect until so many connections are left; beside them one that is there already."""
    with contextlib.ExitStack() as held:
        first = client(appliance, PRIMARY)
        held.callback(first.close)
        taken = first.info("clients")["connected_clients"] + first.info("replication")["connected_slaves"]
        for _ in range(CLIENTS - taken - free):
            more = client(appliance, PRIMARY)
            held.callback(more.close)
            with contextlib.suppress(redis.ConnectionError):  # somebody else was quicker: there is none left
                more.ping()
        yield first


def take_clients() -> Fault:
    """A pool that is far too large: nine tenths of the connections."""

    @contextlib.contextmanager
    def fault(appliance: Appliance) -> Iterator[None]:
        with _connected(appliance, CLIENTS // 10):
            yield

    return fault


def reject_clients() -> Fault:
    """All connections are taken, and a client goes on trying."""

    @contextlib.contextmanager
    def fault(appliance: Appliance) -> Iterator[None]:
        def attempt() -> None:
            with contextlib.closing(client(appliance, PRIMARY)) as one:
                one.ping()

        with _connected(appliance, 0), _repeated(attempt, 0.5):
            yield

    return fault


def _data(server: redis.Redis) -> Path:
    return Path(str(server.config_get("dir")["dir"]))


def obstruct_snapshot() -> Fault:
    """A folder of the snapshot's name stands where the server wants to put it."""

    @contextlib.contextmanager
    def fault(appliance: Appliance) -> Iterator[None]:
        server = client(appliance, PRIMARY)
        obstacle = _data(server) / str(server.config_get("dbfilename")["dbfilename"])
        obstacle.unlink(missing_ok=True)
        obstacle.mkdir()
        server.bgsave()
        try:
            yield
        finally:
            obstacle.rmdir()
            until("a snapshot succeeds", lambda: _saves(server), 30)

    return fault


def _saves(server: redis.Redis) -> bool:
    with contextlib.suppress(redis.ResponseError):  # one is under way
        server.bgsave()
    found = server.info("persistence")
    return bool(found["rdb_last_bgsave_status"] == "ok" and not found["rdb_bgsave_in_progress"])


def forget_snapshots() -> Fault:
    """Snapshots are asked for so seldom that changes wait for them."""

    @contextlib.contextmanager
    def fault(appliance: Appliance) -> Iterator[None]:
        server = client(appliance, PRIMARY)
        server.config_set("save", "86400 1000000")
        server.set("drill", 1)
        try:
            yield
        finally:
            server.config_set("save", "")
            until("a snapshot succeeds", lambda: _saves(server), 30)

    return fault


def fill_append_only_disk(size: int = 16 << 20) -> Fault:
    """The filesystem with the append-only file is full, after the file was well there."""

    @contextlib.contextmanager
    def fault(appliance: Appliance) -> Iterator[None]:
        server = client(appliance, PRIMARY)
        before = _data(server)
        folder = before / "small"
        folder.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "watchfloor-drill", str(folder)], check=True)
        try:
            server.config_set("dir", str(folder))
            server.config_set("appendonly", "yes")
            until("it is written and rewritten", lambda: _appends(server), 30)
            ballast = folder / "ballast"
            with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:  # until it is full
                while True:
                    file.write(bytes(4096))
            with _repeated(lambda: _write(server, range(100), 1000), 0.5):
                yield
            ballast.unlink()
            until("it is written and rewritten again", lambda: _appends(server), 30)
        finally:
            server.config_set("appendonly", "no")
            server.flushall()
            server.config_set("dir", str(before))
            subprocess.run(["umount", "--lazy", str(folder)], check=True)
            folder.rmdir()

    return fault


def _appends(server: redis.Redis) -> bool:
    """Whether writes and rewrites succeed; a rewrite that failed is told of until another one succeeds."""
    found = server.info("persistence")
    if found["aof_rewrite_in_progress"]:
        return False
    if found["aof_last_write_status"] == found["aof_last_bgrewrite_status"] == "ok":
        return True
    with contextlib.suppress(redis.ResponseError):  # one is under way meanwhile
        server.bgrewriteaof()
    return False


def break_replication() -> Fault:
    """A replica is given a password that its primary does not know."""

    @contextlib.contextmanager
    def fault(appliance: Appliance) -> Iterator[None]:
        replica = client(appliance, REPLICA)
        replica.config_set("masterauth", "wrong")
        client(appliance, PRIMARY).execute_command("CLIENT", "KILL", "TYPE", "replica")  # type: ignore[no-untyped-call]  # as redis-py has it
        try:
            yield
        finally:
            replica.config_set("masterauth", "")

    return fault


def hang(name: str) -> Fault:
    """A server's process hangs."""

    @contextlib.contextmanager
    def fault(appliance: Appliance) -> Iterator[None]:
        process = int(client(appliance, name).info("server")["process_id"])
        os.kill(process, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(process, signal.SIGCONT)

    return fault


def lose_slot() -> Fault:
    """A slot of the cluster is nobody's."""

    @contextlib.contextmanager
    def fault(appliance: Appliance) -> Iterator[None]:
        node = client(appliance, CLUSTER)
        node.execute_command("CLUSTER", "DELSLOTS", 0)  # type: ignore[no-untyped-call]  # as redis-py has it
        try:
            yield
        finally:
            node.execute_command("CLUSTER", "ADDSLOTS", 0)  # type: ignore[no-untyped-call]  # the same

    return fault


def lose_sentinel() -> Fault:
    """One of two Sentinels hangs."""
    return hang(SECOND)


def run_slow_commands() -> Fault:
    """A program runs a script that takes its time, twice a second."""

    @contextlib.contextmanager
    def fault(appliance: Appliance) -> Iterator[None]:
        server = client(appliance, PRIMARY)
        script = "local n = 0 for i = 1, 3000000 do n = n + i end return n"
        with _repeated(lambda: server.eval(script, 0) and None, 0.5):
            yield

    return fault


def forbid(command: str) -> Fault:
    """An operator takes a command from the user as whom the exporter asks."""

    @contextlib.contextmanager
    def fault(appliance: Appliance) -> Iterator[None]:
        server = client(appliance, PRIMARY)
        server.execute_command("ACL", "SETUSER", "default", f"-{command}")  # type: ignore[no-untyped-call]  # as redis-py has it
        try:
            yield
        finally:
            server.execute_command("ACL", "SETUSER", "default", f"+{command}")  # type: ignore[no-untyped-call]  # the same

    return fault
