"""Faults that no alert has a drill for: what clients, programs, servers and machines do to move a panel that stands at 0.

Each is real, ends with its block, and touches neither Prometheus's data nor a rule. `FAULTS` names them for `movers`.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TypeAlias

import psycopg
from redis import Redis
from redis.exceptions import RedisError

from alerts.inbox.guard import HEADER
from compose import backing
from compose.errors import ComposeError
from metrics import stack
from metrics.websocket import ROOMS
from settings.paths import REDIS_ADMIN_USER
from settings.secrets import read_secret
from stream.bus import scripts
from tests.alerts.inbox.service import alert, delivery
from tests.appliance import Appliance, status_of
from tests.drills.faults import stop_service
from tests.drills.feed_faults import silence_source
from tests.exporters.redis import servers as redis_servers
from tests.live.panels import clients, machine, workload
from tests.live.panels.servers import MOST_CLIENTS, Servers, wrong_calls
from tests.postgres import Bare

_TWICE = delivery(alert())
_WRONG = "proof-wrong"


@dataclass(frozen=True)
class World:
    """The appliance and what runs beside it."""

    appliance: Appliance
    servers: Servers


Fault: TypeAlias = Callable[[World], AbstractContextManager[None]]


@contextmanager
def wrong_deliveries(world: World) -> Iterator[None]:
    """Somebody without the inbox's token sends it alerts; and the same delivery comes twice."""
    address = world.appliance.url("inbox", "/api/alerts")
    token = read_secret(world.appliance.paths.inbox_token, "the inbox's token")
    for given, body in (("wrong", b"{}"), (token, b"{}"), (token, _TWICE), (token, _TWICE)):
        _post(address, body, given)
    yield


def _post(address: str, body: bytes, token: str) -> None:
    asked = urllib.request.Request(address, data=body, headers={"Authorization": f"Bearer {token}"})
    with contextlib.suppress(urllib.error.HTTPError):  # a refusal is what is meant to come
        urllib.request.urlopen(asked, timeout=5).close()


@contextmanager
def backups(world: World) -> Iterator[None]:
    """Somebody backs up, while a file cannot be read, and once it can."""
    odd = world.appliance.paths.data / "analysis" / "unreadable"
    odd.write_text("")
    odd.chmod(0)
    with contextlib.suppress(ComposeError):
        backing.backup(world.appliance.stack, lambda _: None)
    odd.unlink()
    backing.backup(world.appliance.stack, lambda _: None)
    yield


@contextmanager
def wrong_board(world: World) -> Iterator[None]:
    """Somebody looks at a dashboard whose author forgot a parenthesis: Prometheus refuses its query."""
    boards = world.appliance.paths.rendered / "dashboards"
    board = json.loads((boards / f"{stack.DASHBOARD_OVERVIEW}.json").read_text(encoding="utf-8"))
    panel = next(one for one in board["panels"] if one["type"] == "stat")
    panel["targets"][0]["expr"] = "sum("
    file = boards / f"{_WRONG}.json"
    file.write_text(json.dumps(board | {"uid": _WRONG, "title": "A wrong one", "panels": [panel]}), encoding="utf-8")
    file.chmod(0o644)
    stop = threading.Event()

    def look() -> None:
        status_of(world.appliance.url("grafana", f"/d/{_WRONG}"), 15)
        while not stop.wait(0.3):
            status_of(world.appliance.url("grafana", f"/api/panel/{_WRONG}/{panel['id']}?from=now-5m&to=now"), 15)

    try:
        with clients.repeated(look, stop):
            yield
    finally:
        file.unlink()


@contextmanager
def killed_service(world: World) -> Iterator[None]:
    """A service's process is killed; the watcher brings it back."""
    os.kill(world.appliance.process("exporter-system").pid, signal.SIGKILL)
    yield


@contextmanager
def busy_shop(world: World) -> Iterator[None]:
    """A second PostgreSQL at work: a transaction prepared and left, a broken index, a sort on disk, a checkpoint."""
    with world.servers.shop.admin() as shop:
        shop.execute(
            "CREATE TABLE orders AS SELECT n % 1000 AS number, repeat('x', 100) AS text FROM generate_series(1, 200000) n"
        )
        shop.execute("BEGIN")
        shop.execute("UPDATE orders SET text = 'y' WHERE number = 1")
        shop.execute("PREPARE TRANSACTION 'left'")
        with contextlib.suppress(psycopg.errors.UniqueViolation):
            shop.execute("CREATE TABLE twice AS SELECT 1 AS id UNION ALL SELECT 1")
            shop.execute("CREATE UNIQUE INDEX CONCURRENTLY twice_id ON twice (id)")
        shop.execute("SET work_mem = '64kB'")
        shop.execute("SELECT count(*) FROM (SELECT text, number FROM orders ORDER BY text, number) sorted")
        shop.execute("CHECKPOINT")
        yield
        shop.execute("ROLLBACK PREPARED 'left'")
        shop.execute("DROP TABLE orders, twice")


@contextmanager
def paused_standby(world: World) -> Iterator[None]:
    """The standby of the data store stops replaying, while the primary goes on."""
    where = f"host=127.0.0.1 port={world.servers.standby.port} user=postgres dbname=postgres"
    with psycopg.connect(where, autocommit=True) as standby:
        standby.execute("SELECT pg_wal_replay_pause()")
        yield
        standby.execute("SELECT pg_wal_replay_resume()")


@contextmanager
def small_redis(world: World) -> Iterator[None]:
    """A Redis that is filled beyond its memory, asked by more clients than it lets in, and saves."""
    small = world.servers.small
    wrong_calls(small)
    small.ask("BGREWRITEAOF")
    small.ask("CLIENT", "KILL", "TYPE", "replica")  # it goes on where it was
    with contextlib.ExitStack() as held:
        for number in range(4_000):
            small.client.set(f"report:{number}", "x" * 2_000)
        for _ in range(MOST_CLIENTS + 4):
            held.enter_context(socket.create_connection(("127.0.0.1", small.port)))
        with contextlib.suppress(RedisError):  # it cannot while it saves
            small.ask("BGSAVE")
        small.ask("DEBUG", "CHANGE-REPL-ID")
        small.ask("CLIENT", "KILL", "TYPE", "replica")  # and now it cannot
        yield


@contextmanager
def empty_bus(world: World) -> Iterator[None]:
    """Somebody empties the bus's Redis."""
    password = read_secret(world.appliance.paths.redis_admin_password, "the administrator's password")
    with Redis(host="127.0.0.1", port=world.appliance.site.ports.bus, username=REDIS_ADMIN_USER, password=password) as bus:
        bus.flushall()
    yield


@contextmanager
def skipped_numbers(world: World) -> Iterator[None]:
    """Somebody's script counts up the numbers of the rooms on the bus, and writes no messages to them."""
    password = read_secret(world.appliance.paths.redis_admin_password, "the administrator's password")
    with Redis(host="127.0.0.1", port=world.appliance.site.ports.bus, username=REDIS_ADMIN_USER, password=password) as bus:
        for room in ROOMS:
            bus.hincrby(scripts.state(room), "seq", 7)
    yield


@contextmanager
def silence(world: World) -> Iterator[None]:
    """Somebody on call mutes an alert for a while."""
    body = json.dumps({"matchers": "alertname=HighCPUUsage", "duration": "5m", "comment": "a proof", "by": "proof"}).encode()
    asked = urllib.request.Request(
        world.appliance.url("inbox", "/api/silences"), data=body, headers={"Content-Type": "application/json", HEADER: "1"}
    )
    urllib.request.urlopen(asked, timeout=5).close()
    yield


@contextmanager
def deploy(world: World) -> Iterator[None]:
    """A script tells of a deploy."""
    asked = urllib.request.Request(
        world.appliance.url("inbox", "/api/events"),
        data=json.dumps({"title": "shop 1.4.2", "kind": "deploy"}).encode(),
        headers={"Content-Type": "application/json", HEADER: "1"},
    )
    urllib.request.urlopen(asked, timeout=5).close()
    yield


@contextmanager
def late_items(world: World) -> Iterator[None]:
    """A source that goes on telling one item, whose time stands still: late at first, then too late."""
    item = {"symbol": "BTC", "fear_greed_index": 50, "time": round((time.time() - 1) * 1000)}
    with silence_source(json.dumps(item).encode())(world.appliance):
        yield


@contextmanager
def items_of_the_past(world: World) -> Iterator[None]:
    """A source that tells an item of an hour ago: older than what any window still takes."""
    item = {"symbol": "BTC", "fear_greed_index": 50, "time": round((time.time() - 3600) * 1000)}
    with silence_source(json.dumps(item).encode())(world.appliance):
        yield


@contextmanager
def server_back(world: World) -> Iterator[None]:
    """A server that was gone all the time answers: its state, and so the worst of all, moves."""
    database, cache = Bare(), redis_servers.Redis()
    database.port = world.servers.gone["postgres"]
    cache.move(world.servers.gone["redis"])
    with database, cache:
        yield


@contextmanager
def deaf_alertmanager(world: World) -> Iterator[None]:
    """Alertmanager takes connections and answers nobody: what Prometheus has for it waits."""
    process = world.appliance.process("alertmanager").pid
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):  # whoever watches it has started it anew
            os.kill(process, signal.SIGCONT)


@contextmanager
def many_alerts_nobody_takes(world: World) -> Iterator[None]:
    """Alertmanager is stopped, while alerts fire: the Watchdog does always."""
    with stop_service("alertmanager")(world.appliance):
        yield


def _at(fault: Callable[[Appliance], AbstractContextManager[None]]) -> Fault:
    return lambda world: fault(world.appliance)


def _machine(fault: Callable[[], AbstractContextManager[None]]) -> Fault:
    return lambda _: fault()


FAULTS: Mapping[str, Fault] = {
    "wrong deliveries to the inbox": wrong_deliveries,
    "a dashboard with a wrong query": wrong_board,
    "a killed service": killed_service,
    "a second PostgreSQL at work": busy_shop,
    "a standby that stops replaying": paused_standby,
    "a Redis that is too small": small_redis,
    "Alertmanager away": many_alerts_nobody_takes,
    "a crowd from one address": _at(clients.crowd),
    "broken frames and a foreign page": _at(clients.broken_frames),
    "clients that come back": _at(clients.lost_places),
    "a client that reads nothing": _at(clients.slow_reader),
    "odd questions to the models": _at(clients.odd_questions),
    "a damaged spool": _at(workload.damaged_spool),
    "a cold cache behind a lock": _at(workload.cold_cache),
    "rows that no partition expects": _at(workload.strange_rows),
    "versions handled by people": _at(workload.handled_models),
    "packets that no protocol takes": _machine(machine.packets_between),
    "a listener that accepts nobody": _machine(machine.full_queue),
    "programs that wait for the disk": _machine(machine.busy_disk),
    "a filesystem that nobody may see": _machine(machine.hidden_filesystem),
    "a program that wants too much memory": _machine(machine.greedy_program),
    "late items of a source": late_items,
    "items of the past": items_of_the_past,
    "a source that only says that it lives": _at(silence_source(b'{"heartbeat": 1}')),
    "a bus that was emptied": empty_bus,
    "numbers of the bus that nobody used": skipped_numbers,
    "servers that come back": server_back,
    "a deaf Alertmanager": deaf_alertmanager,
    "a silence": silence,
    "a deploy": deploy,
    "backups by hand": backups,
    "a source that tells garbage": _at(silence_source(b"garbage")),
    "a stream without a bus": _at(workload.without_bus),
}
