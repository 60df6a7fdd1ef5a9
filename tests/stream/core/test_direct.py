"""Writing past the transports: whatever sockets take, refuse, or become, each peer gets every byte once and in order."""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.direct import NONE, descriptor, write_each
from stream.keeper import Times
from stream.messages import MARKET
from stream.outlet import Outlet
from tests.stream.core.serving import Serving, becomes, run, serving, told
from tests.stream.core.test_slow import Sloth

_KINDS = ("free", "small", "full", "closed", "deaf")


@pytest.fixture(params=["uvloop", "asyncio"])
def _each_loop(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "asyncio":
        monkeypatch.setattr("tests.stream.core.serving.choose", lambda: (asyncio.new_event_loop, ""))


def _pair(stack: ExitStack, kind: str) -> tuple[socket.socket, socket.socket, int]:
    """A socket in that state, its peer, and how many bytes it holds already."""
    ours, theirs = (stack.enter_context(sock) for sock in socket.socketpair())
    ours.setblocking(False)
    theirs.setblocking(False)
    held = 0
    if kind in ("small", "full"):
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    if kind == "full":
        try:
            while True:
                held += ours.send(b"-" * 1000)
        except BlockingIOError:
            pass
    elif kind == "closed":
        ours.close()
    elif kind == "deaf":
        theirs.close()
    return ours, theirs, held


def _all(sock: socket.socket) -> bytes:
    got = b""
    try:
        while more := sock.recv(1 << 20):
            got += more
    except BlockingIOError:
        pass
    return got


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(_KINDS), max_size=8), st.integers(1, 300_000))
def test_each_socket_takes_a_beginning_and_the_count_says_which(kinds: list[str], size: int) -> None:
    data = os.urandom(min(size, 64)) * (size // 64 + 1)
    with ExitStack() as stack:
        pairs = [_pair(stack, kind) for kind in kinds]
        free = stack.enter_context(Path(os.devnull).open("rb")).fileno() + 50  # a number that nobody has
        took = write_each([ours.fileno() if ours.fileno() >= 0 else free for ours, _, _ in pairs], data)
        assert len(took) == len(kinds)
        for kind, (_, theirs, held), count in zip(kinds, pairs, took, strict=True):
            if kind in ("full", "closed", "deaf"):
                assert count == 0
            if theirs.fileno() >= 0:
                assert _all(theirs)[held:] == data[:count]
            if kind == "free" and size < 50_000:
                assert count == len(data)


def test_only_a_plain_open_socket_has_a_descriptor() -> None:
    class Plain(asyncio.Transport):
        def is_closing(self) -> bool:
            return False

    with socket.socket() as sock:
        assert descriptor(Plain({"socket": sock})) == sock.fileno()
        assert descriptor(Plain({"socket": sock, "sslcontext": object()})) == NONE
        assert descriptor(Plain({})) == NONE
    assert descriptor(Plain({"socket": sock})) == NONE, "closed"


def _outlets(here: Serving) -> list[Outlet]:
    return [session.outlet for session in here.server.endpoint.sessions.values()]


@pytest.mark.usefixtures("_each_loop")
def test_an_idle_client_is_written_to_directly_and_a_full_one_by_its_transport() -> None:
    async def story() -> None:
        async with serving("{backlog_bytes: 1048576}", times=Times(close_within=0.5)) as here:
            sloth, quick = Sloth(here.port), await here.subscribed()
            sloth.say({"type": "subscribe", "room": MARKET})
            await sloth.frames(3)
            mine = sloth.socket.getsockname()
            (outlet,) = (one for one in _outlets(here) if one.transport.get_extra_info("peername") == mine)
            outlet.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
            here.publish(n=0)
            await told(quick)
            cohort = outlet.cohort
            assert cohort is not None
            assert outlet in cohort.idle
            sent = 0
            while outlet in cohort.idle:
                sent += 1
                here.publish(n=sent, pad="x" * 3000)
                await told(quick)
            assert outlet.transport.get_write_buffer_size() > 0, "what the socket did not take waits in its transport"
            for number in range(sent + 1, sent + 21):
                here.publish(n=number)
                await told(quick)
            got = await sloth.frames(sent + 21)
            assert [int(payload.partition(b'"seq":')[2].partition(b",")[0]) for _, payload in got] == list(range(1, sent + 22))
            await becomes("its transport holds nothing", lambda: outlet.transport.get_write_buffer_size() == 0)
            here.publish(n=-1)
            await told(quick)
            assert outlet in cohort.idle, "and it is written to directly again"
            assert len(await sloth.frames(1)) == 1

    run(story())


@pytest.mark.usefixtures("_each_loop")
def test_a_number_that_another_connection_takes_over_gets_nothing_of_the_old_one() -> None:
    async def story() -> None:
        async with serving(times=Times(close_within=0.5)) as here:
            watcher = await here.subscribed()
            old, waiting = Sloth(here.port), socket.socket()
            old.say({"type": "subscribe", "room": MARKET})
            await old.frames(3)
            mine = old.socket.getsockname()
            (outlet,) = (one for one in _outlets(here) if one.transport.get_extra_info("peername") == mine)
            here.publish(n=1)
            await old.frames(1)
            assert outlet.cohort is not None
            assert outlet.fd in outlet.cohort.idle.values()
            outlet.transport.abort()
            loop = asyncio.get_running_loop()
            forgotten = loop.create_future()
            loop.call_soon(lambda: forgotten.set_result(outlet.cohort is None))  # comes next after `connection_lost`
            assert await forgotten, "before the number is free"
            for number in range(10):  # while the connection ends
                here.publish(n=number)
                await told(watcher)
            stranger = Sloth(here.port, waiting)  # the kernel gives the lowest number that is free
            ((_, greeting),) = await stranger.frames(1)
            assert b'"connection"' in greeting
            assert outlet.fd in [one.fd for one in _outlets(here) if one is not outlet], "it got the same number"
            here.publish(n=11)
            await told(watcher)
            stranger.say({"type": "ping"})
            ((_, payload),) = await stranger.frames(1)
            assert b'"pong"' in payload, "nothing of a room that it is not in"
            old.socket.close()

    run(story())
