"""The load, and what it witnesses: clients that resume by themselves, and a ledger whose every row is kept in mind."""

from __future__ import annotations

import asyncio
import hashlib
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Self

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from stream.client import Client
from stream.following import Following
from stream.messages import MARKET
from stream.store.connect import conninfo
from tests.appliance import Appliance
from tests.drills.database_faults import background, superuser

_CLIENTS = 20
_PAUSE = 0.05  # seconds between two rows
_PATIENCE = 3  # seconds for a connection or a statement


@dataclass
class Heard:
    """What one client was handed out. Within an epoch numbers come each once, in order: whatever does not is counted."""

    epoch: str = ""
    last: int = -1
    count: int = 0
    at: float = 0.0
    lost: int = 0
    doubled: int = 0
    epochs: int = 0

    def take(self, message: dict[str, Any]) -> None:
        """The next message handed out."""
        seq, same = message["seq"], message["epoch"] == self.epoch
        if same:
            self.lost += max(0, seq - self.last - (message["type"] == "data"))
            self.doubled += message["type"] == "data" and seq <= self.last
        else:
            self.epochs += 1
        self.epoch, self.last = message["epoch"], seq
        self.count += 1
        self.at = time.monotonic()


@dataclass
class Clients:
    """Clients of the room of the market, by the product's own client; `told` are the messages that the first one got."""

    heard: list[Heard] = field(default_factory=lambda: [Heard() for _ in range(_CLIENTS)])
    told: dict[tuple[str, int], str] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)

    @contextmanager
    def listening(self, port: int) -> Iterator[Self]:
        """While they do."""

        async def all_of_them() -> None:
            async with asyncio.TaskGroup() as group:
                for number, heard in enumerate(self.heard):
                    follows = [Following(MARKET)]
                    client = Client(
                        f"ws://127.0.0.1:{port}/ws", follows, hand_out=self._taker(number, heard), say=self.words.append,
                        silence=15,
                    )  # fmt: skip
                    group.create_task(client.run())

        with background(all_of_them):
            yield self

    def _taker(self, number: int, heard: Heard) -> Any:
        def take(message: dict[str, Any]) -> None:
            heard.take(message)
            if not number and message["type"] == "data":
                self.told[message["data"]["symbol"], message["sourceTime"]] = message["data"]["price"]

        return take

    def alive(self, since: float) -> bool:
        """Whether each has heard something since then."""
        return all(heard.at > since for heard in self.heard)

    @property
    def lost(self) -> int:
        """Numbers that never came, and numberings that could not be continued."""
        return sum(heard.lost + max(0, heard.epochs - 1) for heard in self.heard)

    @property
    def doubled(self) -> int:
        """Numbers that came twice."""
        return sum(heard.doubled for heard in self.heard)

    def unstored(self, appliance: Appliance, told: Collection[tuple[str, int]]) -> tuple[int, int]:
        """Of these messages, told by symbol and time: how many are not in the data store, and how many are there twice."""
        with superuser(appliance) as connection:
            rows = connection.execute(
                "SELECT c.symbol, (extract(epoch FROM p.timestamp) * 1000)::bigint, count(*) FROM price_history p "
                "JOIN cryptocurrencies c ON c.id = p.crypto_id GROUP BY 1, 2",
            ).fetchall()
        found = {(symbol, at): count for symbol, at, count in rows}
        return sum(key not in found for key in told), sum(found.get(key, 0) > 1 for key in told)


class Ledger:
    """Writes numbered rows with a checksum, one transaction each; what was acknowledged must be there afterwards, once."""

    def __init__(self, appliance: Appliance, port: int) -> None:
        self._appliance = appliance
        known = conninfo_to_dict(conninfo(appliance.site, appliance.paths))
        self._where = make_conninfo(**(known | {"port": str(port), "connect_timeout": str(_PATIENCE)}))  # type: ignore[arg-type]  # texts and numbers
        self._acknowledged: dict[int, str] = {}
        self._tried: set[int] = set()
        self._stop = threading.Event()
        self.at = 0.0

    @contextmanager
    def writing(self) -> Iterator[Self]:
        """While it does."""
        with superuser(self._appliance) as connection:
            connection.execute("CREATE TABLE chaos_ledger (id bigint PRIMARY KEY, payload text NOT NULL)")
            connection.execute("GRANT ALL ON chaos_ledger TO PUBLIC")
        worker = threading.Thread(target=self._work, daemon=True)
        worker.start()
        try:
            yield self
        finally:
            self._stop.set()
            worker.join()

    def _work(self) -> None:
        number = 0
        while not self._stop.is_set():
            try:
                with psycopg.connect(
                    self._where, autocommit=True, options=f"-c statement_timeout={_PATIENCE}s", tcp_user_timeout=_PATIENCE * 1000
                ) as connection:
                    while not self._stop.wait(_PAUSE):
                        number += 1
                        self._write(connection, number)
            except psycopg.Error:
                self._stop.wait(0.2)

    def _write(self, connection: psycopg.Connection[Any], number: int) -> None:
        payload = hashlib.sha256(str(number).encode()).hexdigest()
        self._tried.add(number)
        connection.execute("INSERT INTO chaos_ledger VALUES (%s, %s)", (number, payload))
        self._acknowledged[number] = payload
        self.at = time.monotonic()

    @property
    def written(self) -> int:
        """Rows that were acknowledged."""
        return len(self._acknowledged)

    def judged(self) -> tuple[int, int]:
        """How many acknowledged rows are not there as they were written, and how many are there that nobody wrote, or wrong."""
        expected = dict(self._acknowledged)
        with superuser(self._appliance) as connection:
            found = dict(connection.execute("SELECT id, payload FROM chaos_ledger").fetchall())
        lost = sum(found.get(number) != payload for number, payload in expected.items())
        return lost, sum(number not in self._tried for number in found)
