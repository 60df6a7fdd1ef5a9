"""Slow clients, order, and what a failing transport does: on real sockets with small buffers."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import Any

import pytest

from stream.codes import CloseCode
from stream.direct import NONE
from stream.frames import Form
from stream.keeper import Times
from stream.messages import MARKET, Format
from stream.outlet import Outlet
from stream.websocket import _Link
from tests.stream.core.serving import SECONDS, Serving, becomes, run, serving, told

_PAD = "x" * 1000


@pytest.fixture(params=["uvloop", "asyncio"], autouse=True)
def _each_loop(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every story of this file on either loop: buffers and their marks are the loop's own affair."""
    if request.param == "asyncio":
        monkeypatch.setattr("tests.stream.core.serving.choose", lambda: (asyncio.new_event_loop, ""))


class Sloth:
    """A client that reads only when it is told to, through small kernel buffers."""

    def __init__(self, port: int, sock: socket.socket | None = None) -> None:
        self.socket = sock or socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.connect(("127.0.0.1", port))
        self.socket.sendall(
            b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        self.buffer = b""
        self.socket.setblocking(False)

    def say(self, message: dict[str, Any]) -> None:
        text = json.dumps(message).encode()
        assert len(text) < 126, text
        self.socket.sendall(bytes([0x81, 0x80 | len(text), 0, 0, 0, 0]) + text)

    async def frames(self, enough: int) -> list[tuple[int, bytes]]:
        """Reads until there are `enough` frames or the end: (opcode, payload)."""
        loop, found = asyncio.get_running_loop(), []
        while True:
            if b"\r\n\r\n" in self.buffer and self.buffer.startswith(b"HTTP"):
                self.buffer = self.buffer.partition(b"\r\n\r\n")[2]
            while (one := self._frame()) is not None:
                if one[0] == 9:  # the keeper's, at any moment
                    continue
                found.append(one)
                if len(found) == enough:
                    return found
            try:
                more = await loop.sock_recv(self.socket, 65_536)
            except ConnectionResetError:
                return found
            if not more:
                return found
            self.buffer += more

    def _frame(self) -> tuple[int, bytes] | None:
        if len(self.buffer) < 2 or self.buffer.startswith(b"HTTP"):
            return None
        size, head = self.buffer[1], 2
        if size == 126:
            size, head = int.from_bytes(self.buffer[2:4], "big"), 4
        elif size == 127:
            size, head = int.from_bytes(self.buffer[2:10], "big"), 10
        if len(self.buffer) < head + size:
            return None
        opcode, payload = self.buffer[0] & 15, self.buffer[head : head + size]
        self.buffer = self.buffer[head + size :]
        return opcode, payload


async def sloth_in_market(here: Serving) -> Sloth:
    sloth = Sloth(here.port)
    sloth.say({"type": "subscribe", "room": MARKET})
    await sloth.frames(3)
    outlet = next(iter(here.server.endpoint.sessions.values())).outlet
    sock = outlet.transport.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    return sloth


def test_a_slow_client_gets_the_latest_and_is_told_while_others_get_all() -> None:
    async def story() -> None:
        async with serving("{backlog_bytes: 16384, slow_seconds: 600}", times=Times(close_within=0.5)) as here:
            sloth = await sloth_in_market(here)
            quick = await here.subscribed()
            fanout = here.server.hub.fanout
            for number in range(600):
                here.publish(("BTC", "ETH", "SOL")[number % 3], n=number, pad=_PAD)
                if number % 10 == 9:
                    assert [(await told(quick))["seq"] for _ in range(10)] == list(range(number - 8, number + 2))
            assert len(fanout.slow) == 1
            samples = await here.samples()
            assert samples["ws_slow_connections"] == 1
            assert 4096 <= samples["ws_backlog_bytes"] < 100_000, "bounded"
            assert samples['ws_conflated_total{room="market-data"}'] > 400

            got: list[dict[str, Any]] = []
            while not got or got[-1].get("seq") != 600:
                got += [json.loads(payload) for opcode, payload in await sloth.frames(1) if opcode == 1]
            data, gaps = [one for one in got if one["type"] == "data"], [one for one in got if one["type"] == "gap"]
            assert [one["seq"] for one in data] == sorted({one["seq"] for one in data}), "in order, none twice"
            missing = set(range(1, 601)) - {one["seq"] for one in data}
            assert missing
            assert {one["reason"] for one in gaps} == {"conflated"}
            assert all(any(gap["from"] <= seq <= gap["to"] for gap in gaps) for seq in missing), "no loss unsaid"
            assert {one["data"]["symbol"]: one["data"]["n"] for one in data} == {"BTC": 597, "ETH": 598, "SOL": 599}
            await becomes("it is not slow any more", lambda: not fanout.slow)
            here.publish("BTC", n=600)
            ((_, payload),) = await sloth.frames(1)
            assert json.loads(payload)["seq"] == 601

    run(story())


def test_a_client_that_resumes_more_than_the_backlog_holds_gets_it_in_bounded_portions() -> None:
    async def story() -> None:
        async with serving("{backlog_bytes: 65536, slow_seconds: 600}", times=Times(close_within=0.5)) as here:
            for number in range(300):
                here.publish(n=number, pad=_PAD * 10)
            sloth = Sloth(here.port)
            await sloth.frames(1)
            outlet = next(iter(here.server.endpoint.sessions.values())).outlet
            outlet.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
            epoch = here.server.hub.rooms.all[MARKET].epoch
            sloth.say({"type": "subscribe", "room": MARKET, "after": 0, "epoch": epoch})
            got: list[int] = []
            most = 0
            while len(got) < 300:
                ((_, payload),) = await sloth.frames(1)
                most = max(most, outlet.transport.get_write_buffer_size())
                if b'"data"' in payload[:16]:
                    got.append(json.loads(payload)["seq"])
            assert got == list(range(1, 301))
            assert most < 2 * 65536, "three megabytes never waited at once"
            sloth.socket.close()

    run(story())


def test_a_slow_client_is_told_all_that_a_new_numbering_took_from_it() -> None:
    async def story() -> None:
        async with serving("{backlog_bytes: 16384, slow_seconds: 600}", times=Times(close_within=0.5)) as here:
            sloth = await sloth_in_market(here)
            fanout = here.server.hub.fanout
            number = 0
            while not fanout.slow or number < 100:
                number = here.publish(("BTC", "ETH", "SOL")[number % 3], pad=_PAD)
                await asyncio.sleep(0)
            here.server.hub.begin(MARKET, "another")
            here.publish("BTC", pad=_PAD)
            got: list[dict[str, Any]] = []
            while not got or (got[-1].get("epoch"), got[-1]["type"]) != ("another", "data"):
                got += [json.loads(payload) for opcode, payload in await sloth.frames(1) if opcode == 1]
            last = max(one["seq"] for one in got if one["type"] == "data" and one["epoch"] != "another")
            (gap,) = [one for one in got if one["type"] == "gap"]
            assert last < number
            assert (gap["from"], gap["to"], gap["reason"]) == (last + 1, 0, "epoch")
            kinds = [(one["type"], one.get("epoch") == "another") for one in got]
            assert kinds[kinds.index(("gap", False)) :] == [("gap", False), ("initial-data", True), ("data", True)]

    run(story())


def test_who_stays_slow_is_closed_with_4408() -> None:
    async def story() -> None:
        async with serving("{backlog_bytes: 8192, slow_seconds: 0.3}", times=Times(ping_every=0.5, close_within=SECONDS)) as here:
            sloth = await sloth_in_market(here)
            while not here.server.hub.fanout.slow:
                here.publish(pad=_PAD)
                await asyncio.sleep(0)
            await becomes("its close has begun", lambda: bool(here.server.endpoint._closing))
            opcode, payload = 0, b""
            while opcode != 8:
                ((opcode, payload),) = await sloth.frames(1)
            sloth.socket.close()
            assert int.from_bytes(payload[:2], "big") == CloseCode.TOO_SLOW
            assert b"slower" in payload
            await becomes("it is gone", lambda: not here.server.endpoint.sessions)
            assert (await here.samples())['ws_closes_total{code="4408",by="server"}'] == 1

    run(story())


def test_who_never_reads_again_is_cut_off() -> None:
    async def story() -> None:
        async with serving("{backlog_bytes: 4096, slow_seconds: 0.1}", times=Times(ping_every=0.2, close_within=0.5)) as here:
            sloth = await sloth_in_market(here)
            for number in range(200):
                here.publish(n=number, pad=_PAD)
            await becomes("it is cut off", lambda: not here.server.endpoint.sessions)
            assert sloth.socket.fileno() > 0

    run(story())


def test_more_symbols_than_the_bound_close_a_slow_client_at_once() -> None:
    async def story() -> None:
        async with serving("{backlog_bytes: 4096, slow_seconds: 100}", times=Times(close_within=0.5)) as here:
            sloth = await sloth_in_market(here)
            for number in range(1000):
                here.publish(f"S{number}", pad=_PAD)
                await asyncio.sleep(0)
            await becomes("it is gone", lambda: not here.server.endpoint.sessions)
            assert sloth.socket.fileno() > 0
            assert (await here.samples())['ws_closes_total{code="4408",by="server"}'] == 1

    run(story())


def test_answers_and_data_leave_in_the_order_in_which_they_were_made() -> None:
    async def story() -> None:
        async with serving() as here:
            client = await here.subscribed()
            session = next(iter(here.server.endpoint.sessions.values()))
            here.publish(n=1)
            session.received('{"type": "ping", "id": 1}')
            here.publish(n=2)
            session.received('{"type": "subscribe", "room": "canary"}')
            here.publish(n=3)
            session.received('{"type": "unsubscribe", "room": "market-data"}')
            here.publish(n=4)
            session.received('{"type": "ping", "id": 2}')
            kinds = [
                (one["type"], one.get("seq")) for one in [await told(client) for _ in range(8)] if one.get("room") != "canary"
            ]
            assert kinds == [("data", 1), ("pong", None), ("data", 2), ("data", 3), ("unsubscription", None), ("pong", None)]

    run(story())


def test_who_comes_in_the_middle_of_a_turn_gets_only_what_comes_after() -> None:
    async def story() -> None:
        async with serving() as here:
            first, second = await here.subscribed(), await here.connect()
            late = list(here.server.endpoint.sessions.values())[1]
            here.publish(n=1)
            late.received('{"type": "subscribe", "room": "market-data"}')
            here.publish(n=2)
            assert [(await told(first))["seq"] for _ in range(2)] == [1, 2]
            got = [await told(second) for _ in range(3)]
            assert [(one["type"], one["seq"]) for one in got] == [("subscription", 1), ("initial-data", 1), ("data", 2)]

    run(story())


class _Faulty(asyncio.WriteTransport):
    """A transport whose first writes fail, in front of a real one."""

    def __init__(self, real: asyncio.WriteTransport, failures: int) -> None:
        super().__init__()
        self._real, self._failures = real, failures

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        if self._failures:
            self._failures -= 1
            raise RuntimeError("this transport has a bad day")
        self._real.write(data)

    def get_write_buffer_size(self) -> int:
        return self._real.get_write_buffer_size()

    def is_closing(self) -> bool:
        return self._real.is_closing()


def test_a_failing_write_is_tried_again_and_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        async with serving() as here:
            clients = [await here.subscribed() for _ in range(3)]
            hub = here.server.hub
            first = next(iter(here.server.endpoint.sessions.values())).outlet
            lost: list[int] = []
            for failures in (2, 100):
                first.write = _Faulty(first.transport, failures).write
                first.fd = NONE
                first.cohort.idle.pop(first, None)  # type: ignore[union-attr]  # it is in a room
                monkeypatch.setattr(_Link, "overflown", lambda _: lost.append(1))
                seq = here.publish()
                assert [(await told(client))["seq"] for client in clients[1:]] == [seq, seq]
                if failures == 2:
                    assert (await told(clients[0]))["seq"] == seq
            await becomes("the hopeless one is given up", lambda: bool(lost))
            samples = await here.samples()
            assert samples["ws_retries_total"] == 2 + 3
            assert samples['ws_dropped_total{reason="failed"}'] == 1
            assert isinstance(first, Outlet)
            assert first.form == Form(Format.JSON, 0)
            assert hub.rooms.of(first)

    run(story())
