"""The queue before the fan-out, on real sockets: kinds, bounds, what is dropped and told."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from stream.filters import EVERYTHING
from stream.messages import MARKET, Error, Update
from stream.queue import BATCH, LIMIT, Broadcast, Filtered, QueueFullError, Targeted
from tests.stream.core.serving import becomes, run, serving, told


@pytest.fixture(autouse=True)
def _no_canary(monkeypatch: pytest.MonkeyPatch) -> None:
    async def no_beat(_: Callable[[Update], bool]) -> None:
        """The canary's messages go through the same queue: they would be counted, too."""

    monkeypatch.setattr("stream.app.beat", no_beat)


def test_the_queue_tells_its_publisher_when_it_is_full_and_delivers_by_kind() -> None:
    async def story() -> None:
        async with serving() as here:
            one, other = await here.subscribed(filters={"symbols": ["BTC"]}), await here.subscribed()
            queue, hub = here.server.queue, here.server.hub
            note = Error(code="internal", message="a note", timestamp=1)
            queue.put(Filtered(MARKET, EVERYTHING, note))
            queue.put(Targeted(next(iter(here.server.endpoint.sessions)), note))
            queue.put(Targeted("nobody", note))
            assert (await told(one))["message"] == "a note"
            assert (await told(other))["message"] == "a note"
            update = Update(MARKET, "BTC", {"symbol": "BTC"}, 1)
            for _ in range(LIMIT):
                queue.put(Broadcast(update))
            with pytest.raises(QueueFullError):
                queue.put(Broadcast(update))
            assert not queue.publish(update)
            await becomes("a batch has left", lambda: len(queue) < LIMIT)
            assert (LIMIT - len(queue)) % BATCH == 0
            await becomes("all have left", lambda: len(queue) == 0)
            assert hub.rooms.all[MARKET].seq == LIMIT
            seqs = [(await told(other))["seq"] for _ in range(LIMIT)]
            assert seqs == list(range(1, LIMIT + 1))
            samples = await here.samples()
            assert samples['ws_queued_total{kind="broadcast",result="full"}'] == 2
            assert samples['ws_dropped_total{reason="absent"}'] == 1
            assert samples['ws_deliveries_total{room="market-data"}'] == 2 * LIMIT

    run(story())


def test_what_cannot_be_sent_costs_itself_alone_and_what_is_too_old_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        async with serving() as here:
            client = await here.subscribed()
            here.server.queue.publish(Update(MARKET, "BTC", {"symbol": object()}, 1))
            here.server.queue.publish(Update(MARKET, "BTC", {"symbol": "BTC"}, 1))
            assert (await told(client))["seq"] == 1
            monkeypatch.setattr("stream.queue.TIMEOUT", -1.0)
            here.server.queue.publish(Update(MARKET, "BTC", {"symbol": "BTC"}, 1))
            gap = await told(client)
            assert (gap["type"], gap["from"], gap["to"], gap["reason"]) == ("gap", 2, 2, "dropped")
            samples = await here.samples()
            assert samples['ws_dropped_total{reason="unusable"}'] == samples['ws_dropped_total{reason="timeout"}'] == 1

    run(story())
