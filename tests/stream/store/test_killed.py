"""The promise, kept on the real server under load: what a client was told is in the data store, once, whoever was killed."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import aiohttp
import psycopg
import pytest

from tests.stream.store.postgres import Postgres
from tests.waiting import free_ports, until

RATE = 300  # market messages a second; the processor makes up to 10 updates a second of each of 12 symbols
SYMBOLS = [f"S{number}" for number in range(12)]


class Stream:
    """`python -m stream` in a home of its own; it may be killed and started again."""

    def __init__(self, home: Path, url: str) -> None:
        self.home, self.url = home, url
        self.port, self.admin = free_ports(2)
        self.file = home / "site.yaml"
        sources = {"market": {"interval": "20ms"}}
        self.file.write_text(
            json.dumps({"stream": {"bus": {"enabled": False}, "replay": {"rate": RATE, "symbols": SYMBOLS}, "sources": sources}})
        )

    def start(self) -> None:
        words = [sys.executable, "-m", "stream", "--port", str(self.port), "--admin-port", str(self.admin)]
        variables = os.environ | {
            "WATCHFLOOR_SITE": str(self.file), "WATCHFLOOR_HOME": str(self.home), "DATABASE_URL": self.url
        }  # fmt: skip
        with (self.home / "log").open("a") as log:
            self.process = subprocess.Popen(words, env=variables, stderr=log)

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)


async def follow(stream: Stream, told: Counter[tuple[str, int]]) -> None:
    """A client that notes every price it is told, and comes back whenever the server goes."""
    while True:
        try:
            async with (
                aiohttp.ClientSession() as session,
                session.ws_connect(f"ws://127.0.0.1:{stream.port}/ws", autoping=True) as socket,
            ):
                await socket.send_json({"type": "subscribe", "room": "market-data"})
                async for message in socket:
                    found = json.loads(message.data)
                    if found["type"] == "data":
                        told[found["data"]["symbol"], found["data"]["time"]] += 1
        except (aiohttp.ClientError, OSError, ValueError):
            await asyncio.sleep(0.05)


def stored(url: str) -> Counter[tuple[str, int]]:
    query = (
        "SELECT c.symbol, (extract(epoch FROM p.timestamp) * 1000)::bigint FROM price_history p "
        "JOIN cryptocurrencies c ON c.id = p.crypto_id"
    )
    with psycopg.connect(url) as connection:
        return Counter(connection.execute(query.encode()).fetchall())


class Story:
    """A stream, its database, and a client that counts what it was told."""

    def __init__(self, stream: Stream, postgres: Postgres) -> None:
        self.stream, self.postgres = stream, postgres
        self.told: Counter[tuple[str, int]] = Counter()
        self._chance = random.Random(1)  # noqa: S311  # when to kill

    async def some_more(self) -> None:
        """Until the client was told so many more."""
        wanted = sum(self.told.values()) + self._chance.randrange(100, 400)
        for _ in range(3000):
            if sum(self.told.values()) >= wanted:
                return
            await asyncio.sleep(0.01)
        raise AssertionError(f"nobody tells anything: {(self.stream.home / 'log').read_text()[-2000:]}")

    async def run(self, order: tuple[str, ...]) -> None:
        self.stream.start()
        client = asyncio.create_task(follow(self.stream, self.told))
        await self.some_more()
        for victim in order:
            if victim == "server":
                self.stream.kill()
                await asyncio.to_thread(self.database_back)
                self.stream.start()
            else:
                await asyncio.to_thread(self.postgres.kill)
            await self.some_more()
        await asyncio.to_thread(self.database_back)
        await self.some_more()
        client.cancel()
        await asyncio.gather(client, return_exceptions=True)
        assert await asyncio.to_thread(self.stream.stop) == 0

    def database_back(self) -> None:
        if self.postgres.process.poll() is not None:
            self.postgres.start()


@pytest.mark.parametrize("order", [("server", "database"), ("database", "server")], ids=" then ".join)
def test_what_a_client_was_told_is_stored_once(order: tuple[str, ...], postgres: Postgres, tmp_path: Path) -> None:
    url = postgres.fresh()
    stream = Stream(tmp_path, url)
    story = Story(stream, postgres)
    try:
        asyncio.run(story.run(order))
        # A last start brings what was still waiting.
        stream.start()
        until("all is stored", lambda: set(story.told) <= set(stored(url)), 30)
        stream.stop()
    finally:
        if stream.process.poll() is None:
            stream.kill()
        story.database_back()
    told = story.told
    rows = stored(url)
    assert [key for key, count in rows.items() if count > 1] == []
    assert set(told) - set(rows) == set()
    assert len(rows) >= len(told) > 400
