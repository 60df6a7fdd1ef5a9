"""Brings what a journal holds into the data store, in order and each row once.

A batch is one transaction: the currencies that are new, a COPY for each table, and the journal's position. Whatever is cut off,
the position in the database tells what has arrived: it is asked for after every failure, and what it covers is never sent again.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql

from metrics import database as db
from metrics.instruments import Instruments
from stream.store.coins import NAMES
from stream.store.database import Database
from stream.store.errors import UnavailableError
from stream.store.journal import Journal
from stream.store.pool import Connection
from stream.store.rows import TABLES

BATCH_BYTES = 2**20
_LOG = logging.getLogger("watchfloor.store")
_COPY = tuple(
    sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(target.table), sql.SQL(", ").join(map(sql.Identifier, ("crypto_id", *target.columns, "timestamp")))
    )
    for target in TABLES
)


@dataclass
class Batch:
    """Lines by table, and the symbols that they tell of."""

    lines: dict[int, list[bytes]] = field(default_factory=dict)
    symbols: set[bytes] = field(default_factory=set)

    @classmethod
    def of(cls, payloads: Iterable[bytes]) -> Batch:
        """The lines of these records."""
        made = cls()
        for payload in payloads:
            for line in payload[:-1].split(b"\n"):
                made.lines.setdefault(line[0] - 48, []).append(line[1:])
                made.symbols.add(line[1 : line.index(b"\t")])
        return made

    def text(self, table: int, ids: Mapping[bytes, bytes]) -> bytes:
        """What COPY gets: each line with the currency's key for its symbol."""
        parts = []
        for line in self.lines[table]:
            symbol, _, rest = line.partition(b"\t")
            parts.append(ids[symbol] + b"\t" + rest)
        return b"\n".join(parts) + b"\n"


class Writer:
    """Writes one journal's records; not for two tasks at once."""

    def __init__(self, database: Database, journal: Journal, counts: Instruments) -> None:
        self._database, self.journal, self._counts = database, journal, counts
        self.position: int | None = None  # up to where the rows are in the database; None: to be asked for
        self._ids: dict[bytes, bytes] = {}

    @property
    def pending(self) -> int:
        """Bytes that are not known to be in the database."""
        return self.journal.end - (self.journal.start if self.position is None else max(self.position, self.journal.start))

    async def step(self) -> bool:
        """Writes one batch; False when there is nothing to write. Raises StoreError, and psycopg.Error for a schema not ours."""
        if self.position is None:
            self.position = await self._ask()
        payloads, after = self.journal.read(self.position, BATCH_BYTES)
        if not after:
            return False
        try:
            await self._write(payloads, after)
        except BaseException:
            self.position = None  # the commit may have come through or not
            raise
        self.journal.trim(self.position)
        return True

    async def _ask(self) -> int:
        """The journal's position by the database; a journal that is new there begins at its start."""
        async with self._database.writing("write") as connection:
            await connection.execute(
                "INSERT INTO store_journals (journal, position) VALUES (%s, %s) ON CONFLICT DO NOTHING",
                (self.journal.id, self.journal.start),
            )
            cursor = await connection.execute("SELECT position FROM store_journals WHERE journal = %s", (self.journal.id,))
            row: Any = await cursor.fetchone()
        return int(row["position"])

    async def _write(self, payloads: list[bytes], after: list[int]) -> None:
        """Writes records; those that the database cannot take are found by halves, kept aside, and counted."""
        try:
            await self._transaction(Batch.of(payloads), after[-1])
        except (psycopg.DataError, psycopg.IntegrityError) as error:
            self._ids.clear()  # a currency may have been removed
            if len(payloads) == 1 and isinstance(error, psycopg.IntegrityError):
                await self._alone(payloads[0], after[0])
            elif len(payloads) == 1:
                await self._refused(payloads[0], after[0], error)
            else:
                middle = len(payloads) // 2
                await self._write(payloads[:middle], after[:middle])
                await self._write(payloads[middle:], after[middle:])

    async def _alone(self, payload: bytes, after: int) -> None:
        try:
            await self._transaction(Batch.of([payload]), after)
        except (psycopg.DataError, psycopg.IntegrityError) as error:
            await self._refused(payload, after, error)

    async def _refused(self, payload: bytes, after: int, error: psycopg.Error) -> None:
        _LOG.error(
            "a record is refused by the database",
            extra={"event": "row_refused", "reason": str(error)[:200], "record": payload[:500]},
        )
        with (self.journal.folder / "refused").open("ab") as file:
            file.write(payload)
        await self._transaction(Batch(), after)
        self._counts.inc(db.LOST, "refused", by=payload.count(b"\n"))

    async def _transaction(self, batch: Batch, after: int) -> None:
        async with self._database.writing("write") as connection:
            await connection.execute("SET LOCAL statement_timeout = 0")
            ids = await self._currencies(connection, batch.symbols)
            for table in sorted(batch.lines):
                async with connection.cursor().copy(_COPY[table]) as copy:
                    await copy.write(batch.text(table, ids))
            moved = await connection.execute(
                "UPDATE store_journals SET position = %s, updated_at = now() WHERE journal = %s AND position = %s",
                (after, self.journal.id, self.position),
            )
            if moved.rowcount != 1:
                raise UnavailableError(
                    f"the journal {self.journal.folder} was written by somebody else: its position is asked for"
                )
        self._ids, self.position = ids, after
        for table, written in batch.lines.items():
            self._counts.inc(db.WRITTEN, TABLES[table].table, by=len(written))
        self._database.rows("write", sum(map(len, batch.lines.values())))

    async def _currencies(self, connection: Connection, symbols: set[bytes]) -> dict[bytes, bytes]:
        """The keys of these currencies and of those known; a new one is made, its key the symbol in small letters."""
        new = sorted(symbol.decode() for symbol in symbols - self._ids.keys())
        if not new:
            return self._ids
        named = [NAMES.get(symbol, (symbol, None)) for symbol in new]
        keys, names, known = [symbol.lower() for symbol in new], [name for name, _ in named], [coin for _, coin in named]
        found = await self._made(connection, keys, new, names, known)
        if lacking := [symbol for symbol in new if symbol not in found]:  # another has the key, or the id at CoinGecko
            found |= await self._made(connection, lacking, lacking, lacking, [None] * len(lacking))
        if lacking := [symbol for symbol in new if symbol not in found]:
            raise psycopg.DataError(f"the key {lacking[0]!r} is another currency's")
        return self._ids | {symbol.encode(): _escaped(key).encode() for symbol, key in found.items()}

    @staticmethod
    async def _made(connection: Connection, *columns: Sequence[str | None]) -> dict[str, str]:
        """Makes currencies (keys, symbols, names, ids at CoinGecko) that are not there; the keys of these symbols."""
        await connection.execute(
            "INSERT INTO cryptocurrencies (id, symbol, name, coin_gecko_id) "
            "SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[]) ON CONFLICT DO NOTHING",
            [list(column) for column in columns],
        )
        cursor = await connection.execute("SELECT id, symbol FROM cryptocurrencies WHERE symbol = ANY(%s)", (list(columns[1]),))
        return {row["symbol"]: row["id"] for row in await cursor.fetchall()}


def _escaped(text: str) -> str:
    """A key as COPY reads it: people may have made any."""
    return text.replace("\\", r"\\").replace("\t", r"\t").replace("\n", r"\n").replace("\r", r"\r")
