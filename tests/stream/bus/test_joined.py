"""Two servers and one Redis: one order, one numbering; what happens when Redis goes, forgets, or stands alone."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stream.history import Bounds, History
from stream.messages import MARKET, Update
from tests.stream.bus.servers import RedisServer, epochs, held, instance, joined, leader, publish, reached, redis_server, waiting
from tests.stream.core.serving import Serving, becomes, run, told, told_until
from tests.waiting import until


@pytest.fixture
def bus(tmp_path: Path) -> Iterator[RedisServer]:
    with redis_server(tmp_path / "redis", "--appendonly", "yes") as server:
        yield server


async def _data(client: object, count: int) -> list[int]:
    """The numbers of the next so many data messages, which must come in order."""
    found = [await told(client) for _ in range(count)]  # type: ignore[arg-type]  # a client
    assert [message["type"] for message in found] == ["data"] * count
    return [message["seq"] for message in found]


def test_one_numbering_and_replay_at_another_server(bus: RedisServer) -> None:
    async def story() -> None:
        async with instance(bus) as one, instance(bus) as two:
            await joined(one, two)
            first = await leader(bus, one, two)
            second = two if first is one else one
            client = await first.subscribed()
            publish(first, 10)
            assert await _data(client, 10) == list(range(1, 11))
            await client.close()
            publish(first, 600)
            await reached(610, one, two)
            again = await second.connect()
            await again.send_json({"type": "subscribe", "room": MARKET, "after": 10, "epoch": epochs(second).pop()})
            assert (await told(again))["resumed"] == 600
            assert await _data(again, 600) == list(range(11, 611))
            async with instance(bus) as three:  # begins with all that there is
                assert three.server.hub.rooms.all[MARKET].seq == 610
                assert epochs(three) == epochs(one)
                late = await three.connect()
                await late.send_json({"type": "subscribe", "room": MARKET, "after": 0, "epoch": epochs(one).pop()})
                assert (await told(late))["resumed"] == 610
                fresh = await three.subscribed(filters={"symbols": ["S3"]})
                publish(first, 5)
                message = await told(fresh)
                assert (message["seq"], message["data"]["symbol"]) == (614, "S3")
            # One holder at a time, and the samples say so.
            figures = [await server.samples() for server in (one, two)]
            assert sum(figure['feed_lease_held{lease="market"}'] for figure in figures) == 1

    run(story())


def test_who_does_not_hold_the_lease_is_refused(bus: RedisServer) -> None:
    async def story() -> None:
        async with instance(bus) as one, instance(bus) as two:
            first = await leader(bus, one, two)
            second = two if first is one else one
            with pytest.raises(AssertionError):
                publish(second)
            assert (await second.samples())['feed_bus_refused_total{reason="fenced"}'] == 1
            # It holds the lease by its own belief alone: Redis knows better.
            bus.client.set("bus:lease:market", "another:99")
            publish(first, 3)
            await becomes("what waits is given up", lambda: not held(first) and not waiting(first))
            assert (await first.samples())['feed_bus_refused_total{reason="fenced"}'] == 3
            assert first.server.hub.rooms.all[MARKET].seq == 0

    run(story())


def test_redis_that_comes_back_with_its_data_continues_the_numbering(bus: RedisServer) -> None:
    async def story() -> None:
        async with instance(bus) as one, instance(bus) as two:
            first = await leader(bus, one, two)
            client = await two.subscribed()
            publish(first, 7)
            assert await _data(client, 7) == list(range(1, 8))
            before = epochs(one, two)
            bus.stop(signal.SIGKILL)
            await becomes("both are degraded", lambda: bool(one.server.degraded()) and bool(two.server.degraded()))
            ready = await (await one.http.get(f"http://127.0.0.1:{one.admin}/readyz")).json()
            assert ready["status"] == "degraded"
            assert str(bus.port) in ready["degraded"][0]
            samples = await one.samples()
            assert (samples["app_degraded"], samples["feed_bus_up"]) == (1, 0)
            resumed = await one.connect()  # what there is, is served
            await resumed.send_json({"type": "subscribe", "room": MARKET, "after": 5, "epoch": before.copy().pop()})
            assert (await told(resumed))["resumed"] == 2
            bus.start()
            await becomes("neither is degraded", lambda: not one.server.degraded() and not two.server.degraded())
            first = await leader(bus, one, two)
            publish(first, 3)
            assert await _data(client, 3) == [8, 9, 10]
            assert epochs(one, two) == before

    run(story())


async def _told_of_a_new_numbering(client: object, last: int) -> str:
    """Reads the gap and the initial data of a numbering that began anew; its epoch."""
    gap, initial = (await told_until(client, "initial-data"))[-2:]  # type: ignore[arg-type]  # a client
    assert (gap["type"], gap["reason"], gap["from"], gap["to"]) == ("gap", "epoch", last + 1, 0)
    assert initial["seq"] == 0
    assert len(initial["data"]) == 5  # the latest of each symbol is still known
    return str(initial["epoch"])


@pytest.fixture
def _no_canary(monkeypatch: pytest.MonkeyPatch) -> None:
    async def no_beat(_: Callable[[Update], bool]) -> None:
        """Its room has a numbering as well: one that ends with the market's would be counted, too."""

    monkeypatch.setattr("stream.app.beat", no_beat)


@pytest.mark.usefixtures("_no_canary")
@pytest.mark.parametrize("how", ["flushed", "restarted empty", "older data"])
def test_redis_that_has_lost_data_begins_a_new_numbering(tmp_path: Path, how: str) -> None:
    async def story(bus: RedisServer) -> None:
        async with instance(bus) as one, instance(bus) as two:
            first = await leader(bus, one, two)
            clients = [await server.subscribed() for server in (one, two)]
            publish(first, 5)
            await reached(5, one, two)
            old = epochs(one, two)
            if how == "older data":
                bus.client.save()
            publish(first, 5)
            for client in clients:
                assert await _data(client, 10) == list(range(1, 11))
            if how == "flushed":
                bus.client.flushall()
            else:
                bus.stop(signal.SIGKILL)
                bus.start()
            found = {await _told_of_a_new_numbering(client, 10) for client in clients}
            assert len(found) == 1
            assert not found & old
            first = await leader(bus, one, two)
            publish(first, 2)
            for client in clients:
                assert await _data(client, 2) == [1, 2]
            reason = "lost" if how == "older data" else "replaced"
            assert (await one.samples())[f'feed_bus_breaks_total{{reason="{reason}"}}'] == 1

    with redis_server(tmp_path / "redis") as bus:
        run(story(bus))


@pytest.mark.usefixtures("_no_canary")
@pytest.mark.alone  # a replica has 100 ms to confirm: beside other tests it may be late without being away
def test_a_replica_that_does_not_confirm_ends_the_numbering_once(bus: RedisServer, tmp_path: Path) -> None:
    async def story(replica: RedisServer) -> None:
        async with instance(bus, "replicas: 1") as one, instance(bus, "replicas: 1") as two:
            first = await leader(bus, one, two)
            clients = [await server.subscribed() for server in (one, two)]
            publish(first, 5)
            for client in clients:
                assert await _data(client, 5) == list(range(1, 6))
            await becomes("the replica has confirmed them", lambda: not waiting(first))  # clients may read them before
            before = epochs(one, two)
            replica.send(signal.SIGSTOP)
            publish(first, 5, unconfirmed=True)
            for client in clients:
                assert await _data(client, 5) == list(range(6, 11))
                await _told_of_a_new_numbering(client, 10)
            assert not epochs(one, two) & before
            assert "replica" in first.server.degraded()[0]
            publish(first, 5)  # not one numbering for each entry
            for client in clients:
                assert await _data(client, 5) == list(range(1, 6))
            replica.send(signal.SIGCONT)
            await becomes("the replica confirms", lambda: _confirms(first))
            assert (await first.samples())['feed_bus_breaks_total{reason="unconfirmed"}'] == 1

    def _confirms(first: Serving) -> bool:
        publish(first)
        return not first.server.degraded()

    with redis_server(tmp_path / "replica", "--replicaof", "127.0.0.1", str(bus.port)) as replica:
        # Both say so: what the one has sent, the other has still to load before it confirms anything.
        until("the replica is sent what comes", lambda: bus.client.info("replication").get("slave0", {}).get("state") == "online")
        until("the replica follows", lambda: replica.client.info("replication").get("master_link_status") == "up")
        run(story(replica))


def test_a_server_that_starts_without_redis_serves_and_joins_later(bus: RedisServer) -> None:
    async def story() -> None:
        bus.stop(signal.SIGKILL)
        async with instance(bus) as one:
            client = await one.subscribed()
            assert "does not answer" in one.server.degraded()[0]
            bus.start()
            gap, initial = [await told(client) for _ in range(2)]
            assert (gap["type"], gap["reason"], initial["type"]) == ("gap", "epoch", "initial-data")
            publish(await leader(bus, one))
            assert await _data(client, 1) == [1]

    run(story())


def test_the_bus_keeps_what_history_keeps(bus: RedisServer) -> None:
    async def story() -> None:
        async with instance(bus) as one:
            await leader(bus, one)
            one.server.hub.rooms.all[MARKET].history = History(Bounds(seconds=0.0, messages=100))
            publish(one, 2000)
            await reached(2000, one)
            publish(one)  # of a later millisecond: those before are too old
            await reached(2001, one)
            # Redis frees whole nodes of 100 entries.
            await becomes("it is trimmed", lambda: int(bus.client.xlen(f"bus:{MARKET}:entries")) <= 200)
            assert int(bus.client.xlen(f"bus:{MARKET}:entries")) >= 100

    run(story())


def test_more_than_waits_is_refused_and_counted(bus: RedisServer) -> None:
    async def story() -> None:
        async with instance(bus) as one:
            await leader(bus, one)
            bus.send(signal.SIGSTOP)
            publish(one, 9_990)  # the canary may wait too
            with pytest.raises(AssertionError):
                publish(one, 11)
            bus.send(signal.SIGCONT)
            await becomes("nothing waits", lambda: not waiting(one))
            samples = await one.samples()
            assert samples['feed_bus_refused_total{reason="full"}'] >= 1
            assert samples["feed_bus_published_total"] >= 10_000

    run(story())


def test_a_redis_without_memory_refuses_and_is_told(bus: RedisServer) -> None:
    async def story() -> None:
        async with instance(bus) as one:
            await leader(bus, one)
            bus.client.config_set("maxmemory", 1)
            publish(one, 3)
            await becomes("nothing waits", lambda: not waiting(one))
            assert (await one.samples())['feed_bus_refused_total{reason="redis"}'] >= 3
            bus.client.config_set("maxmemory", 0)
            publish(one, 2)
            await reached(2, one)

    run(story())
