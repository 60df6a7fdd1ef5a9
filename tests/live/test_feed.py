"""A source that refuses: its alerts reach the inbox, clients go on being served, and all is well when it answers."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from metrics import feed
from tests.appliance import Appliance, get
from tests.waiting import free_ports, until


@contextmanager
def exchange(port: int) -> Iterator[None]:
    """A source of prices that answers on this port: a message every 50 ms."""

    def tell(client: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            while not over.wait(0.05):
                client.send(json.dumps({"symbol": "BTC", "price": "100.5", "time": time.time_ns() // 1_000_000}))

    over = threading.Event()
    with serve(tell, "127.0.0.1", port) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield
        finally:
            over.set()
            server.shutdown()
            thread.join()


def incident(appliance: Appliance, name: str) -> dict[str, Any] | None:
    found = get(appliance.url("inbox", "/api/incidents?limit=100"))["incidents"]
    return next((item for item in found if item["alertname"] == name), None)


def resolved(appliance: Appliance, name: str) -> bool:
    found = incident(appliance, name)
    return found is not None and found["resolved_at"] is not None


def test_a_source_that_refuses_is_told_and_taken_back() -> None:
    port = free_ports(1)[0]
    market = {
        "endpoint": f"ws://127.0.0.1:{port}", "reconnect": "200ms", "attempts": 3, "retry": "500ms", "stale_after": "4s",
    }  # fmt: skip
    with Appliance(factor=0.1, settings={"stream": {"sources": {"market": market}}}) as appliance:
        names = ("FeedSourceFailed", "FeedStale")
        for name in names:
            found = until(f"{name} is in the inbox", partial(incident, appliance, name), 60)
            assert (found["labels"]["source"], found["labels"]["job"]) == ("market", "stream")
        ready = get(appliance.url("stream_admin", "/readyz"))
        assert ready["status"] == "degraded"
        assert any("market" in one for one in ready["degraded"])
        replayed = f'{feed.STALE.name}{{source="onchain"}}'
        until("the other sources do not suffer", lambda: appliance.value(replayed) == 0, 10)  # a scrape may have been missed
        with exchange(port):
            for name in names:
                until(f"{name} is resolved", partial(resolved, appliance, name), 90)
            well = {"status": "ok", "degraded": []}  # a cache or database that was late for a moment is told there, too
            until("nothing is degraded", lambda: get(appliance.url("stream_admin", "/readyz")) == well, 30)
