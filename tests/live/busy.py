"""What panels tell of only when something happens: short real faults, by people and programs, while pages are looked at."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from redis import Redis, ResponseError

from metrics import analysis, app, model_quality, stack
from metrics.postgres import activity, indexes, replication, server, tables
from metrics.redis import commands, keys
from settings.paths import CLONE, REDIS_ADMIN_USER
from settings.secrets import read_secret
from tests.appliance import Appliance, status_of
from tests.drills.database_faults import superuser, working
from tests.drills.postgres_faults import forget_slot, table, use_up_sequence, wait_for_lock
from tests.listening import listening
from tests.waiting import until

# The models learn within seconds: a horizon of 1 s, under the factor of these tests.
SETTINGS = {
    "analysis": {"horizons": ["10s"], "every": "5s", "publish": "100s"},
    "stream": {"replay": {"rate": 30}},
    "exporters": {"model_quality": {"window": "10m", "outcomes": 40}},
}
_SPIN = "local sum = 0 for number = 1, 2000000 do sum = sum + number end"  # 20 ms or so; a script's clock may stand still
_PAUSE = 0.5  # seconds between two questions
# What is there when everything below has reached Prometheus.
_SEEN = (
    f"count({model_quality.BRIER.name}{{of='model'}}) == {len(analysis.MODELS)}",
    f"min({model_quality.BREACHES.name})",
    f"count({model_quality.V_ACCURACY.name}{{of='model'}}) >= {len(analysis.MODELS)}",
    f"sum(rate({app.REQUESTS.name}{{code='4xx'}}[1m])) > 0",
    f"sum(rate({stack.PREVIEW_QUERY_DURATION.name}_count[1m])) > 0",
    f"max({tables.BLOAT.name}{{relname='drill_bloat'}})",
    f"max({tables.VACUUM_SCANNED.name})",
    f"max({indexes.SEQUENCE_USED.name})",
    f"max({replication.SLOT_BEHIND.name})",
    f"max({server.PENDING_RESTART.name}) > 0",
    f"max({keys.PENDING.name}) > 0",
    f"max({commands.SPIKE.name})",
)


@contextmanager
def busy(appliance: Appliance) -> Iterator[None]:
    """Within the block everything of `_SEEN` is there, and clients ask and listen."""
    with contextlib.ExitStack() as stack_:
        for part in _parts(appliance):
            stack_.enter_context(part)
        for query in _SEEN:
            _seen(appliance, query)
        # Not for longer: sizes of a locked table cannot be had, and at this pace the exporter has no time to wait for each.
        with wait_for_lock()(appliance):
            _seen(appliance, f"max({activity.BLOCKED.name})")
        yield


def _seen(appliance: Appliance, query: str) -> None:
    until(query, lambda: appliance.query(query), 90, 0.2)


def _parts(appliance: Appliance) -> Iterator[AbstractContextManager[None]]:
    yield listening(appliance)
    yield _asking(appliance)
    yield use_up_sequence()(appliance)
    yield forget_slot()(appliance)
    yield _pending_restart(appliance)
    yield _slow_bus(appliance)
    yield table(
        appliance, "drill_bloat",
        "CREATE TABLE drill_bloat (id int, filler text) WITH (autovacuum_enabled = off)",
        "INSERT INTO drill_bloat SELECT generate_series(1, 50000), repeat('x', 100)",
        "DELETE FROM drill_bloat WHERE id % 10 <> 0",
        "ANALYZE drill_bloat",
    )  # fmt: skip
    # One page in a tenth of a second: it is under way for as long as anybody looks.
    yield working(appliance, "SET vacuum_cost_delay = 100", "SET vacuum_cost_limit = 1", "VACUUM drill_bloat")


@contextmanager
def _asking(appliance: Appliance) -> Iterator[None]:
    """Programs that use the API, now and then wrongly, and somebody who looks at a dashboard."""
    stop = threading.Event()
    api = appliance.url("stream", "/api")
    panel = appliance.url("grafana", f"/api/panel/{stack.DASHBOARD_OVERVIEW}/{_panel()}?from=now-5m&to=now")

    def ask() -> None:
        while not stop.wait(_PAUSE):
            for path in ("/cryptocurrencies", "/dashboard", "/cryptocurrencies?limit=0"):
                status_of(api + path)
            status_of(panel)

    program = threading.Thread(target=ask, daemon=True)
    program.start()
    try:
        yield
    finally:
        stop.set()
        program.join()


def _panel() -> int:
    """The number of a panel of the Overview that is drawn."""
    made = json.loads((CLONE / "dashboards" / "rendered" / f"{stack.DASHBOARD_OVERVIEW}.json").read_text(encoding="utf-8"))
    return next(int(panel["id"]) for panel in made["panels"] if panel["type"] == "stat")


@contextmanager
def _slow_bus(appliance: Appliance) -> Iterator[None]:
    """A group of the bus whose one reader has gone, a wrong call, a script that keeps it busy while its latency is watched."""
    password = read_secret(appliance.paths.redis_admin_password, "the administrator's password")
    with Redis(host="127.0.0.1", port=appliance.site.ports.bus, username=REDIS_ADMIN_USER, password=password) as bus:
        stream = next(iter(bus.scan_iter(_type="stream")))
        bus.config_set("latency-monitor-threshold", 1)
        # Again and again: what one spike of 20 ms leaves is not always there when the exporter looks.
        until("a spike of latency", lambda: bus.eval(_SPIN, 0) or appliance.query(f"max({commands.SPIKE.name})"), 90, 0.5)
        with contextlib.suppress(ResponseError):
            bus.get(stream)  # WRONGTYPE: nobody of ours is ever refused
        bus.xgroup_create(stream, "drill", id="0")
        bus.xreadgroup("drill", "gone", {stream: ">"}, count=5)  # taken, and never acknowledged
        try:
            yield
        finally:
            with contextlib.suppress(ResponseError):  # who emptied the bus took the stream along
                bus.xgroup_destroy(stream, "drill")
            bus.config_set("latency-monitor-threshold", 0)


@contextmanager
def _pending_restart(appliance: Appliance) -> Iterator[None]:
    """A setting that somebody has changed, and that counts from the next restart on."""
    with superuser(appliance) as connection:
        connection.execute("ALTER SYSTEM SET max_prepared_transactions = 5")
        connection.execute("SELECT pg_reload_conf()")
    try:
        yield
    finally:
        with superuser(appliance) as connection:  # the server may have been started anew meanwhile
            connection.execute("ALTER SYSTEM RESET max_prepared_transactions")
            connection.execute("SELECT pg_reload_conf()")
