"""Workers as processes: one is killed under load, one stands still, all end in good order."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from settings.paths import CLONE
from stream.messages import MARKET
from tests.stream.bus.crowd import Account, follow
from tests.stream.bus.servers import RedisServer, Workers, redis_server, workers
from tests.stream.edge.real import get
from tests.waiting import until

CLIENTS = 200
TAKEOVER = 5.0  # seconds


@pytest.fixture
def bus(tmp_path: Path) -> Iterator[RedisServer]:
    with redis_server(tmp_path / "redis", "--appendonly", "yes") as server:
        yield server


def _last(bus: RedisServer) -> int:
    return int(bus.client.hget(f"bus:{MARKET}:state", "seq") or 0)


async def _on(bus: RedisServer, more: int = 20) -> float:
    """Waits until so many more numbers were given; for how long none was, by a clock that stands still with this process."""
    began, start = time.monotonic(), _last(bus)
    ran, before, until_first = 0.0, began, 0.0
    while (now := _last(bus)) < start + more:
        at = time.monotonic()
        ran, before = ran + min(at - before, 0.2), at
        if now > start and not until_first:
            until_first = ran
        assert time.monotonic() < began + 20, "no number is given any more"
        await asyncio.sleep(0.02)
    return until_first


def _told(url: str) -> str:
    """What a worker tells; empty while it is being started again."""
    try:
        return get(url)
    except OSError:
        return ""


async def _killed_under_load(bus: RedisServer, running: Workers) -> tuple[list[Account], float]:
    stop = asyncio.Event()
    clients = [asyncio.create_task(follow(running.ws, MARKET, stop)) for _ in range(CLIENTS)]
    await _on(bus, 40)
    os.kill(running.pid(running.leader()), signal.SIGKILL)
    silent = await _on(bus)
    await _on(bus)
    await asyncio.sleep(0.5)  # what was numbered last is still on its way to 200 clients
    stop.set()
    return await asyncio.gather(*clients), silent


@pytest.mark.alone  # 3.5 of the 5 s are the lease's own: beside other tests a worker may stand still for the rest
def test_a_worker_killed_under_load_costs_no_number(bus: RedisServer, tmp_path: Path) -> None:
    with workers(tmp_path / "home", bus) as running:
        until("the feed has begun", lambda: _last(bus) > 20)
        both = [f"{admin}/metrics" for admin in running.admins]
        accounts, silent = asyncio.run(_killed_under_load(bus, running))
        assert silent < TAKEOVER
        told = [until(f"{url} answers", partial(_told, url)) for url in both]
        assert all('feed_bus_breaks_total{reason="lost"} 0' in text for text in told)

    returned = sum(account.returns > 1 for account in accounts)
    assert CLIENTS * 0.2 < returned < CLIENTS * 0.8, "both workers had clients"
    (epoch,) = {epoch for account in accounts for epoch in account.begins}
    last = min(max(account.got[epoch]) for account in accounts)
    assert last > 60
    assert [account for account in accounts if account.missing(epoch, last)] == []
    assert {count for account in accounts for count in account.got[epoch].values()} == {1}
    assert sum(len(account.gaps) for account in accounts) == 0  # all was replayed, at whichever worker


@pytest.mark.alone  # as above
def test_a_leader_that_stands_still_is_followed_and_fenced(bus: RedisServer, tmp_path: Path) -> None:
    async def story(running: Workers) -> Account:
        stop = asyncio.Event()
        first = running.leader()
        pid = running.pid(first)
        client = asyncio.create_task(follow(running.ws, MARKET, stop))
        await _on(bus)
        os.kill(pid, signal.SIGSTOP)
        assert await _on(bus) < TAKEOVER
        assert running.leads(1 - first)
        os.kill(pid, signal.SIGCONT)
        await _on(bus, 40)
        assert running.leads(1 - first)
        assert not running.leads(first)
        standby = 'feed_source_state{source="market",state="standby"} 1'
        await asyncio.to_thread(until, "it stands by", lambda: standby in _told(f"{running.admins[first]}/metrics"))
        stop.set()
        return await client

    with workers(tmp_path / "home", bus) as running:
        until("the feed has begun", lambda: _last(bus) > 20)
        account = asyncio.run(story(running))
    (epoch,) = account.begins
    assert account.missing(epoch, max(account.got[epoch])) == set()
    assert set(account.got[epoch].values()) == {1}


def test_workers_end_in_good_order_and_free_their_leases(bus: RedisServer, tmp_path: Path) -> None:
    with workers(tmp_path / "home", bus) as running:
        running.leader()
        assert running.stop() == 0
    assert bus.client.keys("bus:lease:*") == []
    assert bus.client.hget(f"bus:{MARKET}:state", "seq") is not None


def test_workers_end_with_their_parent(bus: RedisServer, tmp_path: Path) -> None:
    with workers(tmp_path / "home", bus) as running:
        running.leader()
        pids = [running.pid(index) for index in range(2)]
        running.process.kill()
        running.process.wait()
        until("they are gone", lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids))


@pytest.mark.parametrize(
    ("site", "words", "why"),
    [
        ("{bus: {enabled: false}}", ["--workers", "2"], "set stream.bus.enabled to true"),
        ("{}", ["--workers", "2", "--port", "0"], "--workers: with port 0"),
        ("{}", ["--workers", "0"], "invalid _count value"),
        ("{}", ["--workers", "2", "--worker", "1/2"], "not allowed with argument"),
        ("{}", ["--worker", "2/2"], "invalid _worker value"),
        ("{workers: 2, bus: {enabled: false}}", [], "workers is 2 and bus.enabled is false"),
        ("{bus: {url: 'redis://user:secret@host'}}", [], "(no user or password)"),
        ("{bus: {url: 'redis://host', password_file: /nowhere}}", [], "password_file: /nowhere cannot be found"),
    ],
)
def test_what_cannot_be_is_refused_with_the_fix(tmp_path: Path, site: str, words: list[str], why: str) -> None:
    (tmp_path / "site.yaml").write_text(f"stream: {site}\n", encoding="utf-8")
    variables = os.environ | {"WATCHFLOOR_HOME": str(tmp_path), "WATCHFLOOR_SITE": str(tmp_path / "site.yaml")}
    command = [sys.executable, "-m", "stream", *words]
    done = subprocess.run(command, cwd=CLONE, env=variables, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 2
    assert why in done.stderr
    assert "Traceback" not in done.stderr
