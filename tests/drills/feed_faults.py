"""Faults of a source of data: a server that the drilled appliance reads, and that goes silent or away."""

from __future__ import annotations

import contextlib
import http.server
import json
import threading
import time
from collections.abc import Iterator
from functools import cache
from typing import Any

from tests.appliance import Appliance
from tests.drills.faults import Fault
from tests.waiting import free_ports, until

# The site's own limits: short ones, because they are no part of the way of an alert.
_TIMES = {"poll": "1s", "stale_after": "5s", "reconnect": "1s", "attempts": 2, "retry": "2s"}
_READ = (
    'feed_source_stale{source="sentiment"} == 0 and on (instance) feed_source_state{source="sentiment", state="connected"} == 1'
)


class _Source(http.server.ThreadingHTTPServer):
    """A server of one figure, or of nothing."""

    content: bytes | None = None  # None: a figure that moves, as that of a market does
    status = 200


class _Answer(http.server.BaseHTTPRequestHandler):
    server: _Source

    def do_GET(self) -> None:
        """The server's content."""
        content = self.server.content or _figure()
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


def _figure() -> bytes:
    return json.dumps({"symbol": "BTC", "fear_greed_index": 45 + int(time.time()) % 11}).encode()


@cache
def _server() -> _Source:
    """The one of this process, which answers as long as that lives."""
    server = _Source(("127.0.0.1", free_ports(1)[0]), _Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def sources() -> dict[str, Any]:
    """`stream.sources` of an appliance that reads its sentiment from the server of the drills, which this starts."""
    return {"sentiment": {"endpoint": f"http://127.0.0.1:{_server().server_port}/"} | _TIMES}


def silence_source(content: bytes = b"[]") -> Fault:
    """The source goes on answering, without anything in it."""

    @contextlib.contextmanager
    def fault(appliance: Appliance) -> Iterator[None]:
        until("the source is read", lambda: appliance.query(_READ), 60)
        _server().content = content
        try:
            yield
        finally:
            _server().content = None

    return fault


def break_source(status: int = 503) -> Fault:
    """The source refuses whoever asks."""

    @contextlib.contextmanager
    def fault(appliance: Appliance) -> Iterator[None]:
        until("the source is read", lambda: appliance.query(_READ), 60)
        _server().status = status
        try:
            yield
        finally:
            _server().status = 200

    return fault
