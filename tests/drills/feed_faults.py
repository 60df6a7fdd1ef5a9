"""Faults of a source of data: a server that the appliance is told to read, and that goes silent or away."""

from __future__ import annotations

import contextlib
import http.server
import json
import threading
from collections.abc import Iterator
from typing import Any

from tests.appliance import Appliance
from tests.drills.faults import Fault
from tests.waiting import free_ports, until

_GOOD = json.dumps({"symbol": "BTC", "fear_greed_index": 50}).encode()
# The site's own limits: short ones, because they are no part of the way of an alert.
_TIMES = {"poll": "1s", "stale_after": "3s", "reconnect": "1s", "attempts": 2, "retry": "2s"}
_READ = (
    'feed_source_stale{source="sentiment"} == 0 and on (instance) feed_source_state{source="sentiment", state="connected"} == 1'
)


class _Source(http.server.ThreadingHTTPServer):
    """A server of one figure, or of nothing."""

    content = _GOOD
    status = 200


class _Answer(http.server.BaseHTTPRequestHandler):
    server: _Source

    def do_GET(self) -> None:
        """The server's content."""
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(self.server.content)))
        self.end_headers()
        self.wfile.write(self.server.content)

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


@contextlib.contextmanager
def _source(appliance: Appliance) -> Iterator[_Source]:
    """The appliance reads its sentiment from a server of ours within the block."""
    [port] = free_ports(1)
    with _Source(("127.0.0.1", port), _Answer) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        before = appliance.settings.get("stream", {})
        sources = {"sentiment": {"endpoint": f"http://127.0.0.1:{port}/"} | _TIMES}
        appliance.change(stream=before | {"sources": sources})
        try:
            appliance.up()
            until("the source is read", lambda: appliance.query(_READ), 60)
            yield server
        finally:
            appliance.change(stream=before)
            appliance.up()
            server.shutdown()
            thread.join()


def silence_source(content: bytes = b"[]") -> Fault:
    """The source goes on answering, without anything in it."""

    @contextlib.contextmanager
    def fault(appliance: Appliance) -> Iterator[None]:
        with _source(appliance) as server:
            server.content = content
            try:
                yield
            finally:
                server.content = _GOOD

    return fault


def break_source(status: int = 503) -> Fault:
    """The source refuses whoever asks."""

    @contextlib.contextmanager
    def fault(appliance: Appliance) -> Iterator[None]:
        with _source(appliance) as server:
            server.status = status
            try:
                yield
            finally:
                server.status = 200

    return fault
