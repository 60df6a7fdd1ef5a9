"""One connection to a server, and how long each step to it took."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any, Self, TypeAlias
from urllib.parse import urlsplit

from cryptography import x509

_CHUNK = 65_536
_Address: TypeAlias = tuple[socket.AddressFamily, socket.SocketKind, int, str, tuple[Any, ...]]  # as getaddrinfo gives it


@dataclass(frozen=True)
class Place:
    """Where a server is: a host and a port, by TLS or not; `base` is the path before all others, without a slash at its end."""

    host: str
    port: int
    secure: bool
    base: str = ""

    @classmethod
    def of(cls, url: str) -> Self:
        """From `http://` or `https://`. Raises ValueError for a port that is none."""
        parts = urlsplit(url)
        secure = parts.scheme == "https"
        return cls(parts.hostname or "", parts.port or (443 if secure else 80), secure, parts.path.rstrip("/"))

    @property
    def authority(self) -> str:
        """As the header `Host` has it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.secure else 80) else f"{host}:{self.port}"


@dataclass
class Steps:
    """What one try found, as far as it got: seconds by phase, the status (0: none), when the certificate expires (0: none)."""

    phases: dict[str, float] = field(default_factory=dict)
    status: int = 0
    expiry: float = 0.0

    @contextmanager
    def timed(self, phase: str) -> Iterator[None]:
        """Measures a phase, also one that fails."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.phases[phase] = self.phases.get(phase, 0.0) + time.perf_counter() - began


class Link:
    """A connection: bytes in, bytes out."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def send(self, data: bytes) -> None:
        """Sends all of it. Raises OSError."""
        self._writer.write(data)
        await self._writer.drain()

    async def receive(self) -> bytes:
        """What came; empty at the connection's end. Raises OSError."""
        return await self._reader.read(_CHUNK)

    def close(self) -> None:
        """Ends it at once: a server that does not answer is not waited for."""
        self._writer.transport.abort()


async def connected(place: Place, trust: ssl.SSLContext | None, steps: Steps) -> Link:
    """A connection by the phases resolve, connect and, with `trust`, tls. Raises OSError."""
    loop = asyncio.get_running_loop()
    with steps.timed("resolve"):
        found = await loop.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)
    with steps.timed("connect"):
        sock = await _first(loop, found)
    if not trust:
        return Link(*await asyncio.open_connection(sock=sock))
    try:
        with steps.timed("tls"):
            reader, writer = await asyncio.open_connection(sock=sock, ssl=trust, server_hostname=place.host)
    except ssl.SSLCertVerificationError:
        steps.expiry = await _shown(place)
        raise
    steps.expiry = _expiry(writer)
    return Link(reader, writer)


async def _first(loop: asyncio.AbstractEventLoop, found: Sequence[_Address]) -> socket.socket:
    """A socket to the first address that takes it. Raises the last one's OSError."""
    failed: OSError | None = None
    for family, kind, protocol, _, address in found:
        sock = socket.socket(family, kind, protocol)
        sock.setblocking(False)
        try:
            await loop.sock_connect(sock, address)
        except OSError as error:
            sock.close()
            failed = error
        except BaseException:
            sock.close()
            raise
        else:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return sock
    raise failed or OSError("the name has no address")


def anybody() -> ssl.SSLContext:
    """Trusts whoever answers: for what is asked of anybody, and without a token."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    return made


async def _shown(place: Place) -> float:
    """When the certificate that is shown expires, trusted or not; nothing is sent over this connection."""
    _, writer = await asyncio.open_connection(place.host, place.port, ssl=anybody(), server_hostname=place.host)
    try:
        return _expiry(writer)
    finally:
        writer.transport.abort()


def _expiry(writer: asyncio.StreamWriter) -> float:
    """Unix time at which the peer's certificate expires."""
    found = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    return x509.load_der_x509_certificate(found).not_valid_after_utc.astimezone(UTC).timestamp()
