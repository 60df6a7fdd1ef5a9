"""The Docker runtime: the topology's services as containers, by the file that compose/containers.py renders."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from compose import certificates, container_backup, containers, engine, entrance, given, image, render, roles, state
from compose.announce import announce
from compose.copies import Copies
from compose.errors import BadInputError, ComposeError
from compose.host import Host, is_root
from compose.images import CONTAINERS, GROUP, OURS, major
from compose.lacking import refuse
from compose.native import Stack, Tell
from compose.ports import is_free
from compose.secrets import make_secrets
from compose.service import Service
from compose.terminal import Row
from compose.topology import services
from metrics.durations import seconds
from settings import Site, parse
from settings.containers import CONTAINERS as INSIDE
from settings.containers import RUNTIME_VARIABLE
from settings.paths import DATABASE_USER
from settings.ports import holder

START_WITHIN = 180.0  # seconds: a first start makes a database cluster, on whatever disk there is
_HALF = (  # of a first start that was cut off
    "what its volumes hold stays; should PostgreSQL not get well at the next start either, its first one was cut off: where"
    " nothing was stored yet, `docker volume rm {volume}`, then `make up`"
)
_PROJECT = "com.docker.compose.project"
_SERVICE = "com.docker.compose.service"


class Containers(Stack):
    """One appliance in containers, with the commands of the native one."""

    contained = True

    def __init__(self, host: Host, site_file: Path) -> None:
        super().__init__(Host(host.home, None, host.copied), site_file)
        self.group = GROUP if is_root() else os.getgid()
        name = hashlib.sha256(str(host.home).encode()).hexdigest()[:8]
        self.project = f"watchfloor-{name}"
        self._copies = Copies(self.paths.home / "containers" / containers.SECRETS, self.group)

    def settings(self, tell: Tell) -> tuple[Site, str]:
        """The settings and their text. Raises BadInputError for what this runtime lacks, too."""
        site, text = super().settings(tell)
        refuse(site, self.site_file.name)
        return site, text

    def up(self, tell: Tell) -> bool:
        """Renders, builds our image where it is new, and has Compose bring everything to what the file says.

        Raises BadInputError before anything is touched, ComposeError with a container's last words when it does not get well.
        """
        state.refuse_newer(self.paths)
        site, text = self.settings(tell)
        if site.workload:
            state.refuse_other_cluster(self.paths, major("postgres"))
        before = self._containers()
        if not before:
            self._refuse_published_ports(site)
        self._make_folders(site)
        if seconds(site.backup.every):
            tell("backup.every: nobody makes backups by itself in containers: have cron run `make backup` that often")
        tag = self.image(tell)
        behind = self._write_copies(site)
        earlier = self.paths.rendered.resolve() if before and self.paths.rendered.is_symlink() else None
        self._render_for_containers(site, text, tag)
        tell("starting containers" if not before else "applying the settings")
        try:
            self._start(behind if before else ())
        except (ComposeError, KeyboardInterrupt):
            self._undo_to(earlier, tell)
            raise
        if site.workload:
            state.remember_cluster(self.paths, major("postgres"))
        self._copies.renewed({name for held in self._readers(site).values() for name in held})
        if site.workload and self._settle_roles():
            self.compose("restart", "store")
            self.wait()
        render.forget_others(self.paths)
        changed = {one["Id"] for one in before} != {one["Id"] for one in self._containers()}
        if changed and (why := announce(site, "settings applied" if before else "started")):
            tell(why)
        return changed

    def image(self, tell: Tell) -> str:
        """The tag of our image, which is built where there is none."""
        tag = image.tag()
        if not image.present(f"{OURS}:{tag}"):
            tell("building our image (the first time, it fetches its Python packages) …")
            image.build(tag)
        return tag

    def create(self, tell: Tell) -> None:
        """Makes what containers and volumes are missing, and starts none of them."""
        if self._containers():
            return
        site, text = self.settings(tell)
        self._make_folders(site)
        self._write_copies(site)
        self._render_for_containers(site, text, self.image(tell))
        self.compose("up", "--no-start")

    def _start(self, anew: Sequence[str] = ()) -> None:
        """Has Compose bring everything to what the file says, these services in any case, and waits until all is well.

        ComposeError has a container's last words.
        """
        try:
            self.compose("up", "--detach", "--remove-orphans")
            if anew:
                self.compose("up", "--detach", "--force-recreate", "--no-deps", *anew)
        except ComposeError as error:  # Compose tells that a container is not healthy, and not why
            bad = [row for row in self.rows() if row.state not in ("ok", "starting", "stopped")]
            raise ComposeError(f"{error}\n{self.words(bad[0])}") if bad else error from error
        self.wait()

    def _undo_to(self, earlier: Path | None, tell: Tell) -> None:
        """Stops a cold start that failed; what ran before goes on with what it ran with."""
        if earlier is None:
            self.down()
            if self.site().workload:
                tell(_HALF.format(volume=f"{self.project}_postgres"))
            return
        tell("going back to the settings that ran before")
        render.point(self.paths.rendered, earlier)
        self._start()

    def _make_folders(self, site: Site) -> None:
        for folder in (self.paths.home, self.paths.run, self.paths.data):
            folder.mkdir(parents=True, exist_ok=True)
        make_secrets(self.paths, self.host, site.cache.redis.prefix)
        if site.entrance.enabled:
            entrance.prepare(site, self.paths, self.host)
        container_backup.prepare(self, site)
        state.remember(self.paths)

    def certify(self, site: Site) -> None:
        """Makes the entrance's certificate anew."""
        self._make_folders(site)
        certificates.make(site, self.paths, self.host, renew=True)

    def _write_copies(self, site: Site) -> list[str]:
        """The secrets as containers read them; tells which services have older ones."""
        readers = self._readers(site)
        own = {name: self._secret(site, name) for service in readers for name in CONTAINERS[service].secrets}
        return self._copies.write(own | given.texts(site, self.site_file.name, readers), readers)

    def _readers(self, site: Site) -> dict[str, tuple[str, ...]]:
        """By service, the names of the copies that it reads."""
        named = given.files(site)
        return {one.name: (*CONTAINERS[one.name].secrets, *named.get(one.name, {}).values()) for one in self.services(site)}

    def _secret(self, site: Site, name: str) -> bytes:
        """What is in a secret's file; of the certificate: in that which the site names, with its key. Raises BadInputError."""
        if name == self.paths.certificate.name and site.entrance.certificate:
            try:
                return b"\n".join(Path(file).read_bytes() for file in (site.entrance.certificate, site.entrance.key_file))
            except OSError as error:
                what = f"{self.site_file.name}: entrance: {error.filename}: {error.strerror}"
                raise BadInputError(f"{what}: name files with your certificate and its key that can be read") from error
        return (self.paths.secrets / name).read_bytes()

    def _render_for_containers(self, site: Site, text: str, tag: str) -> None:
        inside = parse(text, self.site_file.name, {**os.environ, RUNTIME_VARIABLE: INSIDE})
        file = containers.compose_file(site, inside, tag=tag, group=self.group, host=containers.hostname())
        more = {containers.FILE: file, "postgres/roles.sql": containers.roles_sql()}
        render.render(inside, text, self.host, render.Target(containers.INSIDE, more, group=self.group, given=given.files(site)))

    def _refuse_published_ports(self, site: Site) -> None:
        for service, port in self.listening(site):
            if not is_free(service.address(site), port):
                what = f"port {port} is in use: {service.name} needs it, {holder(port)} has it"
                raise ComposeError(f"{what}: stop that one, or set ports: in {self.site_file.name}")

    def listening(self, site: Site) -> tuple[tuple[Service, int], ...]:
        """The ports of this machine that the engine publishes, each with its service."""
        published = (service for service in self.services(site) if CONTAINERS[service.name].published)
        return tuple((service, service.ports(site)[-1]) for service in published)

    def services(self, site: Site) -> tuple[Service, ...]:
        """The services that run in containers."""
        return tuple(service for service in services(site) if service.name in CONTAINERS)

    def compose(self, *words: str) -> str:
        """Compose's words on the rendered file. Raises ComposeError with its last ones."""
        file = self.paths.rendered.resolve() / containers.FILE
        return engine.run([*engine.composer(), "-p", self.project, "-f", str(file), *words], what=f"compose {words[0]}")

    def _containers(self) -> list[dict[str, Any]]:
        """What the engine knows of each of ours."""
        listed = engine.run(["docker", "ps", "-aq", "--filter", f"label={_PROJECT}={self.project}"], what="docker ps").split()
        return list(json.loads(engine.run(["docker", "inspect", *listed], what="docker inspect"))) if listed else []

    def container(self, service: str) -> str:
        """The id of a service's container. Raises ComposeError where there is none."""
        for one in self._containers():
            if one["Config"]["Labels"][_SERVICE] == service:
                return str(one["Id"])
        raise ComposeError(f"the container of {service} is not there: this appliance: `make up` makes it")

    def wait(self, *names: str) -> None:
        """Until all is well, or these. Raises ComposeError with a container's last words."""
        end = time.monotonic() + START_WITHIN
        while bad := [row for row in self.rows() if row.state != "ok" and row.name in (names or (row.name,))]:
            if time.monotonic() > end:
                raise ComposeError(self.words(bad[0]))
            time.sleep(0.5)

    def words(self, row: Row) -> str:
        """What is wrong with a service, and its container's last lines."""
        last = subprocess.run(self.log_command(row.name, 15), capture_output=True, text=True, check=False)
        lines = "\n".join(f"  {line}" for line in (last.stdout + last.stderr).splitlines()[-15:])
        return f"{row.name} is not healthy: {row.why or row.state}: its container's last lines:\n{lines}"

    def remake(self, tell: Tell, *, render: bool) -> None:  # noqa: ARG002  # everything is rendered each time
        """Makes what is missing among the secrets, and the containers anew that read what has changed."""
        self._make_folders(self.site())
        if self.running():
            self.up(tell)

    def change_password(self, _: Site, role: str, password: str) -> None:
        """Gives a role of the running server a new password. Raises ComposeError where it is refused."""
        self.psql(f"ALTER ROLE {role} PASSWORD '{roles.scram(password)}';\n", f"role {role} could not be given a new password")

    def is_let_in(self, _: Site) -> bool:
        """Always: within its container the superuser needs no password."""
        return True

    def _settle_roles(self) -> bool:
        """Brings the roles to this version's; tells whether the store has to give rights anew."""
        told = self.psql(f"{roles.settling(self.paths)}\n{roles.GRANTED};\n", "roles could not be looked after")
        return told.split()[-1:] == ["f"]

    def psql_words(self) -> list[str]:
        """A superuser's psql in PostgreSQL's container, which reads statements and writes plain rows."""
        where = ["-U", roles.SUPERUSER, "-p", str(self.site().ports.postgres), "-d", DATABASE_USER]
        return ["docker", "exec", "-i", self.container("postgres"), "psql", "-qAt", "-v", "ON_ERROR_STOP=1", *where]

    def psql(self, statements: str, failed: str) -> str:
        """What the server in its container answers to a superuser; ComposeError says what `failed`, and psql's words."""
        words = self.psql_words()
        done = subprocess.run(words, input=statements, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise ComposeError(f"PostgreSQL's {failed}: psql in its container: {done.stderr.strip()[-300:]}")
        return done.stdout

    def down(self) -> bool:
        """Stops and removes the containers and their networks; the volumes stay."""
        if not self._containers():
            return False
        self.compose("down", "--remove-orphans")
        return True

    def wipe(self) -> None:
        """Removes the volumes, and with them all data."""
        kept = ["docker", "volume", "ls", "-q", "--filter", f"label={_PROJECT}={self.project}"]
        if names := engine.run(kept, what="docker volume ls").split():
            engine.run(["docker", "volume", "rm", *names], what="docker volume rm")
        shutil.rmtree(self.paths.home / "containers", ignore_errors=True)

    def running(self) -> bool:
        """Whether any of its containers runs."""
        return any(one["State"]["Running"] for one in self._containers())

    def orphaned(self) -> bool:
        """Never: what brings containers back is the engine, and without it none runs."""
        return False

    def log_command(self, service: str, lines: int, *, follow: bool = False) -> list[str]:
        """Shows a service's last lines."""
        file = self.paths.rendered.resolve() / containers.FILE
        more = ["--follow"] if follow else []
        return [*engine.composer(), "-p", self.project, "-f", str(file), "logs", "--tail", str(lines), *more, service]

    def rows(self) -> list[Row]:
        """What `make status` shows: each service's state, as the engine's own health check found it."""
        known = {one["Config"]["Labels"].get(_SERVICE, ""): one for one in self._containers()}
        site = self.site()
        inside = parse(self.paths.site.read_text(encoding="utf-8"), "site.yaml", {RUNTIME_VARIABLE: INSIDE}) if known else site
        return [_row(service, known.get(service.name), site) for service in self.services(inside)]


def _row(service: Service, container: dict[str, Any] | None, site: Site) -> Row:
    published = CONTAINERS[service.name].published
    url = service.public(site) if published else f"{service.name}:{service.port(site)}, inside"
    if container is None:
        return Row(service.name, "stopped", 0.0, None, url, service.summary)
    now, why = container["State"], ""
    health = now.get("Health", {"Status": "healthy", "Log": []})
    if not now["Running"]:
        shown, why = "down", f"ended with {now['ExitCode']}: see `make logs s={service.name}`"
    elif health["Status"] == "healthy":
        shown = "ok"
    else:
        shown = "starting" if health["Status"] == "starting" else "hung"
        why = str(health["Log"][-1]["Output"]).strip()[:200] if health.get("Log") else ""
    since = datetime.fromisoformat(now["StartedAt"][:19] + "+00:00").timestamp() if now["Running"] else 0.0
    return Row(service.name, shown, since, container["RestartCount"], url, service.summary, why)
