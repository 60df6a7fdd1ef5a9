"""The health watchers: `python -m compose.watcher services|guard`.

supervisord brings back what ends; a watcher brings back what hangs. The first one watches every service, the guard
watches the first one, so that a watcher that hangs is noticed too. Both tell what they see on `/metrics`.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from compose.errors import EXIT_BAD_INPUT, EXIT_OK, ComposeError
from compose.health import Health, ask, standing_still
from compose.schedule import Backups
from compose.secrets import login
from compose.service import Service
from compose.supervisor import Supervisor
from compose.telling import Teller, serve
from compose.topology import services
from compose.watching import ANSWER_WITHIN, CHECK_EVERY, Watched, look
from metrics import stack
from metrics.model import Sample
from metrics.process import version
from settings import Paths, Site

log = logging.getLogger("watcher")
ROLES = {"services": "watcher", "guard": "watcher-guard"}


class Watcher(Teller):
    """Looks every few seconds, kills what hangs, and remembers what it saw."""

    idle = "the watching loop does not turn"

    def __init__(self, site: Site, paths: Paths, role: str) -> None:
        super().__init__(ROLES[role])
        self.site = site
        self.supervisor = Supervisor(paths.home)
        self.services = [service for service in services(site) if self._watches(service, role)]
        self.memory: dict[str, Watched] = {service.name: Watched() for service in self.services}
        self.paths = paths
        self.backups = Backups(site, paths) if role == "services" else None
        self.looked = time.monotonic()
        self.controlled = True  # whether supervisord answers: without it nothing is brought back

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
        yield from super().samples()
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

    def healthy(self) -> bool:
        """Whether it still looks."""
        return time.monotonic() - self.looked < 4 * (CHECK_EVERY + ANSWER_WITHIN)


def main(arguments: list[str]) -> int:
    """Runs one watcher until SIGTERM."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    if arguments == ["--version"]:
        print(f"watchfloor {version()}")
        return EXIT_OK
    if len(arguments) != 1 or arguments[0] not in ROLES:
        print(f"python -m compose.watcher: one argument is needed: {' or '.join(ROLES)}", file=sys.stderr)
        return EXIT_BAD_INPUT
    role = arguments[0]
    return serve(lambda site, paths: Watcher(site, paths, role), lambda site: site.ports.watcher + (role == "guard"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
