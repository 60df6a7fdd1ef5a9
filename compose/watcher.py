"""The health watchers: `python -m compose.watcher services|guard`.

supervisord brings back what ends; a watcher brings back what hangs. The first one watches every service, the guard
watches the first one, so that a watcher that hangs is noticed too. Both tell what they see on `/metrics`.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from compose.errors import EXIT_BAD_INPUT, EXIT_FAILED, EXIT_OK, ComposeError
from compose.health import Health, ask, standing_still
from compose.schedule import Backups
from compose.secrets import login
from compose.service import Service
from compose.supervisor import Supervisor
from compose.topology import services
from compose.watching import ANSWER_WITHIN, CHECK_EVERY, Watched, look
from metrics import stack
from metrics.expose import Renderer, negotiate
from metrics.model import Sample
from metrics.process import ProcessSamples, version
from settings import Paths, SettingsError, Site, load
from settings.ports import holder

log = logging.getLogger("watcher")
ROLES = {"services": "watcher", "guard": "watcher-guard"}


class Watcher:
    """Looks every few seconds, kills what hangs, and remembers what it saw."""

    def __init__(self, site: Site, paths: Paths, role: str) -> None:
        self.name = ROLES[role]
        self.site = site
        self.supervisor = Supervisor(paths.home)
        self.services = [service for service in services(site) if self._watches(service, role)]
        self.memory: dict[str, Watched] = {service.name: Watched() for service in self.services}
        self.process = ProcessSamples(self.name)
        self.paths = paths
        self.backups = Backups(site, paths) if role == "services" else None
        self.looked = time.monotonic()
        self.controlled = True  # whether supervisord answers: without it nothing is brought back
        self.renderer, self.lock = Renderer(), threading.Lock()

    def _watches(self, service: Service, role: str) -> bool:
        return service.name == ROLES["services"] if role == "guard" else service.name != ROLES["services"]

    def look_once(self, pool: ThreadPoolExecutor) -> None:
        """One look at all services; kills those that hang, and starts a backup that is due."""
        processes = self.supervisor.processes()
        if self.backups:
            self.backups.look(self.supervisor, time.time())
        answers = dict(zip((service.name for service in self.services), pool.map(self._ask, self.services), strict=True))
        answers |= {name: still for name in answers if name in processes and (still := standing_still(processes[name].pid))}
        for kill in look(self.memory, processes, answers, self.memory):
            log.warning("%s (pid %d) hangs (%s): killing it, supervisord starts it again", kill.service, kill.pid, kill.why)
            self.supervisor.signal(kill.service, "KILL")

    def _ask(self, service: Service) -> Health:
        return ask(service.url(self.site, service.alive), ANSWER_WITHIN, login(service, self.paths))

    def run(self, stop: threading.Event) -> None:
        """Looks until `stop` is set. An error of supervisord's interface is logged and the next look comes all the same."""
        last_error = ""
        with ThreadPoolExecutor(max_workers=len(self.services)) as pool:
            while not stop.wait(max(0.0, self.looked + CHECK_EVERY - time.monotonic())):
                self.looked = time.monotonic()
                try:
                    self.look_once(pool)
                    self.controlled, last_error = True, ""
                except ComposeError as error:
                    self.controlled = False
                    if str(error) != last_error:
                        log.error("%s", error)  # noqa: TRY400  # the text says it all; a traceback would repeat it
                    last_error = str(error)

    def samples(self) -> Iterator[Sample]:
        """What `/metrics` tells."""
        yield from self.process.collect()
        if self.name == ROLES["services"]:
            yield stack.SERVICE_UP.sample(int(self.controlled), "supervisord")
        if self.backups:
            yield from self.backups.samples(time.time())
        for name, known in self.memory.items():
            if known.up is not None:  # also of what never ran: nobody would hear of a service that does not start
                yield stack.SERVICE_UP.sample(int(known.up), name)
            if known.pid:
                yield stack.SERVICE_START_TIME.sample(known.start, name)
            for reason, count in known.restarts.items():
                yield stack.SERVICE_RESTARTS.sample(count, name, reason)

    def exposition(self, accept: str, encoding: str) -> tuple[dict[str, str], bytes]:
        """Headers and body of `/metrics`."""
        wanted = negotiate(accept, encoding)
        with self.lock:
            return wanted.headers, self.renderer.render(self.samples(), wanted)

    def healthy(self) -> bool:
        """Whether it still looks."""
        return time.monotonic() - self.looked < 4 * (CHECK_EVERY + ANSWER_WITHIN)


def handler(watcher: Watcher) -> type[BaseHTTPRequestHandler]:
    """The HTTP side: `/metrics`, `/healthz`, `/readyz`."""

    class Handler(BaseHTTPRequestHandler):
        timeout = 10
        server_version = "watchfloor"
        sys_version = ""

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path == "/metrics":
                headers, body = watcher.exposition(self.headers.get("Accept", ""), self.headers.get("Accept-Encoding", ""))
                self._answer(200, body, headers)
            elif path in ("/healthz", "/readyz"):
                ok = watcher.healthy()
                self._answer(
                    200 if ok else 503, b"ok\n" if ok else b"the watching loop does not turn\n", {"Content-Type": "text/plain"}
                )
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


def main(arguments: list[str]) -> int:
    """Runs one watcher until SIGTERM."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    if arguments == ["--version"]:
        print(f"watchfloor {version()}")
        return EXIT_OK
    if len(arguments) != 1 or arguments[0] not in ROLES:
        print(f"python -m compose.watcher: one argument is needed: {' or '.join(ROLES)}", file=sys.stderr)
        return EXIT_BAD_INPUT
    try:
        site = load()
    except SettingsError as error:
        print(error, file=sys.stderr)
        return EXIT_BAD_INPUT
    watcher = Watcher(site, Paths.from_environment(), arguments[0])
    port = site.ports.watcher + (arguments[0] == "guard")
    try:
        server = Server((site.bind.strip("[]"), port), handler(watcher))
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
        watcher.run(stop)
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
