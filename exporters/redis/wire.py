"""Talking to a server within a time: connecting, and many commands in one go. A socket that never blocks, and poll().

Every wait ends at the caller's deadline, so that a server that is stopped, or a network that swallows packets, costs a scrape its
time and nothing more.
"""

from __future__ import annotations

import os
import select
import socket
import ssl
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeAlias

import hiredis

from exporters.redis.causes import LateError, TargetError, failed, line
from exporters.redis.resp import Answer, ProtocolError, Reader

_READ, _WRITE = select.POLLIN, select.POLLOUT
_CHUNK = 1 << 18
_MOST = 64 << 20  # bytes of one scrape's answers: whoever sends more is no server that we know

Words: TypeAlias = "tuple[str | bytes | int, ...]"
Command: TypeAlias = "Words | bytes"  # bytes are packed already


def packed(words: Words) -> bytes:
    """A command as it is sent."""
    return hiredis.pack_command(words)  # type: ignore[arg-type,no-any-return]  # its stub knows commands of one word alone


class Late:
    """Stands for an answer that has not come in time."""


LATE = Late()


@dataclass(frozen=True)
class Address:
    """Where a server listens; `tls` when it speaks TLS."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None


class Connection:
    """A connection that stands. After a late answer it is of no further use."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._poll = select.poll()
        self._poll.register(sock, _READ)
        self._reader = Reader()
        self._heard = False  # whether anything came yet

    def ask(self, commands: Sequence[Command], deadline: float) -> list[Answer]:
        """One answer for each command, all sent at once; LATE where none came by `deadline` (of time.monotonic()).

        Raises TargetError when the connection is lost, or what comes is no answer.
        """
        answers: list[Answer] = []
        data = b"".join([command if isinstance(command, bytes) else packed(command) for command in commands])
        try:
            self._exchange(data, len(commands), answers, deadline)
        except LateError:
            answers += [LATE] * (len(commands) - len(answers))
        except ProtocolError as error:
            raise TargetError("protocol", line(f"no Redis answers there: {error}")) from error
        except OSError as error:
            raise self._ended(failed(error)) from error
        return answers

    def close(self) -> None:
        """Ends it."""
        self._socket.close()

    def _exchange(self, data: bytes, count: int, answers: list[Answer], deadline: float) -> None:
        """Sends and reads in turn: a server whose answers nobody takes reads no more commands."""
        left, taken = memoryview(data), 0
        while len(answers) < count:
            if left:
                left = left[self._send(left) :]
            came = self._receive()
            if came is None:
                self._wait(_READ | (_WRITE if left else 0), deadline)
                continue
            if not came:
                raise self._ended(TargetError("lost", "the server closed the connection"))
            self._heard = True
            taken += len(came)
            if taken > _MOST:
                raise TargetError("protocol", "the answers have no end")
            self._reader.feed(came)
            self._reader.take(answers, count)

    def _ended(self, found: TargetError) -> TargetError:
        """What ended the connection.

        In TLS 1.3 a server judges our certificate after the handshake, and a reset may overtake its alert: a connection that is
        lost before its first answer is told as what it most likely is.
        """
        if found.cause == "lost" and not self._heard and isinstance(self._socket, ssl.SSLSocket):
            return TargetError(
                "tls", "TLS: the server ended the connection after the handshake: it may want a certificate of ours"
            )
        return found

    def _send(self, data: memoryview) -> int:
        try:
            return self._socket.send(data[:_CHUNK])
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return 0

    def _receive(self) -> bytes | None:
        try:
            return self._socket.recv(_CHUNK)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return None

    def _wait(self, events: int, deadline: float) -> None:
        self._poll.modify(self._socket, events)
        wait(self._poll, deadline)


def wait(poll: select.poll, deadline: float) -> None:
    """Until something registered is ready. Raises LateError at the deadline."""
    left = deadline - time.monotonic()
    if left <= 0 or not poll.poll(max(1, left * 1000)):
        raise LateError


def connect(address: Address, deadline: float) -> Connection:
    """A connection by `deadline`. Raises TargetError, with the cause."""
    try:
        places = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise failed(error) from error
    for index, (family, kind, protocol, _, place) in enumerate(places):
        sock = socket.socket(family, kind, protocol)
        try:
            return Connection(_established(sock, place, address, deadline))
        except OSError as error:
            sock.close()
            if index == len(places) - 1:
                raise failed(error) from error
        except BaseException:
            sock.close()
            raise
    raise TargetError("dns", "its name has no address")


def _established(sock: socket.socket, place: Any, address: Address, deadline: float) -> socket.socket:
    sock.setblocking(False)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    poll = select.poll()
    with suppress(BlockingIOError):
        sock.connect(place)
    poll.register(sock, _WRITE)
    wait(poll, deadline)
    if code := sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
        raise OSError(code, os.strerror(code))
    return _secured(sock, address, deadline) if address.tls else sock


def _secured(sock: socket.socket, address: Address, deadline: float) -> ssl.SSLSocket:
    assert address.tls
    secured = address.tls.wrap_socket(sock, server_hostname=address.host, do_handshake_on_connect=False)
    poll = select.poll()
    poll.register(secured, _READ)
    try:
        while True:
            try:
                secured.do_handshake()
            except ssl.SSLWantReadError:
                poll.modify(secured, _READ)
            except ssl.SSLWantWriteError:
                poll.modify(secured, _WRITE)
            else:
                return secured
            wait(poll, deadline)
    except BaseException:
        secured.close()
        raise
