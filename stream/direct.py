"""Writing to many idle sockets at once, past their transports; what that saves, and when it is allowed: docs/topics/fanout.md.

A socket may be written to directly only while its transport holds nothing for it, and only until its transport has told
`connection_lost`: after that the number may be another connection's.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable
from itertools import repeat

NONE = -1  # no descriptor: this connection is written to by its transport alone


def descriptor(transport: asyncio.BaseTransport) -> int:
    """The descriptor of a transport's socket if what is written is what leaves; `NONE` for TLS and for what is no socket."""
    sock = transport.get_extra_info("socket")
    if sock is None or transport.get_extra_info("sslcontext") is not None or transport.is_closing():
        return NONE
    number = sock.fileno()
    return number if isinstance(number, int) else NONE


def write_each(descriptors: Iterable[int], data: bytes) -> list[int]:
    """Offers the same bytes to non-blocking sockets, in order; how many each took: 0 for one that is full or broken.

    The loop runs in C, where half of what a delivery costs this server would otherwise be spent.
    """
    took: list[int] = []
    left = iter(descriptors)
    while True:
        try:
            took.extend(map(os.write, left, repeat(data)))
        except OSError:  # of the one that comes next in `took`; its transport finds out what it is
            took.append(0)
        else:
            return took
