"""The native runtime: the topology's services as processes under supervisord."""

from __future__ import annotations

import os
import re
import shutil
import time
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from compose import render
from compose.errors import BadInputError, ComposeError
from compose.health import ask
from compose.host import Host
from compose.ports import holder, is_free
from compose.secrets import make_secrets
from compose.supervisor import BACKOFF, FATAL, RUNNING, STARTING, Process, Supervisor
from compose.supervisord_conf import config
from compose.terminal import Row
from compose.topology import SERVICES, Context, Service
from settings import Paths, SettingsError, Site, check_secrets, load, parse
from settings.lines import key
from settings.paths import CLONE
from settings.secrets import secret_files

START_WITHIN = 60.0  # seconds until every service must be ready
_LAST_LINES = 15
_RESTARTS_METRIC = "watchfloor_service_restarts_total"
Tell = Callable[[str], None]


class Stack:
    """One appliance on this machine, in one home, from one settings file."""

    def __init__(self, host: Host, site_file: Path) -> None:
        self.host = host
        self.site_file = site_file
        self.paths = Paths(host.home)
        self.supervisor = Supervisor(host.home)

    def up(self, tell: Tell) -> bool:
        """Starts what does not run, applies what has changed, waits until all is ready; tells whether anything was changed.

        Raises BadInputError before anything is touched, ComposeError with a service's last words when it does not come up.
        """
        site, text = self.settings(tell)
        running = self.supervisor.running()
        previous = self._running_site() if running else None
        self._refuse_taken_ports(site, previous)
        self._folders()
        changed = self._render(site, text)
        changed = self._configure(site) or changed
        if not running:
            tell("starting services")
            try:
                self.supervisor.start(self.host.python)
                self.wait_ready(site)
            except (ComposeError, KeyboardInterrupt):
                self._stop_quietly()
                raise
            return True
        if changed:
            self.apply(site, tell)
        self.wait_ready(site)
        return changed

    def settings(self, tell: Tell) -> tuple[Site, str]:
        """The settings and their text; a first start makes site.yaml from the example."""
        if not self.site_file.exists():
            shutil.copyfile(CLONE / "site.example.yaml", self.site_file)
            tell(f"made {self.site_file.name} from site.example.yaml: the one file to edit")
        try:
            text = self.site_file.read_text(encoding="utf-8")
            site = parse(text, self.site_file.name, os.environ)
            check_secrets(site, text, self.site_file.name)
        except (SettingsError, OSError, UnicodeDecodeError) as error:
            raise BadInputError(str(error)) from error
        for steps, path in secret_files(site):
            if self.host.user and not self.host.may_read(path):
                where = f"{self.site_file.name}: {key(steps)}"
                raise BadInputError(f"{where}: {path} cannot be read by the services: `chown {self.host.user} {path}`")
        return site, text

    def _running_site(self) -> Site | None:
        try:
            return load(self.paths.site, {})
        except SettingsError:  # an older version's file; what runs is then unknown, and every port counts as ours to check
            return None

    def _refuse_taken_ports(self, site: Site, previous: Site | None) -> None:
        ours = {service.port(previous) for service in SERVICES} if previous else set()
        for service in SERVICES:
            port = service.port(site)
            if port not in ours and not is_free(site.bind, port):
                key = "ports: in site.yaml"
                raise ComposeError(
                    f"port {port} is in use: {service.name} needs it, {holder(port)} has it: stop that one, or set {key}"
                )

    def _folders(self) -> None:
        paths = self.paths
        for folder in (paths.home, paths.run, paths.logs, paths.data):
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o755)
        for service in SERVICES:
            if service.state:
                folder = paths.data / service.state
                folder.mkdir(exist_ok=True)
                folder.chmod(0o750)
                self.host.give(folder)
        make_secrets(paths, self.host)

    def _render(self, site: Site, text: str) -> bool:
        return render.render(site, text, self.paths, self.host.python)

    def _configure(self, site: Site) -> bool:
        text = config(Context(site, self.paths, self.host.python), self.host)
        path = self.supervisor.config_path
        if path.exists() and path.read_text(encoding="utf-8") == text:
            return False
        path.write_text(text, encoding="utf-8")
        path.chmod(0o600)
        return True

    def apply(self, site: Site, tell: Tell) -> None:
        """What has been rendered reaches the running services: changed ones restart, servers reread their files."""
        restarted = self.supervisor.update()
        if restarted:
            tell(f"restarted {', '.join(restarted)}")
        reread = [service.name for service in SERVICES if not service.own and service.name not in restarted]
        for name in reread:
            self.supervisor.signal(name, "HUP")
        if reread:
            tell(f"{' and '.join(reread)} reread their files")
        del site

    def wait_ready(self, site: Site) -> None:
        """Returns when every service is ready; a process that ends at once, or is not ready in time, is a ComposeError."""
        end = time.monotonic() + START_WITHIN
        waiting = list(SERVICES)
        why: dict[str, str] = {}
        while waiting:
            processes = self.supervisor.processes()
            for service in list(waiting):
                process = processes[service.name]
                if process.state in (BACKOFF, FATAL):
                    raise ComposeError(self._last_words(service, process.words))
                health = ask(service.url(site, service.ready), 2)
                why[service.name] = health.why
                if process.state == RUNNING and health.ok:
                    waiting.remove(service)
            if waiting and time.monotonic() > end:
                service = waiting[0]
                raise ComposeError(self._last_words(service, f"not ready after {START_WITHIN:.0f} s ({why[service.name]})"))
            time.sleep(0.1 if waiting else 0)

    def _last_words(self, service: Service, what: str) -> str:
        log = self.paths.logs / f"{service.name}.log"
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LAST_LINES:] if log.exists() else []
        return f"{service.name} does not run: {what}: the last lines of {log}:\n" + "\n".join(f"  {line}" for line in lines)

    def _stop_quietly(self) -> None:
        if self.supervisor.running():
            self.supervisor.stop()

    def down(self) -> bool:
        """Stops everything in order; data stays. Tells whether anything ran."""
        if not self.supervisor.running():
            return False
        self.supervisor.stop()
        return True

    def rows(self) -> list[Row]:
        """What `make status` shows: each service's state, asked now."""
        running = self.supervisor.running()
        processes = self.supervisor.processes() if running else {}
        site = self._running_site() or load(self.site_file if self.site_file.exists() else CLONE / "site.example.yaml", {})
        with ThreadPoolExecutor(max_workers=len(SERVICES)) as pool:
            restarts = pool.submit(self._restarts, site) if running else None
            rows = list(pool.map(lambda service: self._row(service, processes.get(service.name), site), SERVICES))
            counts = restarts.result() if restarts else {}
        return [Row(row.name, row.state, row.since, counts.get(row.name), row.url, row.summary, row.why) for row in rows]

    def _row(self, service: Service, process: Process | None, site: Site) -> Row:
        state, why = "stopped", ""
        if process and process.state == STARTING:
            state = "starting"
        elif process and process.state == RUNNING:
            health = ask(service.url(site, service.ready), 2)
            if health.ok:
                state = "ok"
            else:
                state, why = ("hung" if health.silent else "starting"), health.why
        elif process:
            state, why = "down", f"{process.words}: see `make logs s={service.name}`"
        since = process.start if process and process.state in (RUNNING, STARTING) else 0.0
        return Row(service.name, state, since, None, service.public(site), service.summary, why)

    def _restarts(self, site: Site) -> dict[str, int]:
        """Restarts that the watchers counted, by service; empty where they do not answer."""
        counts: dict[str, int] = {}
        for port in (site.ports.watcher, site.ports.watcher + 1):
            try:
                with urllib.request.urlopen(site.local_url(port) + "/metrics", timeout=2) as response:  # noqa: S310  # our own URL
                    text = response.read().decode()
            except OSError:
                continue
            for name, count in re.findall(
                rf'^{_RESTARTS_METRIC}{{service="([^"]+)",reason="[a-z]+"}} (\d+)$', text, re.MULTILINE
            ):
                counts[name] = counts.get(name, 0) + int(count)
        return counts
