"""Which image each service of the containers is, and what that image wants: facts, no logic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from metrics.process import version

PINS = Path(__file__).with_name("pins.yaml")
HOME = "/var/lib/watchfloor"  # of every container; what a service reads and writes is below it
OURS, GROUP = "watchfloor", 10001  # our image; the group that reads its files, and the user of its services
EDGE, WORKLOAD, MONITORING = "edge", "workload", "monitoring"


@dataclass(frozen=True)
class Container:
    """A service as a container.

    `pin` is its image in pins.yaml (empty: ours); `user` the image's own; `state` where that image keeps what it must not lose
    and `volume` whether it does. `reads` are rendered files and `secrets` generated ones that it sees, `shows` folders of the
    home that it cannot write to, and it sees nothing else of the home. `after` it starts when these are healthy. `published`:
    people reach it from this machine. `cpus`, `memory` and `pids` are its limits. `check` is a shell's, with {port}, where the
    image is not ours; `entry` an entrypoint in the image's place.
    """

    networks: tuple[str, ...]
    pin: str = ""
    user: str = f"{GROUP}:{GROUP}"
    state: str = ""
    volume: bool = True
    reads: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    published: bool = False
    cpus: float = 0.5
    memory: str = "256m"
    pids: int = 64
    check: str = ""
    entry: tuple[str, ...] = ()
    tmpfs: tuple[str, ...] = ()
    shows: tuple[str, ...] = ()


_NOBODY = "65534:65534"  # of Prometheus's images, which have busybox: a shell and wget
_HTTP = "timeout 4 wget -q -O /dev/null http://127.0.0.1:{port}"
_REDIS = "timeout 4 redis-cli -p {port} ping | grep -qE 'PONG|NOAUTH'"
# Debian's slim images have no client of HTTP: bash is one.
_BASH = (
    'bash -c \'exec 3<>/dev/tcp/127.0.0.1/{port} && printf "GET {path} HTTP/1.0\\r\\n\\r\\n" >&3'
    " && read -r -t 4 line <&3 && [[ $$line == *\\ 200\\ * ]]'"
)
_SITE = ("site.yaml",)

CONTAINERS: Mapping[str, Container] = {
    "inbox": Container(
        (MONITORING,), state=f"{HOME}/data/inbox", reads=(*_SITE, "runbooks"),
        secrets=("inbox_token", "alertmanager_password", "prometheus_password"),
        published=True,
    ),
    "alertmanager": Container(
        (MONITORING,), "alertmanager", _NOBODY, "/alertmanager", reads=("alertmanager",),
        secrets=("alertmanager_web.yml", "inbox_token"), after=("inbox",), published=True,
        # It asks for a password whoever it is, so that 401 is a sign of life; busybox tells the status in words.
        check=_HTTP + "/-/ready 2>&1 | grep -q 401",
    ),
    "exporter-system": Container((MONITORING,), reads=_SITE),
    "prometheus": Container(
        (MONITORING, WORKLOAD), "prometheus", _NOBODY, "/prometheus", reads=("prometheus.yml", "rules", "targets"),
        secrets=("alertmanager_password", "prometheus_password", "prometheus_web.yml"), after=("alertmanager",), published=True,
        cpus=1.0, memory="1g", pids=128,
        # Where the site is shown to a network, it asks for a password as Alertmanager does.
        check=f"{_HTTP}/-/ready || {_HTTP}/-/ready 2>&1 | grep -q 401",
    ),
    "postgres": Container(
        (WORKLOAD,), "postgres", "999:999", "/var/lib/postgresql", reads=("postgres",),
        secrets=("postgres_password", "database_password", "app_password", "exporter_password", "reader_password"),
        cpus=1.0, memory="1g", pids=256,
        check="pg_isready -q -h 127.0.0.1 -p {port} -U postgres", tmpfs=("/var/run/postgresql:size=1m",),
    ),
    "exporter-postgres": Container((MONITORING, WORKLOAD), reads=_SITE, secrets=("exporter_password",), after=("postgres",)),
    "store": Container((WORKLOAD,), reads=_SITE, secrets=("database_password",), after=("postgres",)),
    "bus": Container((WORKLOAD,), "redis", "999:999", "/data", secrets=("bus.acl",), memory="512m", check=_REDIS),
    "cache-redis": Container(
        (WORKLOAD,), "redis", "999:999", "/data", volume=False, secrets=("cache_users.conf",), memory="512m", check=_REDIS,
        tmpfs=("/data:size=1m",),
    ),
    "exporter-redis": Container((MONITORING, WORKLOAD), reads=_SITE, secrets=("redis_exporter_password",)),
    "edge": Container(
        (EDGE,), "varnish", "1000:1000", "/var/lib/varnish", volume=False, reads=("edge.vcl",), after=("stream",), published=True,
        memory="512m", pids=1024, check=_BASH.replace("{path}", "/.edge/health"),
        tmpfs=("/var/lib/varnish:size=128m,exec",),  # it compiles its configuration, and loads it from there
    ),
    "stream": Container(
        (EDGE, WORKLOAD), state=f"{HOME}/data/stream", reads=_SITE,
        secrets=("app_password", "bus_password", "cache_password", "edge_secret"),
        after=("postgres", "bus", "cache-redis"), published=True, cpus=1.5, memory="1g", pids=128,
    ),
    "analysis": Container(
        (WORKLOAD,), state=f"{HOME}/data/analysis", reads=_SITE, secrets=("app_password",), cpus=1.0, memory="512m"
    ),
    "exporter-probe": Container((MONITORING, EDGE), reads=_SITE, after=("stream",)),
    "exporter-model_quality": Container((MONITORING, WORKLOAD), reads=_SITE, secrets=("reader_password",), after=("postgres",)),
    "watcher": Container((MONITORING,), reads=_SITE, shows=("data/backup",), cpus=0.2, memory="128m"),
    "entrance": Container(
        (EDGE, MONITORING), "nginx", "101:101", reads=("entrance.conf",),
        secrets=(
            "entrance_users", "entrance_alertmanager.conf", "entrance_prometheus.conf", "entrance_stream.conf", "server.pem",
        ),
        after=("prometheus", "alertmanager", "inbox", "stream", "preview"), published=True, pids=16, entry=("nginx",),
        # Beside the door with TLS, for which bash has no words.
        check=_BASH.replace("{port}", "18081").replace("{path}", "/.entrance/health"),
        tmpfs=(f"{HOME}/data/entrance:size=64m",),
    ),
    "preview": Container(
        (MONITORING,), "grafana", "472:472", "/var/lib/grafana", reads=("grafana", "dashboards"),
        secrets=("grafana_password", "grafana_secret_key", "alertmanager_password", "prometheus_password"),
        published=True, cpus=1.0, memory="512m",
        pids=128, check=_HTTP + "/api/health", entry=("/bin/sh",),
    ),
}  # fmt: skip


@cache
def _pins() -> dict[str, dict[str, str]]:
    return dict(yaml.safe_load(PINS.read_text(encoding="utf-8")))


def major(pin: str) -> str:
    """The first number of a pinned image's version."""
    return str(_pins()[pin]["tag"]).lstrip("v").partition(".")[0]


def image(container: Container, tag: str = "") -> str:
    """The image's full name; `tag` is ours where it is not simply the version."""
    if not container.pin:
        return f"{OURS}:{tag or version()}"
    pin = _pins()[container.pin]
    return f"{pin['image']}:{pin['tag']}" + (f"@{pin['digest']}" if pin["digest"] else "")
