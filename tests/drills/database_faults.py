"""Faults of the data store: locks, sessions and statements in the appliance's PostgreSQL, by people and programs that use it."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, LiteralString

import aiohttp
import psycopg
from psycopg.conninfo import make_conninfo

from settings.paths import DATABASE_USER
from settings.secrets import read_secret
from tests.appliance import Appliance
from tests.drills.faults import Fault

_CLIENTS = 60  # of one address; the stream lets in 200
_PAUSE = 1.0  # seconds between two questions of a client, so that an address stays below its 6,000 a minute


def superuser(appliance: Appliance, database: str = DATABASE_USER, **more: Any) -> psycopg.Connection[Any]:
    """A session of PostgreSQL's superuser in the workload's database, or another, in autocommit."""
    password = read_secret(appliance.paths.postgres_password, "the superuser's password")
    port = appliance.site.ports.postgres
    where = make_conninfo(host="127.0.0.1", port=port, user="postgres", dbname=database, password=password)
    return psycopg.connect(where, autocommit=True, application_name="drill", connect_timeout=5, **more)


@contextlib.contextmanager
def working(appliance: Appliance, *statements: LiteralString) -> Iterator[None]:
    """A session that runs the statements, the last of which may take for ever; at the end it is cancelled."""
    with superuser(appliance) as connection:
        begun = threading.Event()
        worker = threading.Thread(target=_work, args=(connection, statements, begun), daemon=True)
        worker.start()
        assert begun.wait(30), f"{statements[0]}: not done within 30 s"
        try:
            yield
        finally:
            with contextlib.suppress(psycopg.OperationalError):  # the server is gone, and the statement with it
                connection.cancel_safe()
            worker.join()


def _work(connection: psycopg.Connection[Any], statements: Sequence[LiteralString], begun: threading.Event) -> None:
    with contextlib.suppress(psycopg.errors.QueryCanceled, psycopg.errors.AdminShutdown):
        for statement in statements[:-1]:
            connection.execute(statement)
        begun.set()
        connection.execute(statements[-1])


def starve_pool(addresses: Sequence[str] = ("127.0.0.2", "127.0.0.3")) -> Fault:
    """Somebody's transaction holds a lock on the table of currencies, while programs page through the API.

    Each page needs a connection until the statement timeout; the clients of two addresses bring more than leave.
    """

    @contextlib.contextmanager
    def fault(appliance: Appliance) -> Iterator[None]:
        lock: LiteralString = "LOCK TABLE cryptocurrencies IN ACCESS EXCLUSIVE MODE"
        with working(appliance, "BEGIN", lock, "SELECT pg_sleep(3600)"), paging(appliance.url("stream"), addresses, _CLIENTS):
            yield

    return fault


def read_far_pages(clients: int = 30) -> Fault:
    """Programs read page after page that nobody has asked for before."""

    @contextlib.contextmanager
    def fault(appliance: Appliance) -> Iterator[None]:
        with paging(appliance.url("stream"), ["127.0.0.2"], clients):
            yield

    return fault


@contextlib.contextmanager
def paging(address: str, sources: Sequence[str], clients: int) -> Iterator[None]:
    """Programs at these addresses, `clients` at each, that read page after page of the currencies, no page twice."""
    pages = itertools.count(1)

    async def client(session: aiohttp.ClientSession, number: int) -> None:
        await asyncio.sleep(_PAUSE * number / clients)  # not all in one moment
        while True:
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):  # a refusal is an answer
                async with session.get(f"{address}/api/cryptocurrencies?limit=1&offset={next(pages)}") as answer:
                    await answer.read()
            await asyncio.sleep(_PAUSE)

    async def all_of_them() -> None:
        async with contextlib.AsyncExitStack() as stack, asyncio.TaskGroup() as group:
            for source in sources:
                connector = aiohttp.TCPConnector(limit=0, local_addr=(source, 0))
                session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
                for number in range(clients):
                    group.create_task(client(session, number))

    with background(all_of_them):
        yield


@contextlib.contextmanager
def background(work: Callable[[], Any]) -> Iterator[None]:
    """A coroutine on an event loop of its own, in a thread, until the block ends."""
    loop = asyncio.new_event_loop()
    task = loop.create_task(work())
    thread = threading.Thread(target=_run, args=(loop, task), daemon=True)
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join()


def _run(loop: asyncio.AbstractEventLoop, task: asyncio.Task[Any]) -> None:
    with contextlib.suppress(asyncio.CancelledError):
        loop.run_until_complete(task)
    loop.close()
