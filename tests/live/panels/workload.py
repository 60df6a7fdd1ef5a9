"""Faults within the workload: its files damaged, its tables used in ways that nobody planned, its models handled by people."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import aiohttp
import yaml
from redis import Redis

from metrics.cache import WARM_WAITING
from settings.environment import SITE_VARIABLE
from settings.paths import HOME_VARIABLE, REDIS_ADMIN_USER
from settings.secrets import read_secret
from stream.analysis.messages import TYPES
from stream.analysis.versions import Shelf
from tests.appliance import Appliance, merged
from tests.drills.database_faults import background, superuser
from tests.drills.faults import stop_service
from tests.waiting import until

_FEW = 3  # values in the memory of a process
_COINS = 400  # of which the fan-out takes a hundred in one turn of the loop
_TOGETHER = 20  # programs
_DAMAGED = (5).to_bytes(4, "little") + bytes(4) + b"wrong"  # a record's length, a checksum that is none, five bytes


@contextmanager
def damaged_spool(appliance: Appliance) -> Iterator[None]:
    """The stream's spool has a record that is none when it starts again."""
    with stop_service("stream")(appliance):
        newest = max((appliance.paths.data / "stream").rglob("*.log"))
        with newest.open("ab") as file:
            file.write(_DAMAGED)
    yield


@contextmanager
def strange_rows(appliance: Appliance) -> Iterator[None]:
    """Rows of a day long gone, which only the default partition takes; and a partition whose time is past."""
    with superuser(appliance) as connection:
        connection.execute("SET ROLE watchfloor")
        connection.execute(
            "INSERT INTO sentiment_data (crypto_id, timestamp) SELECT id, '2001-01-01 12:00+00' FROM cryptocurrencies LIMIT 1"
        )
        connection.execute(
            "CREATE TABLE on_chain_metrics_old PARTITION OF on_chain_metrics"
            " FOR VALUES FROM ('2001-01-01 00:00+00') TO ('2001-01-02 00:00+00')"
        )
        connection.execute("INSERT INTO on_chain_metrics (crypto_id, timestamp) SELECT id, '2001-01-01 12:00+00' FROM"
                           " cryptocurrencies LIMIT 1")  # fmt: skip
        yield
        connection.execute("DELETE FROM sentiment_data WHERE timestamp < '2002-01-01'")
        connection.execute("DROP TABLE IF EXISTS on_chain_metrics_old")


@contextmanager
def handled_models(appliance: Appliance) -> Iterator[None]:
    """Somebody chooses a version by hand, another one's newest file is damaged, and a third has no place to be written."""
    shelf = Shelf(appliance.paths.data / "analysis", appliance.site.analysis.versions)
    first, second, third = _with_versions(shelf)
    damaged = shelf.path(second, shelf.numbers(second)[0] + 1)
    folder = shelf.path(third, 1).parent
    _by_hand(appliance, "rollback", first, str(shelf.numbers(first)[0]))
    with stop_service("analysis")(appliance):  # which reads versions when it starts
        damaged.write_bytes(b"{}")
        damaged.chmod(0o644)
    folder.chmod(0o555)
    try:
        yield
    finally:
        folder.chmod(0o755)
        damaged.unlink(missing_ok=True)
        _by_hand(appliance, "release", first)


def _with_versions(shelf: Shelf) -> list[str]:
    def made() -> list[str] | None:
        found: list[str] = [model for model in TYPES if shelf.numbers(model)]
        return found[:3] if len(found) >= 3 else None

    return until("three models have versions", made, 120)


def _by_hand(appliance: Appliance, *words: str) -> None:
    own = {SITE_VARIABLE: str(appliance.paths.site), HOME_VARIABLE: str(appliance.home)}
    subprocess.run(
        [sys.executable, "-m", "stream.analysis", *words], env=os.environ | own, check=True, capture_output=True, text=True
    )


@contextmanager
def cold_cache(appliance: Appliance) -> Iterator[None]:
    """The stream starts with nothing in its caches, while somebody holds tables from which they would be filled; many ask for it.

    Not the table of prices: writers would hold all connections, and nobody could ask which keys there are. The feeds of the
    other tables tell nothing meanwhile: what they tell fills the cache too, often before whoever warms has its turn.
    """
    quiet = {"sources": {name: {"interval": "2m"} for name in ("onchain", "sentiment")}}
    few = {"memory": {"items": _FEW}}  # so that the pages displace each other
    # The standby learns of a lock later than who reads from it.
    with _other_site(appliance, stream=quiet, cache=few, database={"replica_url_file": ""}), _locked(appliance):
        with stop_service("stream")(appliance), stop_service("edge")(appliance):  # each of the three layers
            password = read_secret(appliance.paths.redis_admin_password, "the administrator's password")
            port = appliance.site.ports.cache_redis
            with Redis(host="127.0.0.1", port=port, username=REDIS_ADMIN_USER, password=password) as cache:
                cache.flushall()
        with _together(appliance.url("stream")):
            # Whoever warms has to get its lease first, every five seconds one attempt.
            with contextlib.suppress(AssertionError):
                until("keys wait", lambda: appliance.query(f"{WARM_WAITING.name} > 0"), 30)
            yield


@contextmanager
def _locked(appliance: Appliance) -> Iterator[None]:
    with superuser(appliance) as connection, connection.transaction():
        connection.execute("LOCK TABLE on_chain_metrics, sentiment_data IN ACCESS EXCLUSIVE MODE")
        yield


@contextmanager
def _together(address: str) -> Iterator[None]:
    """Programs that ask at one moment for the same page, which nobody has asked for before; again and again."""

    async def ask(session: aiohttp.ClientSession, page: int) -> None:
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):  # a refusal is an answer
            async with session.get(f"{address}/api/cryptocurrencies?limit=1&offset={page}") as answer:
                await answer.read()

    async def all_of_them() -> None:
        connector = aiohttp.TCPConnector(limit=0, local_addr=("127.0.0.3", 0))
        async with aiohttp.ClientSession(connector=connector) as session:
            for page in itertools.count(1):
                await asyncio.gather(*(ask(session, page) for _ in range(_TOGETHER)))
                await asyncio.sleep(0.1)

    with background(all_of_them):
        yield


@contextmanager
def without_bus(appliance: Appliance) -> Iterator[None]:
    """The stream as one process without a bus, with more coins than it can tell so often: updates wait in a queue of its own."""
    many = {"rate": 10_000, "symbols": [f"C{number}" for number in range(_COINS)]}
    hasty = {"bus": {"enabled": False}, "replay": many, "sources": {"market": {"interval": "1ms"}}}
    with _other_site(appliance, stream=hasty):
        yield


@contextmanager
def _other_site(appliance: Appliance, **settings: dict[str, Any]) -> Iterator[None]:
    """Other settings in site.yaml, applied."""
    before = appliance.site_file.read_text(encoding="utf-8")
    try:
        appliance.change(**{name: merged(_section(before, name), wanted) for name, wanted in settings.items()})
        appliance.up()
        yield
    finally:
        appliance.site_file.write_text(before, encoding="utf-8")
        appliance.up()


def _section(text: str, name: str) -> dict[str, Any]:
    return dict(yaml.safe_load(text).get(name, {}))
