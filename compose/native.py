"""The native runtime: the topology's services as processes under supervisord."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from compose import backing, certificates, entrance, postgres, render, roles, standard, state
from compose.announce import announce
from compose.bootstrap import install_lacking
from compose.errors import BadInputError, ComposeError
from compose.health import Health, ask, standing_still
from compose.host import Host
from compose.listening import refuse_addresses, refuse_taken_ports
from compose.orphans import end_orphans, orphans
from compose.restarts import counted
from compose.secrets import login, make_secrets
from compose.service import Context, Service
from compose.supervisor import BACKOFF, FATAL, RUNNING, STARTING, Process, Supervisor
from compose.supervisord_conf import config
from compose.terminal import Row
from compose.topology import services
from settings import Paths, SettingsError, Site, check_secrets, load, parse
from settings.exposure import refuse_exposed
from settings.lines import key
from settings.paths import CLONE
from settings.secrets import secret_files

START_WITHIN = 60.0  # seconds until every service must be ready
_LAST_LINES = 15
Tell = Callable[[str], None]


class Stack:
    """One appliance on this machine, in one home, from one settings file."""

    contained = False

    def __init__(self, host: Host, site_file: Path) -> None:
        self.host = host
        self.site_file = site_file
        self.paths = Paths(host.home)
        self.supervisor = Supervisor(host.home)

    def up(self, tell: Tell) -> bool:
        """Starts what does not run, applies what has changed, waits until all is ready; tells whether anything was changed.

        Raises BadInputError before anything is touched. Raises ComposeError with a service's last words when it does not come
        up: a cold start is then stopped again, a running appliance goes back to what it ran with before.
        """
        state.refuse_newer(self.paths)
        site, text = self.settings(tell)
        running = self.supervisor.running()
        if not running and end_orphans(self.host.home):
            tell("supervisord had ended and left services behind: they were stopped")
        refuse_addresses(site, self.site_file.name)
        refuse_taken_ports(site, self._running_site() if running else None, self.site_file.name)
        install_lacking(self.host, (*standard.packages_of(site), *entrance.packages_of(site), *backing.packages_of(site)))
        self.folders(site)
        if site.workload and postgres.prepare(self.paths, self.host):
            tell("made the data store's PostgreSQL cluster")
        before = self._remembered() if running else None
        changed = self._render(site, text)
        changed = self._configure(site) or changed
        try:
            if running:
                changed = self.apply(site, changed, tell) or changed
            else:
                tell("starting services")
                self.supervisor.start(self.host.python)
                changed = True
            self.wait_ready(site)
        except (ComposeError, KeyboardInterrupt):
            self._undo(before, tell)
            raise
        if site.workload and roles.settle(site, self.paths):
            tell("the data store's PostgreSQL was an earlier version's: the workload's role gets its rights")
            self.supervisor.restart(["store"])  # which gives them their rights
            self.wait_ready(site)
        render.forget_others(self.paths)
        if changed and (why := announce(site, "settings applied" if running else "started")):
            tell(why)
        return changed

    def _remembered(self) -> tuple[Path, str]:
        return self.paths.home / self.paths.rendered.readlink(), self.supervisor.config_path.read_text(encoding="utf-8")

    def _undo(self, before: tuple[Path, str] | None, tell: Tell) -> None:
        if before is None:
            if self.supervisor.running():
                self.supervisor.stop()
            return
        folder, words = before
        if (
            self.paths.rendered.readlink() != Path(folder.name)
            or self.supervisor.config_path.read_text(encoding="utf-8") != words
        ):
            tell("going back to the settings that ran before")
            render.point(self.paths.rendered, folder)
            self._write_config(words)
        site = load(self.paths.site, {})
        self.apply(site, changed=True, tell=tell)
        self.wait_ready(site)

    def settings(self, tell: Tell) -> tuple[Site, str]:
        """The settings and their text; a first start makes site.yaml from the example."""
        if not self.site_file.exists():
            new = self.site_file.with_suffix(".new")
            shutil.copyfile(CLONE / "site.example.yaml", new)
            new.replace(self.site_file)
            tell(f"made {self.site_file.name} from site.example.yaml: the one file to edit")
        try:
            text = self.site_file.read_text(encoding="utf-8")
            site = parse(text, self.site_file.name, os.environ)
            refuse_exposed(site, self.site_file.name)
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

    def site(self) -> Site:
        """The settings with which services run, or would."""
        return self._running_site() or load(self.site_file if self.site_file.exists() else CLONE / "site.example.yaml", {})

    def remake(self, tell: Tell, *, render: bool) -> None:
        """Makes what is missing among the secrets and what follows from them, by `render` among rendered files too."""
        if not self.paths.site.exists():
            raise ComposeError("nothing was ever started: this home: `make up` makes the secrets")
        site = self.site()
        self.folders(site)
        changed = render and self._render(site, self.paths.site.read_text(encoding="utf-8"))
        changed = self._configure(site) or changed
        if self.supervisor.running():
            self.apply(site, changed, tell)

    def change_password(self, site: Site, role: str, password: str) -> None:
        """Gives a role of the running server a new password. Raises ComposeError where it is refused."""
        roles.change_password(site, self.paths, role, password)

    def is_let_in(self, site: Site) -> bool:
        """Whether the superuser's password is the one in its file."""
        return roles.is_let_in(site, self.paths)

    def certify(self, site: Site) -> None:
        """Makes the entrance's certificate anew."""
        self.folders(site)
        certificates.make(site, self.paths, self.host, renew=True)

    def folders(self, site: Site) -> None:
        """Makes what is missing of the home: folders, passwords, the version of their layout."""
        paths = self.paths
        for folder in (paths.home, paths.run, paths.logs, paths.data):
            if not folder.exists():
                folder.mkdir(parents=True)
                folder.chmod(0o755)
        state.remember(paths)
        for service in filter(lambda service: service.state, services(site)):
            self.host.make(paths.data / service.state, 0o750, service.user)
        backing.folders(site, paths, self.host, self.site_file.name)
        make_secrets(paths, self.host, site.cache.redis.prefix)
        standard.prepare(site, paths, self.host)
        if site.entrance.enabled:
            entrance.prepare(site, paths, self.host)

    def _render(self, site: Site, text: str) -> bool:
        return render.render(site, text, self.host)

    def _configure(self, site: Site) -> bool:
        text = config(Context(site, self.paths, self.host.python), self.host, os.environ)
        path = self.supervisor.config_path
        if path.exists() and path.read_text(encoding="utf-8") == text:
            return False
        self._write_config(text)
        return True

    def _write_config(self, text: str) -> None:
        path = self.supervisor.config_path
        path.touch(mode=0o600)  # it may hold passwords of the environment
        path.write_text(text, encoding="utf-8")

    def apply(self, site: Site, changed: bool, tell: Tell) -> bool:  # noqa: FBT001  # what was rendered has changed, or not
        """What has been rendered reaches the running services; tells whether anything was done.

        Changed services restart, servers reread their files, and what was stopped by hand is started again.
        """
        restarted = self.supervisor.update()
        if restarted:
            tell(f"restarted {', '.join(restarted)}")
        started = self.supervisor.start_stopped()
        if started:
            tell(f"started {', '.join(started)}")
        ours = [service.name for service in services(site) if not service.own and service.rereads]
        reread = [name for name in ours if name not in (*restarted, *started)]
        for name in reread if changed else []:
            self.supervisor.signal(name, "HUP")
        if changed and reread:
            tell(f"{' and '.join(reread)} reread their files")
        return bool(restarted or started)

    def wait_ready(self, site: Site) -> None:
        """Returns when every service is ready; a process that ends at once, or is not ready in time, is a ComposeError."""
        end = time.monotonic() + START_WITHIN
        waiting = list(services(site))
        why: dict[str, str] = {}
        while waiting:
            processes = self.supervisor.processes()
            for service in list(waiting):
                process = processes[service.name]
                if process.state in (BACKOFF, FATAL):
                    raise ComposeError(self._last_words(service, process.words))
                health = self._health(service, process, site)
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

    def down(self) -> bool:
        """Stops everything in order; data stays. Tells whether anything ran."""
        if not self.supervisor.running():
            return end_orphans(self.host.home)
        self.supervisor.stop()
        return True

    def wipe(self) -> None:
        """Removes state that is not below the home: there is none."""

    def running(self) -> bool:
        """Whether services run."""
        return self.supervisor.running()

    def orphaned(self) -> bool:
        """Whether services have outlived what would bring them back."""
        return not self.supervisor.running() and bool(orphans(self.paths.home))

    def services(self, site: Site) -> tuple[Service, ...]:
        """The services of this runtime."""
        return services(site)

    def listening(self, site: Site) -> tuple[tuple[Service, int], ...]:
        """The ports of this machine that the services take, each with its service."""
        return tuple((service, port) for service in services(site) for port in service.ports(site))

    def log_command(self, service: str, lines: int, *, follow: bool = False) -> list[str]:
        """Shows a service's last lines. Raises ComposeError where there are none yet."""
        path = self.paths.logs / f"{service}.log"
        if not path.exists():
            raise ComposeError(f"no log yet: {path}: `make up` starts the service")
        return ["tail", "-n", str(lines), *(["-F"] if follow else []), str(path)]

    def rows(self) -> list[Row]:
        """What `make status` shows: each service's state, asked now."""
        running = self.supervisor.running()
        processes = self.supervisor.processes() if running else {}
        site = self.site()
        ours = services(site)
        with ThreadPoolExecutor(max_workers=len(ours)) as pool:
            restarts = pool.submit(counted, site) if running else None
            rows = list(pool.map(lambda service: self._row(service, processes.get(service.name), site), ours))
            counts = restarts.result() if restarts else {}
        return [Row(row.name, row.state, row.since, counts.get(row.name), row.url, row.summary, row.why) for row in rows]

    def _row(self, service: Service, process: Process | None, site: Site) -> Row:
        state, why = "stopped", ""
        if process and process.state == STARTING:
            state = "starting"
        elif process and process.state == RUNNING:
            health = self._health(service, process, site)
            state = "ok" if health.ok else "hung" if health.silent else "starting"
            why = health.why
        elif process:
            state, why = "down", f"{process.words}: see `make logs s={service.name}`"
        since = process.start if process and process.state in (RUNNING, STARTING) else 0.0
        return Row(service.name, state, since, None, service.public(site), service.summary, why)

    def _health(self, service: Service, process: Process, site: Site) -> Health:
        return standing_still(process.pid) or ask(service.url(site, service.ready), 2, login(service, self.paths))
