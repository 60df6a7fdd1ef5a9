"""The small server of `/metrics`, `/healthz` and `/readyz` behind which the appliance's own programs look at things in a loop."""

from __future__ import annotations

import contextlib
import errno
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from compose.errors import EXIT_BAD_INPUT, EXIT_FAILED, EXIT_OK
from metrics.expose import Renderer, negotiate
from metrics.model import Sample
from metrics.process import ProcessSamples
from settings import Paths, SettingsError, Site, load
from settings.ports import holder


class Teller:
    """What a program tells of itself and of what it has seen; `run` looks until it is told to stop."""

    idle = "the loop does not turn"  # what is told when it is not healthy

    def __init__(self, name: str) -> None:
        self.name = name
        self.process = ProcessSamples(name)
        self._renderer, self._lock = Renderer(), threading.Lock()

    def run(self, stop: threading.Event) -> None:
        """Looks until `stop` is set."""
        raise NotImplementedError

    def samples(self) -> Iterator[Sample]:
        """What `/metrics` tells."""
        yield from self.process.collect()

    def healthy(self) -> bool:
        """Whether it still looks."""
        raise NotImplementedError

    def exposition(self, accept: str, encoding: str) -> tuple[dict[str, str], bytes]:
        """Headers and body of `/metrics`."""
        wanted = negotiate(accept, encoding)
        with self._lock:
            return wanted.headers, self._renderer.render(self.samples(), wanted)


def serve(made: Callable[[Site, Paths], Teller], port_of: Callable[[Site], int]) -> int:
    """Makes a teller of this machine's site, and answers at that port while it runs, until SIGTERM; the exit code."""
    try:
        site = load()
    except SettingsError as error:
        print(error, file=sys.stderr)
        return EXIT_BAD_INPUT
    teller, port = made(site, Paths.from_environment()), port_of(site)
    try:
        server = Server((site.bind.strip("[]"), port), handler(teller))
    except OSError as error:
        taken = f": {holder(port)}: set ports.watcher in site.yaml" if error.errno == errno.EADDRINUSE else ": look at `bind`"
        print(f"{site.bind} port {port} cannot be listened on ({error.strerror}){taken}", file=sys.stderr)
        return EXIT_FAILED
    server.daemon_threads = True
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with contextlib.closing(server.socket):
        teller.run(stop)
    return EXIT_OK


def handler(teller: Teller) -> type[BaseHTTPRequestHandler]:
    """The HTTP side: `/metrics`, `/healthz`, `/readyz`."""

    class Handler(BaseHTTPRequestHandler):
        timeout = 10
        server_version = "watchfloor"
        sys_version = ""

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path == "/metrics":
                headers, body = teller.exposition(self.headers.get("Accept", ""), self.headers.get("Accept-Encoding", ""))
                self._answer(200, body, headers)
            elif path in ("/healthz", "/readyz"):
                ok = teller.healthy()
                self._answer(200 if ok else 503, b"ok\n" if ok else f"{teller.idle}\n".encode(), {"Content-Type": "text/plain"})
            else:
                self._answer(404, b"here are /metrics, /healthz and /readyz\n", {"Content-Type": "text/plain"})

        def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in (headers | {"Content-Length": str(len(body))}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """One line a request would say nothing."""

    return Handler


class Server(ThreadingHTTPServer):
    """One that takes an IPv6 address too."""

    def __init__(self, place: tuple[str, int], handle: type[BaseHTTPRequestHandler]) -> None:
        self.address_family = socket.AF_INET6 if ":" in place[0] else socket.AF_INET
        super().__init__(place, handle)
