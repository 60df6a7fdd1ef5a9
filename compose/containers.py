"""The topology as a file for Docker Compose: what runs, and all that it may not do.

Written for version 2 of Compose and for docker-compose 1.29 alike. Paths are relative to the rendered folder, in which it lies.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from compose import given, postgres, roles
from compose.images import CONTAINERS, EDGE, GROUP, HOME, MONITORING, WORKLOAD, Container, image
from compose.service import Context, Service
from compose.topology import services
from settings import Paths, Site
from settings.basic import in_bytes

FILE = "docker-compose.yml"
SECRETS = "secrets"  # in `containers/` beside the rendered folder: copies that the containers' group may read
INSIDE = Paths(Path(HOME))
_HANGS = (
    "if {check}; then echo 0 > /tmp/healthy; else"
    " [ ! -e /tmp/healthy ] || {{ n=$$(($$(cat /tmp/healthy) + 1)); echo $$n > /tmp/healthy; [ $$n -lt 3 ] || kill -9 -1; }};"
    " exit 1; fi"
)


def compose_file(outside: Site, inside: Site, *, tag: str = "", group: int = GROUP, host: str = "") -> str:
    """The file's text.

    `outside` is the site as this machine sees it (its `bind` is where ports are published), `inside` as its containers do; `tag`
    is that of our image, `group` the one that reads the rendered files, `host` the name that containers give as this machine's.
    """
    made = {one.name: one for one in services(inside)}
    file = _File(outside, inside, frozenset(made), tag, group, host)
    secrets = sorted({secret for one in made.values() for secret in file.secrets(one)})
    tree = {
        "services": {name: file.service(one) for name, one in made.items()},
        "networks": {
            EDGE: {"driver": "bridge"},
            WORKLOAD: {"driver": "bridge", "internal": True},  # no way out, and none in
            MONITORING: {"driver": "bridge"},
        },
        "volumes": {name: {} for name in made if CONTAINERS[name].state and CONTAINERS[name].volume},
        "secrets": {_label(secret): {"file": f"../containers/{SECRETS}/{secret}"} for secret in secrets},
    }
    return yaml.dump(tree, Dumper=_Dumper, sort_keys=False, width=130)


class _Dumper(yaml.SafeDumper):
    """Writes what is equal out again instead of by anchors: each service is read alone."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


@dataclass(frozen=True)
class _File:
    """What all services of one file have in common; `there` are their names."""

    outside: Site
    inside: Site
    there: frozenset[str]
    tag: str
    group: int
    host: str

    def service(self, service: Service) -> dict[str, Any]:
        """A service's part of the file."""
        container = CONTAINERS[service.name]
        after = [name for name in container.after if name in self.there]
        named = {"hostname": self.host} if self.host and not container.pin else {}
        words = command(service, container, self.inside)
        return {
            "image": image(container, self.tag),
            **({"entrypoint": list(container.entry)} if container.entry else {}),
            "command": words,
            **named,
            **_limits(container, words),
            "group_add": [str(self.group)],
            "environment": _environment(service, container),
            "networks": list(container.networks),
            **self._ports(service, container),
            "volumes": _volumes(service.name, container),
            **({"secrets": seen} if (seen := [_secret(name, path) for name, path in self.secrets(service).items()]) else {}),
            "tmpfs": _tmpfs(container),
            **({"depends_on": {name: {"condition": "service_healthy"} for name in after}} if after else {}),
            "healthcheck": _health(service, container, self.inside),
            "restart": "unless-stopped",
            "stop_signal": f"SIG{service.stop_signal}",
            "stop_grace_period": f"{service.stop_seconds}s",
            "logging": {"driver": "json-file", "options": {"max-size": "10m", "max-file": "3"}},
        }

    def secrets(self, service: Service) -> dict[str, str]:
        """The copies that a service sees, by name, with their paths: the appliance's own, and of files that the site names."""
        own = {name: f"{INSIDE.secrets}/{name}" for name in CONTAINERS[service.name].secrets}
        named = given.files(self.outside).get(service.name, {})
        return own | {name: path for path, name in named.items() if path not in own.values()}

    def _ports(self, service: Service, container: Container) -> dict[str, list[str]]:
        """The port of people, where it is one that they use; that of scrapes and health checks stays inside."""
        port = (service.public_port or service.port)(self.inside)
        return {"ports": [f"{service.address(self.outside)}:{port}:{port}"]} if container.published else {}


def _limits(container: Container, words: Sequence[str]) -> dict[str, Any]:
    """What it may not do, and how much of the machine it may use."""
    return {
        "user": container.user,
        "init": True,
        "read_only": True,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "cpus": container.cpus,
        "mem_limit": _memory(container, words),
        "pids_limit": container.pids,
        **({"shm_size": "128m"} if container.pin == "postgres" else {}),
    }


def _memory(container: Container, words: Sequence[str]) -> str:
    """Of a Redis at least half as much again as its data may take: for clients, and what changes while its log is made anew."""
    data = int(words[words.index("--maxmemory") + 1]) if "--maxmemory" in words else 0
    return f"{data * 3 // 2 >> 20}m" if data * 3 // 2 > in_bytes(f"{container.memory.upper()}B") else container.memory


def command(service: Service, container: Container, site: Site) -> list[str]:
    """What follows the image's entrypoint, with its own place for state. `$` is doubled, as Compose wants it."""
    context = Context(site, INSIDE, Path("python"))
    if service.name == "postgres":
        words: tuple[str, ...] = ("postgres", *postgres.options(site, "*", "/var/run/postgresql"))
    elif container.pin in ("redis", "varnish"):  # their entrypoints want the program's name
        words = (Path(service.command(context)[0]).name, *service.command(context)[1:])
    else:
        words = service.command(context)[1:]
    if service.name == "exporter-system":
        words = (*words, "--proc", "/host/proc", "--sys", "/host/sys", "--root", "/host/root")
    state = f"{INSIDE.data}/{service.state}"
    moved = (word.replace(state, container.state) if service.state and container.state else word for word in words)
    return [word.replace("$", "$$") for word in moved]


def _tmpfs(container: Container) -> list[str]:
    """Owned by the container's user: a mode gives way to that of the folder below, where the image, or a restart, has one."""
    uid, _, gid = container.user.partition(":")
    return [f"{place},uid={uid},gid={gid}" for place in ("/tmp:size=16m", *container.tmpfs)]  # noqa: S108  # the container's own


def _environment(service: Service, container: Container) -> dict[str, str]:
    if container.pin == "postgres":
        return {
            "POSTGRES_PASSWORD_FILE": str(INSIDE.postgres_password),
            "POSTGRES_INITDB_ARGS": "--encoding=UTF8 --locale=C.UTF-8 --data-checksums",
        }
    return {} if container.pin else {"WATCHFLOOR_SERVICE": service.name}


def _volumes(name: str, container: Container) -> list[dict[str, Any]]:
    read = [_bound(f"./{file}", f"{INSIDE.rendered}/{file}") for file in container.reads if name != "postgres"]
    if name == "postgres":  # what its image runs once, when it makes a cluster
        read = [_bound("./postgres/roles.sql", "/docker-entrypoint-initdb.d/10-roles.sql")]
    if name == "exporter-system":
        read += [_bound("/proc", "/host/proc"), _bound("/sys", "/host/sys")]
        read += [_bound("/", "/host/root") | {"bind": {"propagation": "rslave"}}]
    read += [_bound(f"../{folder}", f"{HOME}/{folder}") for folder in container.shows]
    if container.state and container.volume:
        read.append({"type": "volume", "source": name, "target": container.state})
    return read


def _bound(source: str, target: str) -> dict[str, Any]:
    return {"type": "bind", "source": source, "target": target, "read_only": True}


def _label(secret: str) -> str:
    return secret.replace(".", "-")


def _secret(name: str, path: str) -> dict[str, str]:
    return {"source": _label(name), "target": path}


def _health(service: Service, container: Container, site: Site) -> dict[str, Any]:
    port = service.port(site)
    if container.pin:
        check = container.check.replace("{port}", str(port))
        test = ["CMD-SHELL", _HANGS.format(check=check)]
    else:
        test = ["CMD", "/opt/watchfloor/bin/python", "-I", "-S", "/opt/watchfloor/healthy.py", str(port), service.ready]
    return {"test": test, "interval": "10s", "timeout": "6s", "retries": 3, "start_period": "60s"}


def roles_sql() -> str:
    """What makes roles, database and grants in a new cluster; passwords are read from their files by psql itself."""
    files = {role: file(INSIDE) for role, file in roles.FILES.items() if role != roles.SUPERUSER}
    read = [f"\\set {role} `cat {path}`" for role, path in files.items()]
    made = roles.makes({role: f":'{role}'" for role in files})
    grants = roles.GRANTS.read_text(encoding="utf-8")
    return "\n".join([*read, *made, "\\connect watchfloor", _EXTENSION, grants, _FORGET])


_EXTENSION = "CREATE EXTENSION pg_stat_statements;"
_FORGET = "SELECT pg_stat_statements_reset();\n"  # statements with passwords, told to who may see statistics


def hostname() -> str:
    """The name that containers give as this machine's, so that its figures carry it; empty where it is none."""
    return socket.gethostname()[:63]
