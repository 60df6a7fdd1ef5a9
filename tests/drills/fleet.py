"""Servers beside the appliance's own, named as targets.

Redis: a primary, its replica, a cluster's node, two Sentinels. PostgreSQL: a shop's server, its standby, and an old one.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import redis
from msgspec import to_builtins

from exporters import postgres
from exporters.probe.goal import own
from settings.paths import DATABASE_USER, EXPORTER_USER
from tests.appliance import Appliance
from tests.drills.tls_front import front
from tests.exporters.redis.servers import SENTINEL_RULES, Redis
from tests.postgres import Bare
from tests.stream.store.postgres import Postgres
from tests.waiting import free_ports, until

SHOP, STANDBY, OLD = "drill-shop", "drill-standby", "drill-old"
PRIMARY, REPLICA, CLUSTER, SENTINEL, SECOND = "drill-primary", "drill-replica", "drill-cluster", "drill-sentinel", "drill-second"
MEMORY, CLIENTS = "64mb", 100  # what the primary may have
_SLOTS = 16_384
_UNFORCED = "autovacuum_freeze_max_age=2000000000"  # else the server would freeze the old one's rows at once, by itself
_databases: dict[Path, dict[str, Bare | Postgres]] = {}  # by the appliance's home, and by name


@contextlib.contextmanager
def fleet(appliance: Appliance, exporters: Mapping[str, Any]) -> Iterator[None]:
    """The servers run, and the appliance watches them beside its own; `exporters` is that section of the site otherwise."""
    with contextlib.ExitStack() as held:
        start = held.enter_context
        more = ("--repl-diskless-sync-delay", "0", "--enable-protected-configs", "local")  # a fault moves its folder
        primary = start(Redis("--maxmemory", MEMORY, "--maxclients", str(CLIENTS), *more))
        replica = start(Redis("--replicaof", "127.0.0.1", str(primary.port)))
        cluster = start(Redis("--cluster-enabled", "yes", "--cluster-port", str(free_ports(1)[0])))
        cluster.ask("CLUSTER", "ADDSLOTSRANGE", 0, _SLOTS - 1)
        watched = f"sentinel monitor main 127.0.0.1 {primary.port} 2\nsentinel down-after-milliseconds main 60000"
        first, second = (start(Redis("--sentinel", rules=SENTINEL_RULES, lines=watched)) for _ in range(2))
        until("the replica follows", lambda: replica.client.info("replication")["master_link_status"] == "up")
        until("the Sentinels know each other", lambda: _agree(first) and _agree(second), 30)
        tls = held.enter_context(front(appliance))
        servers = {PRIMARY: primary, REPLICA: replica, CLUSTER: cluster, SENTINEL: first, SECOND: second}
        named = [{"name": name, "url": f"redis://127.0.0.1:{server.port}"} for name, server in servers.items()]
        databases = _databases[appliance.home] = held.enter_context(_postgres())
        appliance.change(
            exporters={
                **exporters,
                "postgres": {"targets": [_own_postgres(appliance), *(_dsn(name, one.port) for name, one in databases.items())]},
                "redis": {"targets": [*_own(appliance), *named]},
                "probe": {"targets": [_own_stream(appliance), tls.target()]},
            }
        )
        appliance.up()
        until("all of them are asked", lambda: appliance.value("sum(redis_up)") == len(named) + len(_own(appliance)), 60)
        wanted_up = len(databases) + 1
        until("so are the databases", lambda: appliance.value("sum(pg_up)") == wanted_up, 60)
        until("the stream, started anew, is found well", lambda: appliance.value("min(probe_success)") == 1, 90)
        until("the certificate is seen", lambda: appliance.query("probe_ssl_earliest_cert_expiry"), 60)
        yield


@contextlib.contextmanager
def _postgres() -> Iterator[dict[str, Bare | Postgres]]:
    with Bare() as shop, shop.standby() as standby, Bare("-c", _UNFORCED) as old:
        yield {SHOP: shop, STANDBY: standby, OLD: old}


def _own_postgres(appliance: Appliance) -> dict[str, Any]:
    return dict(to_builtins(postgres.own(appliance.site))) | {"password_file": str(appliance.paths.exporter_password)}


def _dsn(name: str, port: int) -> dict[str, str]:
    return {"name": name, "dsn": f"host=127.0.0.1 port={port} user={DATABASE_USER} dbname=postgres"}


def database(appliance: Appliance, name: str) -> Bare | Postgres:
    """One of the PostgreSQL servers."""
    return _databases[appliance.home][name]


def _agree(sentinel: Redis) -> bool:
    try:
        return bool(sentinel.ask("SENTINEL", "CKQUORUM", "main"))
    except redis.ResponseError:
        return False


def _own(appliance: Appliance) -> list[dict[str, str]]:
    """The appliance's own servers as targets: a site that names others must name these too."""
    file = str(appliance.paths.redis_exporter_password)
    return [
        {"name": name, "url": url, "user": EXPORTER_USER, "password_file": file} for name, url in appliance.site.own_redis.items()
    ]


def _own_stream(appliance: Appliance) -> dict[str, Any]:
    return {name: value for name, value in to_builtins(own(appliance.site)).items() if value}


def client(appliance: Appliance, name: str) -> redis.Redis:
    """A person's connection to one of the servers."""
    url = next(target.url for target in appliance.site.exporters.redis.targets if target.name == name)
    return redis.Redis(port=urlsplit(url).port or 0, socket_timeout=10)
