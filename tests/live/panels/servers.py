"""Servers that the appliance does not bring along: what a site may watch beside it. Real ones, on free ports.

A standby of the data store; a PostgreSQL with prepared transactions whose archiving fails; a Redis that saves snapshots and is
too small, its replica, a node of a cluster, a Sentinel; a TLS end in front of the stream; and a port at which nobody listens.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from redis.exceptions import ResponseError

from exporters import postgres, redis
from exporters.probe.goal import own
from settings.paths import DATABASE_USER
from settings.secrets import read_secret
from tests.appliance import Appliance
from tests.exporters.redis.servers import SENTINEL_RULES, Redis
from tests.exporters.test_gate import certificate
from tests.postgres import Bare
from tests.stream.store.postgres import Postgres
from tests.waiting import free_ports, until

MOST_CLIENTS = 24  # of the small Redis
_NO_ARCHIVE = ("-c", "archive_mode=on", "-c", "archive_command=false", "-c", "archive_timeout=10s")
_KEYS = [{"pattern": "report:*"}]


@dataclass(frozen=True)
class Servers:
    """What runs beside the appliance; `targets` is `exporters` of site.yaml, as far as it names servers.

    `replica` is the file that says where the standby is, as `database.replica_url_file` takes it. `gone` are ports, by
    kind of server, at which none listens.
    """

    shop: Bare
    standby: Postgres
    small: Redis
    replica: Path
    gone: dict[str, int]
    targets: dict[str, Any]


@contextmanager
def servers(appliance: Appliance, folder: Path) -> Iterator[Servers]:
    """Starts them; `folder` must be open to the appliance's users."""
    with contextlib.ExitStack() as stack:
        shop = stack.enter_context(Bare("-c", "checkpoint_timeout=30s", "-c", "max_prepared_transactions=5", *_NO_ARCHIVE))
        standby = stack.enter_context(_standby(appliance))
        small = stack.enter_context(_small())
        replica = stack.enter_context(Redis("--replicaof", f"127.0.0.1 {small.port}"))
        node = stack.enter_context(_node())
        watched = f"sentinel monitor small 127.0.0.1 {small.port} 1"
        sentinel = stack.enter_context(Redis("--sentinel", rules=SENTINEL_RULES, lines=watched))
        secure = stack.enter_context(_tls(appliance.site.ports.stream, folder))
        others = {"small": small, "replica": replica, "node": node, "sentinel": sentinel}
        gone = dict(zip(("postgres", "redis"), free_ports(2), strict=True))
        targets = {
            "postgres": _postgres(appliance, {"shop": shop.port, "standby": standby.port, "gone": gone["postgres"]}),
            "redis": _redis(appliance, {name: one.port for name, one in others.items()} | {"gone": gone["redis"]}),
            "probe": _probe(appliance, secure, folder / "cert.pem"),
        }
        replica_file = _replica(appliance, standby, folder)
        yield Servers(shop, standby, small, replica_file, gone, {name: {"targets": found} for name, found in targets.items()})


@contextmanager
def _standby(appliance: Appliance) -> Iterator[Postgres]:
    """A streaming replica of the appliance's data store."""
    server = Postgres("-c", "max_worker_processes=16")
    if os.geteuid() == 0:
        shutil.chown(server.folder, "nobody")
    password = read_secret(appliance.paths.postgres_password, "the superuser's password")
    source = f"host=127.0.0.1 port={appliance.site.ports.postgres} user=postgres password={password}"
    server.run("pg_basebackup", "-D", str(server.data), "-R", "--no-sync", "--checkpoint=fast", "-d", source)
    (server.data / "pg_hba.conf").write_text("host all all 127.0.0.1/32 trust\n", encoding="ascii")
    try:
        server.start()
        yield server
    finally:
        server.__exit__()


def _replica(appliance: Appliance, standby: Postgres, folder: Path) -> Path:
    file = folder / "replica"
    file.write_text(f"postgresql://{DATABASE_USER}@127.0.0.1:{standby.port}/{DATABASE_USER}\n", encoding="ascii")
    file.chmod(0o600)
    if os.geteuid() == 0:
        shutil.chown(file, appliance.paths.inbox_token.owner())
    return file


@contextmanager
def _small() -> Iterator[Redis]:
    """Little memory, few clients, a snapshot each hour, each command a slow one, and reports as its keys."""
    words = ("--maxmemory", "4mb", "--maxmemory-policy", "allkeys-lru", "--maxclients", str(MOST_CLIENTS))
    with Redis(*words, "--save", "3600 1", "--slowlog-log-slower-than", "0") as server:
        server.ask("SET", "report:1", "x" * 1000)
        wrong_calls(server)
        server.ask("CONFIG", "SET", "appendonly", "yes")  # its first file then has what is there
        yield server


def wrong_calls(server: Redis) -> None:
    """One that is refused before it runs, and one that fails."""
    for words in (("GET",), ("INCR", "report:1")):
        with contextlib.suppress(ResponseError):
            server.ask(*words)


@contextmanager
def _node() -> Iterator[Redis]:
    with Redis("--cluster-enabled", "yes", "--cluster-port", str(free_ports(1)[0])) as server:
        server.ask("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        until("the cluster is whole", lambda: b"cluster_state:ok" in server.ask("CLUSTER", "INFO"))
        yield server


def _postgres(appliance: Appliance, ports: dict[str, int]) -> list[dict[str, Any]]:
    own = msgspec.to_builtins(postgres.own(appliance.site)) | {"password_file": str(appliance.paths.exporter_password)}
    others = {name: f"host=127.0.0.1 port={port} user={DATABASE_USER} dbname=postgres" for name, port in ports.items()}
    return [own, *({"name": name, "dsn": dsn} for name, dsn in others.items())]


def _redis(appliance: Appliance, ports: dict[str, int]) -> list[dict[str, Any]]:
    password = {"password_file": str(appliance.paths.redis_exporter_password)}
    own = [msgspec.to_builtins(one) | password for one in redis.own(appliance.site)]
    others = [{"name": name, "url": f"redis://127.0.0.1:{port}"} for name, port in ports.items()]
    return [*own, *(one | ({"keys": _KEYS} if one["name"] == "small" else {}) for one in others)]


def _probe(appliance: Appliance, port: int, trusted: Path) -> list[dict[str, Any]]:
    secure = {"name": "secure", "url": f"https://127.0.0.1:{port}", "trusted_certificates": str(trusted)}
    return [msgspec.to_builtins(own(appliance.site)), secure]


@contextmanager
def _tls(behind: int, folder: Path) -> Iterator[int]:
    """The port of a TLS end in front of a local port, with a certificate of two days."""
    certificate(folder, "stream")
    (folder / "cert.pem").chmod(0o644)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    with socket.create_server(("127.0.0.1", free_ports(1)[0])) as listener:
        threading.Thread(target=_accept, args=(listener, context, behind), daemon=True).start()
        yield listener.getsockname()[1]


def _accept(listener: socket.socket, context: ssl.SSLContext, behind: int) -> None:
    with contextlib.suppress(OSError):  # the end
        while True:
            threading.Thread(target=_relay, args=(listener.accept()[0], context, behind), daemon=True).start()


def _relay(client: socket.socket, context: ssl.SSLContext, behind: int) -> None:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", behind)) as server:
        outside = context.wrap_socket(client, server_side=True)
        back = threading.Thread(target=_copy, args=(server, outside), daemon=True)
        back.start()
        _copy(outside, server)
        back.join()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65_536):
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_RDWR)
