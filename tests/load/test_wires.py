"""The generator's own readers, byte by byte; and the pacing, beside a server that stalls."""

from __future__ import annotations

import asyncio
import itertools
import selectors
import time
from collections.abc import Callable
from types import SimpleNamespace

import pytest
import uvloop
from hypothesis import given
from hypothesis import strategies as st

from tests.load import sockets
from tests.load.pace import Paced, pace
from tests.load.recorder import Recorder
from tests.load.shapes import Shape
from tests.load.sockets import Inbox, Socket
from tests.load.wire import Due, Wire, get

_HELLO = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"


class Sink(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += bytes(data)

    def close(self) -> None:
        """Stays."""

    def is_closing(self) -> bool:
        """Never."""
        return False


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})
    return [data[start:end] for start, end in itertools.pairwise(places)]


cuts = st.lists(st.integers(0, 70_000), max_size=12)


@given(st.lists(st.tuples(st.sampled_from((200, 404, 503)), st.binary(max_size=300)), max_size=6), cuts)
def test_answers_are_read_however_they_are_cut(answers: list[tuple[int, bytes]], where: list[int]) -> None:
    seen: list[tuple[str, int]] = []
    wire = Wire(lambda due, status: seen.append((due.kind, status)))
    wire.connection_made(Sink())
    for number in range(len(answers)):
        wire.ask(get("/"), Due(str(number), 0.0))
    data = b"".join(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body) for status, body in answers)
    for piece in pieces(data, where):
        wire.data_received(piece)
    assert seen == [(str(number), status) for number, (status, _) in enumerate(answers)]


def frame(opcode: int, payload: bytes) -> bytes:
    size = len(payload)
    if size < 126:
        return bytes([0x80 | opcode, size]) + payload
    wide = (126, 2) if size < 65_536 else (127, 8)
    return bytes([0x80 | opcode, wide[0]]) + size.to_bytes(wide[1], "big") + payload


@given(st.lists(st.tuples(st.sampled_from((1, 9)), st.integers(0, 70_000)), max_size=5), cuts)
def test_frames_are_read_however_they_are_cut(frames: list[tuple[int, int]], where: list[int]) -> None:
    async def read() -> tuple[list[bytes], bytes]:
        told: list[bytes] = []
        over = asyncio.Event()
        sink, socket = Sink(), Socket(lambda text, _: told.append(text), lambda _: over.set(), Inbox())
        socket.connection_made(sink)
        sink.written = b""
        for piece in pieces(
            _HELLO + b"".join(frame(opcode, bytes(size % 126 if opcode == 9 else size)) for opcode, size in frames), where
        ):
            socket.data_received(piece)
        socket.connection_lost(None)
        await over.wait()
        return told, sink.written

    told, written = asyncio.run(read())
    assert [len(one) for one in told] == [size for opcode, size in frames if opcode == 1]
    assert written.count(b"\x8a") >= sum(opcode == 9 for opcode, _ in frames)


class Clock(selectors.DefaultSelector):
    """Time that passes while a loop waits, and when it is told to: the machine's own pauses are no part of it."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.now += timeout or 0.0
        return super().select(0)

    def stall(self, seconds: float) -> None:
        """Nothing is heard for so long."""
        self.now += seconds

    def loop(self) -> asyncio.AbstractEventLoop:
        """A loop that goes by it."""
        made = asyncio.SelectorEventLoop(self)
        made.time = lambda: self.now  # type: ignore[method-assign]  # a loop is given its clock in no other way
        return made


def test_a_stall_counts_for_all_that_it_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server answers nothing for half a second: whoever was due meanwhile waited, though he was sent later."""
    recorder, shape, clock = Recorder(), Shape(200, 0, 1, 0), Clock()
    monkeypatch.setattr("tests.load.pace.time", SimpleNamespace(perf_counter=lambda: clock.now))

    async def run() -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(0.2, clock.stall, 0.5)

        def fire(_: int, due: float) -> None:
            loop.call_soon(lambda: recorder.answered("x", clock.now - due))

        await pace(shape, fire, recorder.paced)

    with asyncio.Runner(loop_factory=clock.loop) as runner:
        runner.run(run())
    told = recorder.outcome("x", "X", "requests", users=1, share=1, factor=1, open_loop=True)
    assert told.latency.count == 200
    assert told.latency.longest >= 450
    assert 60 <= sum(value > 100 for value in _values(recorder)) <= 140


def _values(recorder: Recorder) -> list[float]:
    counted = [
        (item.value_iterated_to, item.count_added_in_this_iter_step) for item in recorder.kinds["x"].get_recorded_iterator()
    ]
    return [value / 1000 for value, count in counted for _ in range(count)]


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_waiting_for_the_next_costs_no_processor(
    loop: Callable[[], asyncio.AbstractEventLoop], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Five thousand a second, a fifth of a millisecond from one another."""
    monkeypatch.setattr("tests.load.pace._GRACE", 30.0)  # processor time is judged here, not whether the machine paused
    paced = Paced()
    with asyncio.Runner(loop_factory=loop) as runner:
        began, used = time.perf_counter(), time.process_time()
        runner.run(pace(Shape(5000, 0, 1, 0), lambda *_: None, paced))
        share = (time.process_time() - used) / (time.perf_counter() - began)
    assert paced.sent == 5000
    assert share < 0.5


def test_what_leaves_too_late_is_not_sent() -> None:
    paced = Paced()
    asyncio.run(pace(Shape(100, 0, 0.3, 0), lambda *_: time.sleep(0.02), paced))
    assert paced.offered == 30
    assert paced.sent < 29


def test_the_last_words_of_a_connection_that_is_gone_are_read_and_not_answered() -> None:
    class Gone(Sink):
        def is_closing(self) -> bool:
            return True

    async def read() -> tuple[int, bytes]:
        over: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        sink, socket = Gone(), Socket(lambda *_: None, over.set_result, Inbox())
        socket.connection_made(sink)
        sink.written = b""
        socket.data_received(_HELLO + frame(8, b"\x03\xe9"))
        socket.connection_lost(None)
        return await over, sink.written

    assert asyncio.run(read()) == (1001, b"")


def test_what_arrives_is_timed_before_anything_is_read() -> None:
    """A hundred messages, each of which takes a millisecond to be read: none counts the reading of those before it."""

    async def arrive() -> list[float]:
        inbox, done = Inbox(), asyncio.Event()
        seen: list[float] = []

        def read(_: bytes, arrived: float) -> None:
            time.sleep(0.001)
            seen.append(arrived)
            if len(seen) == 100:
                done.set()

        for _ in range(100):
            inbox.put(read, b"")
        await done.wait()
        return seen

    seen = asyncio.run(arrive())
    assert seen == sorted(seen)
    assert seen[-1] - seen[0] < 0.05


def test_what_arrives_is_read_in_a_pause_or_after_a_while() -> None:
    """A message each millisecond, 150 of them: none is read soon after another came, but all within a while."""
    put: list[float] = []
    batches: list[tuple[float, float, float]] = []  # when it was read, and when its first and its last came

    async def arrive() -> None:
        loop, inbox, over = asyncio.get_running_loop(), Inbox(), asyncio.Event()

        def read(_: bytes, arrived: float) -> None:
            if not batches or batches[-1][2] < arrived:
                batches.append((time.time(), arrived, put[-1]))

        def step() -> None:
            time.sleep(0.001)
            inbox.put(read, b"")
            put.append(inbox._held[-1][2])
            if len(put) < 150:
                loop.call_soon(step)
            else:
                loop.call_later(2 * sockets._LONGEST, over.set)

        step()
        await over.wait()

    asyncio.run(arrive())
    assert batches[0][1] == put[0]
    assert batches[0][2] < batches[-1][2] == put[-1]
    for at, first, last in batches:
        assert at - last >= sockets._QUIET or at - first >= sockets._LONGEST - sockets._QUIET
