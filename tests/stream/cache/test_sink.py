"""The feed's values in the cache, and a stream server that starts with what the cache remembers."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

from websockets.sync.client import connect

from metrics import cache
from stream.cache.sink import CacheSink, known
from stream.messages import CANARY, MARKET, ONCHAIN, SENTIMENT, Update
from tests.stream.cache.servers import PASSWORD, RedisServer
from tests.stream.cache.test_shared import caches, counted, run
from tests.waiting import free_ports, until

ROOT = Path(__file__).resolve().parents[3]


def test_the_newest_of_each_symbol_is_written_under_its_kinds_key(redis: RedisServer) -> None:
    async def work() -> None:
        async with caches(redis, 2) as (one, other):
            sink = CacheSink(one, every=60)
            for number in range(1000):
                sink.write(Update(MARKET, "BTC", {"symbol": "BTC", "price": str(number)}, number, float(number)))
            sink.write(Update(ONCHAIN, "BTC", {"symbol": "BTC", "mvrv": 1.5}, 5))
            sink.write(Update(SENTIMENT, "ETH", {"symbol": "ETH"}, 5))
            sink.write(Update(CANARY, "canary", {"symbol": "canary"}, 5))
            assert (await other.get("market-data:BTC")).source == "none"
            await sink.close()

            assert (await other.get("market-data:BTC")).data == {"symbol": "BTC", "price": "999"}
            assert (await other.get("crypto-metrics:BTC")).data == {"symbol": "BTC", "mvrv": 1.5}
            assert (await other.get("sentiment:ETH")).hit
            assert await known(other, MARKET) == [Update(MARKET, "BTC", {"symbol": "BTC", "price": "999"}, 999, 999.0)]
            assert await known(other, CANARY) == []

    run(work)


def test_too_many_keys_and_values_that_are_none_are_dropped_and_counted(redis: RedisServer) -> None:
    async def work() -> None:
        async with caches(redis) as (one,):
            sink = CacheSink(one, every=60, most=2)
            for symbol in ("A", "B", "C", "A"):
                sink.write(Update(ONCHAIN, symbol, {"symbol": symbol}, 1))
            await sink.flush()
            assert counted(one, cache.SINK_DROPPED, "full") == 1
            assert not (await one.get("crypto-metrics:C")).hit
            sink.write(Update(ONCHAIN, "D", {"symbol": "D", "bad": object()}, 1))
            sink.write(Update(SENTIMENT, "A", {"symbol": "A"}, 1))
            await sink.close()
            assert counted(one, cache.SINK_DROPPED, "unusable") >= 1
            assert (await one.get("sentiment:A")).hit

    run(work)


def test_what_another_program_wrote_there_is_no_room(redis: RedisServer) -> None:
    async def work() -> None:
        async with caches(redis) as (one,):
            nonsense: object
            for nonsense in ("text", [["BTC"]], {"a": 1}, [["BTC", {}, "late", None]]):
                await one.set(f"room:{MARKET}", nonsense)
                assert await known(one, MARKET) == []

    run(work)


def test_a_server_that_starts_anew_begins_with_what_the_cache_remembers(redis: RedisServer, tmp_path: Path) -> None:
    redis.ask("FLUSHALL")
    public, admin = free_ports(2)
    site = tmp_path / "site.yaml"
    text = f"ports: {{stream: {public}, stream_admin: {admin}}}\n"
    # What is asked once, at the start, may take a machine that runs other tests beside this one longer than 5 ms.
    text += f"cache: {{redis: {{host: 127.0.0.1, port: {redis.port}, timeout: 2s}}, edge: {{enabled: false}}}}\n"
    environment = {**os.environ, "WATCHFLOOR_SITE": str(site), "WATCHFLOOR_HOME": str(tmp_path), "REDIS_PASSWORD": PASSWORD}

    def serve(sources: str = "{}") -> subprocess.Popen[bytes]:
        site.write_text(text + f"stream: {{bus: {{enabled: false}}, sources: {sources}}}\n")
        process = subprocess.Popen([sys.executable, "-m", "stream"], cwd=ROOT, env=environment)
        until("it is ready", lambda: process.poll() is not None or _ready(admin))
        assert process.poll() is None
        return process

    first = serve()
    until("its prices are in Redis", lambda: redis.ask("EXISTS", f"crypto:room:{MARKET}") == ":1")
    assert redis.ask("EXISTS", "crypto:market-data:BTC") == ":1"
    first.send_signal(signal.SIGTERM)
    assert first.wait(20) == 0

    second = serve("{market: {endpoint: 'ws://127.0.0.1:9'}}")  # nobody is there
    with connect(f"ws://127.0.0.1:{public}/ws") as socket:
        socket.send(json.dumps({"type": "subscribe", "room": MARKET}))
        initial: dict[str, Any] = {}
        while initial.get("type") != "initial-data":
            initial = json.loads(socket.recv(timeout=10))
    assert "BTC" in {item["symbol"] for item in initial["data"]}
    second.send_signal(signal.SIGTERM)
    assert second.wait(20) == 0


def _ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def test_without_redis_the_server_starts_serves_and_says_so(tmp_path: Path) -> None:
    public, admin, nobody = free_ports(3)
    site = tmp_path / "site.yaml"
    site.write_text(f"ports: {{stream: {public}, stream_admin: {admin}, cache_redis: {nobody}, edge: {nobody + 1}}}\n")
    environment = {**os.environ, "WATCHFLOOR_SITE": str(site), "WATCHFLOOR_HOME": str(tmp_path)}
    process = subprocess.Popen([sys.executable, "-m", "stream"], cwd=ROOT, env=environment)
    try:
        until("it is ready", lambda: _ready(admin))

        def degraded() -> list[str]:
            with urllib.request.urlopen(f"http://127.0.0.1:{admin}/readyz", timeout=2) as response:
                return list(json.load(response)["degraded"])

        until("it says so", lambda: "the cache's Redis does not answer" in degraded())
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


def test_a_sink_whose_redis_is_frozen_does_not_hold_up_the_feed() -> None:
    async def work() -> None:
        with RedisServer() as frozen:
            async with caches(frozen) as (one,):
                sink = CacheSink(one, every=0.01)
                frozen.freeze()
                began = asyncio.get_running_loop().time()
                for number in range(2000):
                    sink.write(Update(MARKET, f"S{number}", {"symbol": f"S{number}"}, number))
                assert asyncio.get_running_loop().time() - began < 1
                frozen.thaw()
                await sink.close()

    run(work)
