"""One HTTP request over a connection of its own, as a client without a past makes it."""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass, field

from exporters.probe.causes import ProbeError
from exporters.probe.link import Link, Place, Steps, connected
from metrics.process import version

_MOST = 4 * 1024 * 1024  # bytes of an answer; none of the API's is near
_STATUS = re.compile(rb"HTTP/1\.[01] ([1-5]\d\d)(?: |\r)")
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r", re.IGNORECASE)
AGENT = f"watchfloor-probe/{version()}"


@dataclass(frozen=True)
class Request:
    """What is asked: by GET, or by POST with a body of JSON; `token` is empty for none."""

    place: Place
    path: str
    token: str = field(default="", repr=False)
    body: bytes = b""


async def ask(request: Request, trust: ssl.SSLContext | None, steps: Steps) -> None:
    """Asks, and reads the whole answer into `steps`.

    Raises ProbeError for any answer but 200, OSError for none.
    """
    link = await connected(request.place, trust, steps)
    try:
        with steps.timed("processing"):
            await link.send(_encoded(request))
            first = await link.receive()
        with steps.timed("transfer"):
            steps.status = await _read(link, first)
    finally:
        link.close()
    if steps.status != 200:
        raise ProbeError("auth" if steps.status in (401, 403) else "status", f"answered {steps.status}")


def _encoded(request: Request) -> bytes:
    place, body = request.place, request.body
    lines = [
        f"{'POST' if body else 'GET'} {place.base}{request.path} HTTP/1.1",
        f"Host: {place.authority}",
        f"User-Agent: {AGENT}",
        "Accept: application/json",
        "Connection: close",
    ]
    lines += [f"Authorization: Bearer {request.token}"] if request.token else []
    lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"] if body else []
    return "\r\n".join([*lines, "", ""]).encode() + body


async def _read(link: Link, got: bytes) -> int:
    """The status of a whole answer."""
    answer = bytearray(got)
    while got and not _whole(answer):
        if len(answer) > _MOST:
            raise ProbeError("protocol", f"the answer is larger than {_MOST} bytes")
        got = await link.receive()
        answer += got
    if not answer:
        raise ProbeError("lost", "the connection ended without an answer")
    found = _STATUS.match(answer)
    if not found:
        raise ProbeError("protocol", "what answers does not speak HTTP/1.1")
    missing = _missing(answer)
    if missing is None or missing > 0:
        raise ProbeError("lost", "the connection ended within the answer")
    return int(found[1])


def _whole(answer: bytearray) -> bool:
    if len(answer) > 16 and not _STATUS.match(answer):
        return True  # more of it makes it no better
    missing = _missing(answer)
    return missing is not None and missing <= 0 and bool(_LENGTH.search(answer))


def _missing(answer: bytearray) -> int | None:
    """Bytes of the body that have not come; 0 where it ends with the connection; None before the end of the head."""
    head, end, body = answer.partition(b"\r\n\r\n")
    if not end:
        return None
    length = _LENGTH.search(head + b"\r")
    return int(length[1]) - len(body) if length else 0
