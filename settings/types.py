"""The types of `site.yaml`. Each field's description is its documentation: the reference page and the schema hold it."""

from __future__ import annotations

import socket
from math import isfinite
from typing import Annotated, Literal, TypeAlias
from urllib.parse import urlsplit

from msgspec import Meta, field

from metrics.durations import scaled
from settings import basic, patterns
from settings.addresses import reached
from settings.analysis import Analysis
from settings.backup import Backup
from settings.basic import FileOrNone, Line, Name, OpenUrlOrNone, Port, Section
from settings.cache import Cache
from settings.collecting import Access, Host, Prometheus, Scrape
from settings.database import Database
from settings.entrance import PATHS, Entrance
from settings.exporters import Exporters
from settings.public import PublicUrls
from settings.receivers import DeadMan, MuteTime, Receiver, Severity
from settings.slos import Slos
from settings.stream import Stream

Duration: TypeAlias = basic.Duration  # the other rooms know it from here

_LAST_PORT = 65_535


class Ports(Section, frozen=True):
    """The ports that services listen on."""

    grafana: Annotated[Port, Meta(description="Grafana, or the built-in preview where Grafana is not installed.")] = 3000
    prometheus: Annotated[Port, Meta(description="Prometheus.")] = 9090
    alertmanager: Annotated[Port, Meta(description="Alertmanager (its gossip stays off).")] = 9093
    inbox: Annotated[Port, Meta(description="The on-call inbox.")] = 9095
    exporter_system: Annotated[Port, Meta(description="The exporter of this machine's figures.")] = 9701
    exporter_postgres: Annotated[Port, Meta(description="The exporter of PostgreSQL servers.")] = 9702
    exporter_redis: Annotated[Port, Meta(description="The exporter of Redis and Valkey servers.")] = 9703
    watcher: Annotated[
        Annotated[int, Meta(ge=1, le=65534)],
        Meta(description="The first of two health watchers; the second listens on the next port."),
    ] = 9710
    stream: Annotated[Port, Meta(description="The stream server, for its clients.")] = 8080
    stream_admin: Annotated[
        Port, Meta(description="Metrics and health of the stream server's first worker; the others listen on the next ports.")
    ] = 8181
    cache_redis: Annotated[Port, Meta(description="The cache's Redis.")] = 16379
    store: Annotated[Port, Meta(description="The data store's maintenance: metrics and health.")] = 8171
    analysis: Annotated[Port, Meta(description="The models: questions, metrics and health.")] = 8170
    exporter_probe: Annotated[Port, Meta(description="The exporter that asks the stream, the API and the edge from outside.")] = (
        9704
    )
    exporter_model_quality: Annotated[Port, Meta(description="The exporter of how good the models are.")] = 9705
    postgres: Annotated[Port, Meta(description="PostgreSQL, on loopback whatever `bind` says.")] = 15432
    bus: Annotated[Port, Meta(description="The Redis that joins stream servers.")] = 16380
    edge: Annotated[Port, Meta(description="The edge cache in front of the stream server's HTTP side.")] = 8088
    entrance: Annotated[Port, Meta(description="The entrance with TLS, where it is enabled.")] = 8443

    def __post_init__(self) -> None:
        """Refuses two services on one port."""
        taken: dict[int, str] = {}
        listens = {name: getattr(self, name) for name in self.__struct_fields__} | {"watcher + 1": self.watcher + 1}
        for name, port in listens.items():
            if port in taken:
                msg = f"port {port} is given to {taken[port]} and to {name}: give each its own"
                raise ValueError(msg)
            taken[port] = name


class Override(Section, frozen=True):
    """What you change about one alert; whatever is left out stays as declared."""

    threshold: Annotated[float | None, Meta(description="The value it compares with, in the signal's unit.")] = None
    for_: Annotated[Duration | None, Meta(description="How long the value must be bad.")] = field(default=None, name="for")
    severity: Annotated[Severity | None, Meta(description="critical pages, warning waits for the day, info is not sent.")] = None
    enabled: Annotated[bool, Meta(description="false: the rule is not rendered.")] = True

    def __post_init__(self) -> None:
        """Refuses a threshold that no value can reach."""
        if self.threshold is not None and not isfinite(self.threshold):
            msg = f"threshold {self.threshold} is no number: give a finite one"
            raise ValueError(msg)


class Inbox(Section, frozen=True):
    """The on-call inbox."""

    retention: Annotated[Duration, Meta(description="Resolved notifications older than this are removed.")] = "90d"


class Endpoints(Section, frozen=True):
    """Servers of yours that are used instead of the appliance's own; empty means the own one."""

    prometheus: Annotated[OpenUrlOrNone, Meta(description="Your Prometheus.")] = ""
    prometheus_username: Annotated[Line, Meta(description="The user of your Prometheus; empty for none.")] = ""
    prometheus_password_file: Annotated[FileOrNone, Meta(description="A file that holds that user's password.")] = ""
    alertmanager: Annotated[OpenUrlOrNone, Meta(description="Your Alertmanager.")] = ""
    grafana: Annotated[OpenUrlOrNone, Meta(description="Your Grafana.")] = ""
    grafana_key_file: Annotated[FileOrNone, Meta(description="A file that holds a key of your Grafana.")] = ""


class Profile(Section, frozen=True):
    """Time itself, for drills and tests."""

    factor: Annotated[
        float, Meta(gt=0, le=1, description="Multiplies every `for`, window, wait and interval. 1 in production.")
    ] = 1.0


class Site(Section, frozen=True):
    """Everything that can be set about one appliance."""

    bind: Annotated[str, Meta(pattern=patterns.BIND, description="The address that every service listens on.")] = "127.0.0.1"
    insecure: Annotated[
        bool,
        Meta(
            description="`true`: `bind` may name a network, without TLS, with passwords at Prometheus and Alertmanager alone; "
            "`make status` says so each time."
        ),
    ] = False
    entrance: Annotated[Entrance, Meta(description="The one door with TLS and a password.")] = field(default_factory=Entrance)
    public_url: Annotated[
        str,
        Meta(pattern=patterns.BARE_URL, description="How a browser reaches this machine, without a port: links begin with it."),
    ] = "http://localhost"
    public_urls: Annotated[PublicUrls, Meta(description="Where a proxy shows single services instead.")] = field(
        default_factory=PublicUrls
    )
    cluster: Annotated[Name, Meta(description="The `cluster` label of every series.")] = "watchfloor"
    instance: Annotated[Line, Meta(description="The `instance` label of this machine; empty: its host name.")] = ""
    runtime: Annotated[
        Literal["auto", "native", "docker"],
        Meta(description="auto: containers where a Docker engine answers, else processes under supervisord; or one of the two."),
    ] = "auto"
    ports: Annotated[Ports, Meta(description="Where services listen.")] = field(default_factory=Ports)
    prometheus: Annotated[Prometheus, Meta(description="Collection and retention.")] = field(default_factory=Prometheus)
    hosts: Annotated[list[Host], Meta(description="More machines that run the system exporter.")] = field(default_factory=list)
    hosts_access: Annotated[Access, Meta(description="How Prometheus is known to those of them with scheme: https.")] = field(
        default_factory=Access
    )
    scrape: Annotated[list[Scrape], Meta(description="Scrape jobs of your own.")] = field(default_factory=list)
    alerts: Annotated[dict[str, Override], Meta(description="Changes to alerts, by alert name.")] = field(default_factory=dict)
    slos: Annotated[Slos, Meta(description="What is promised.")] = field(default_factory=Slos)
    receivers: Annotated[list[Receiver], Meta(description="Who is told beside the inbox.")] = field(default_factory=list)
    mute_times: Annotated[list[MuteTime], Meta(description="Hours in which receivers get critical alerts alone.")] = field(
        default_factory=list
    )
    deadman: Annotated[DeadMan, Meta(description="Who outside is pinged as long as alerting works.")] = field(
        default_factory=DeadMan
    )
    exporters: Annotated[Exporters, Meta(description="Our exporters.")] = field(default_factory=Exporters)
    inbox: Annotated[Inbox, Meta(description="The on-call inbox.")] = field(default_factory=Inbox)
    workload: Annotated[
        bool,
        Meta(description="The watched workload runs here: stream, data store, cache, models. `false`: what watches runs alone."),
    ] = True
    stream: Annotated[Stream, Meta(description="The stream server.")] = field(default_factory=Stream)
    cache: Annotated[Cache, Meta(description="The cache behind the stream.")] = field(default_factory=Cache)
    analysis: Annotated[Analysis, Meta(description="The models behind the stream.")] = field(default_factory=Analysis)
    database: Annotated[Database, Meta(description="The data store.")] = field(default_factory=Database)
    backup: Annotated[Backup, Meta(description="Backups of the appliance's data.")] = field(default_factory=Backup)
    endpoints: Annotated[Endpoints, Meta(description="Servers used instead of the own ones.")] = field(default_factory=Endpoints)
    profile: Annotated[Profile, Meta(description="Time, for drills and tests.")] = field(default_factory=Profile)

    def __post_init__(self) -> None:
        """Refuses two hosts, jobs, receivers or mute times of one name, and mute times that are not there."""
        for what, names in (
            ("hosts", [host.name for host in self.hosts] + [self.instance_name]),
            ("scrape", [job.job for job in self.scrape]),
            ("receivers", [receiver.name for receiver in self.receivers]),
            ("mute_times", [times.name for times in self.mute_times]),
        ):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                msg = f"{what}: the name {twice[0]!r} is used twice: give each its own"
                raise ValueError(msg)
        known = {times.name for times in self.mute_times}
        for receiver in self.receivers:
            if unknown := sorted(set(receiver.mute) - known):
                there = ", ".join(sorted(known)) or "none yet"
                raise ValueError(f"receivers: {receiver.name} names the mute time {unknown[0]!r}: mute_times has {there}")
        first, count = self.ports.stream_admin, self.stream.workers
        if first + count - 1 > _LAST_PORT:
            msg = f"ports.stream_admin {first} leaves no room for {count} workers up to port {_LAST_PORT}: give a lower one"
            raise ValueError(msg)
        for name in self.ports.__struct_fields__:
            if first < getattr(self.ports, name) < first + count:
                msg = f"ports.{name} {getattr(self.ports, name)} is that of a worker: they have {first} to {first + count - 1}"
                raise ValueError(f"{msg}: give it another one")

    @property
    def instance_name(self) -> str:
        """The `instance` label of this machine."""
        return self.instance or socket.gethostname()

    @property
    def watches_streams(self) -> bool:
        """Whether there is a stream server to probe: the workload's, or targets of the site's own."""
        return self.workload or bool(self.exporters.probe.targets)

    @property
    def watches_postgres(self) -> bool:
        """Whether there is a PostgreSQL to look at: the workload's, targets of the site's own, or what its own exporter sees."""
        return self.workload or bool(self.exporters.postgres.targets or self.exporters.postgres.address)

    @property
    def own_redis(self) -> dict[str, str]:
        """The appliance's own Redis servers: the URL of each by the name that the exporter calls it."""
        bus = self.stream.bus.enabled and not self.stream.bus.url
        ports = {"bus": self.ports.bus, "cache": self.ports.cache_redis} if bus else {"cache": self.ports.cache_redis}
        return {name: f"redis://{self.host_of(port)}:{port}" for name, port in ports.items()} if self.workload else {}

    @property
    def watches_redis(self) -> bool:
        """Whether there is a Redis to look at: the workload's, targets of the site's own, or what its own exporter sees."""
        return bool(self.own_redis or self.exporters.redis.targets or self.exporters.redis.address)

    def scaled(self, duration: str) -> str:
        """A duration under this site's profile."""
        return scaled(duration, self.profile.factor)

    @property
    def contained(self) -> bool:
        """Whether its services run in containers (settings/containers.py)."""
        return False

    def host_of(self, port: int) -> str:  # noqa: ARG002  # in containers each port is somebody else's
        """Where one service of this appliance finds the server of that port, one that never listens elsewhere."""
        return "127.0.0.1"

    def local_url(self, port: int) -> str:
        """How one service of this appliance reaches another one on this machine."""
        if self.contained:
            return f"http://{self.host_of(port)}:{port}"
        return f"http://{reached(self.bind)}:{port}"

    @property
    def entrance_local_url(self) -> str:
        """The same of the entrance, which may listen elsewhere."""
        port = self.ports.entrance
        return f"https://{self.host_of(port) if self.contained else reached(self.entrance.bind)}:{port}"

    def public(self, port: int) -> str:
        """How a person's browser reaches the service of that port."""
        own = [url for name, url in self.public_urls.given().items() if getattr(self.ports, name) == port]
        if own:
            return own[0]
        behind = [path for name, path in PATHS.items() if getattr(self.ports, name) == port]
        if self.entrance.enabled and (behind or port == self.ports.entrance):
            return self.entrance_url + "".join(behind)
        return f"{self.public_url.rstrip('/')}:{port}"

    @property
    def entrance_url(self) -> str:
        """How a person's browser reaches the entrance."""
        return f"https://{urlsplit(self.public_url).netloc}:{self.ports.entrance}"

    @property
    def prometheus_url(self) -> str:
        """Where Prometheus answers for services of this appliance."""
        return self.endpoints.prometheus.rstrip("/") or self.local_url(self.ports.prometheus)

    @property
    def guards_prometheus(self) -> bool:
        """Whether its own Prometheus wants a password: where the site says that it shows its services to a network."""
        return self.insecure

    @property
    def alertmanager_url(self) -> str:
        """Where Alertmanager answers for services of this appliance."""
        return self.endpoints.alertmanager.rstrip("/") or self.local_url(self.ports.alertmanager)
