"""The section `exporters:` of `site.yaml`: what our exporters watch, and how."""

from __future__ import annotations

import re
from typing import Annotated, Literal, TypeAlias, get_args

from msgspec import Meta, field

from metrics.durations import seconds
from metrics.websocket import ROOMS
from settings import patterns
from settings.basic import Duration, FileOrNone, Line, MetricName, Name, RedisUrl, Section, Url, UrlOrNone

Operation: TypeAlias = Literal["cryptocurrencies", "dashboard", "ai-analysis", "trading-signals-fast", "alerts-fast"]


Which = Annotated[
    Literal["own", "standard", "external"],
    Meta(description="own: ours; standard: Debian's package, in its place; external: one that you run, at `address`."),
]
Address = Annotated[
    str,
    Meta(pattern=r"^$|^[A-Za-z0-9.\-\[\]:]+:[0-9]+$", description="Where the external one listens, `host:port`; else empty."),
]


def _refuse_half(exporter: str, address: str) -> None:
    """Raises ValueError for an external exporter without an address, and for an address without one."""
    if (exporter == "external") != bool(address):
        raise ValueError(f"exporter is {exporter}, address is {address or 'empty'}: give an address to an external one alone")


class SystemExporter(Section, frozen=True):
    """The exporter of this machine's figures."""

    exporter: Which = "own"
    address: Address = ""
    disabled_collectors: Annotated[list[str], Meta(description="Collectors that do not run.")] = field(default_factory=list)
    mount_points_exclude: Annotated[str, Meta(description="Mount points that match are left out (regular expression).")] = (
        r"^/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+|var/lib/containers/storage/.+)($|/)"
    )
    fs_types_exclude: Annotated[str, Meta(description="Filesystem types that match are left out (regular expression).")] = (
        r"^(autofs|binfmt_misc|bpf|cgroup2?|configfs|debugfs|devpts|devtmpfs|fusectl|hugetlbfs|iso9660|mqueue|nsfs"
        r"|overlay|proc|procfs|pstore|rpc_pipefs|securityfs|selinuxfs|squashfs|sysfs|tracefs)$"
    )

    def __post_init__(self) -> None:
        """Refuses what is no regular expression, and half an external exporter."""
        _refuse_half(self.exporter, self.address)
        for name in ("mount_points_exclude", "fs_types_exclude"):
            try:
                re.compile(getattr(self, name))
            except (re.error, OverflowError, RecursionError) as error:
                msg = f"{name} is no regular expression ({error}): correct it"
                raise ValueError(msg) from error


class PostgresTarget(Section, frozen=True):
    """A PostgreSQL server."""

    name: Annotated[Name, Meta(description="How `/probe?target=NAME` calls it, and its `instance` label.")]
    dsn: Annotated[
        str,
        Meta(pattern=patterns.DSN, description="Where it is and as whom to ask it, as libpq takes it, without a password."),
    ]
    password_file: Annotated[FileOrNone, Meta(description="A file that holds the role's password; empty for none.")] = ""


class QueryColumn(Section, frozen=True):
    """A column of a query's answer."""

    kind: Annotated[Literal["label", "gauge", "counter"], Meta(description="What it becomes.")]
    help: Annotated[Line, Meta(description="What it tells; not for a label.")] = ""


class Query(Section, frozen=True):
    """A query of your own. Names in it are qualified by their schema (`public.orders`)."""

    name: Annotated[MetricName, Meta(description="Its collector's name; metrics are called `name_column`.")]
    sql: Annotated[str, Meta(min_length=1, description="One statement that reads; it runs in a read-only transaction.")]
    columns: Annotated[dict[MetricName, QueryColumn], Meta(min_length=1, description="What its columns are, by name.")]
    help: Annotated[Line, Meta(description="What it reads, in one sentence.")] = ""
    every: Annotated[Duration, Meta(description="How long an answer serves; 0s: it is asked at each scrape.")] = "0s"

    @property
    def every_seconds(self) -> float:
        """`every`, in seconds."""
        return seconds(self.every)


class PostgresExporter(Section, frozen=True):
    """The exporter of PostgreSQL servers."""

    exporter: Which = "own"
    address: Address = ""
    targets: Annotated[
        list[PostgresTarget], Meta(description="The servers; `/metrics` tells of the first, `/probe?target=NAME` of any.")
    ] = field(default_factory=list)
    disabled_collectors: Annotated[list[str], Meta(description="Collectors that do not run.")] = field(default_factory=list)
    enabled_collectors: Annotated[list[str], Meta(description="Collectors that run although they are off by default.")] = field(
        default_factory=list
    )
    statement_timeout: Annotated[Duration, Meta(description="The server ends a statement of the exporter after this time.")] = (
        "2s"
    )
    statements: Annotated[
        int, Meta(ge=1, le=1000, description="Statements of pg_stat_statements that are told: those that took most time.")
    ] = 100
    statement_texts: Annotated[
        bool, Meta(description="The first 120 characters of those statements are told too; they may hold secrets.")
    ] = False
    queries: Annotated[list[Query], Meta(description="Queries of your own.")] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Refuses two targets or queries of one name, a timeout of no time, and what the standard exporter cannot do."""
        _refuse_half(self.exporter, self.address)
        if self.exporter == "standard" and (self.targets or self.queries):
            raise ValueError(
                "exporter is standard: it watches the appliance's own server, without queries of yours: run one yourself and"
                " set external, or own"
            )
        for what, names in (
            ("targets", [target.name for target in self.targets]),
            ("queries", [query.name for query in self.queries]),
        ):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                msg = f"{what}: the name {twice[0]!r} is used twice: give each its own"
                raise ValueError(msg)
        if seconds(self.statement_timeout) <= 0:
            msg = f"statement_timeout is {self.statement_timeout}: give a duration above zero"
            raise ValueError(msg)


class ModelQualityExporter(Section, frozen=True):
    """The exporter of how good the models are."""

    window: Annotated[Duration, Meta(description="Predictions are judged that were scored within this time.")] = "1h"
    outcomes: Annotated[
        int, Meta(ge=20, le=50_000, description="With fewer scored predictions of a model within it, no share is told.")
    ] = 200

    def __post_init__(self) -> None:
        """Refuses a window in which hardly anything is scored."""
        if seconds(self.window) < seconds("1m"):
            msg = f"window is {self.window}: give at least 1m"
            raise ValueError(msg)


class ProbeTarget(Section, frozen=True):
    """A stream server, as its clients reach it."""

    name: Annotated[Name, Meta(description="How `/probe?target=NAME` calls it, and its `instance` label.")]
    url: Annotated[Url, Meta(description="Where its clients find it, http:// or https://; without /ws and /api.")]
    edge: Annotated[UrlOrNone, Meta(description="The edge cache in front of it; empty: none is probed.")] = ""
    entrance: Annotated[
        UrlOrNone,
        Meta(description="The entrance in front of it; its certificate is read, not judged. Empty: none is probed."),
    ] = ""
    websocket: Annotated[bool, Meta(description="false: its HTTP side alone is probed.")] = True
    api: Annotated[list[Operation], Meta(description="Operations of its API that are asked.")] = field(
        default_factory=lambda: list(get_args(Operation))
    )
    rooms: Annotated[list[Name], Meta(description="Rooms that are followed, and always `canary`.")] = field(
        default_factory=lambda: list(ROOMS)
    )
    currency: Annotated[Line, Meta(min_length=1, description="What `ai-analysis` is asked about, each sixth interval.")] = "BTC"
    token_file: Annotated[
        FileOrNone, Meta(description="A file that holds a token or API key; with it, a wrong one is tried too. Empty: none.")
    ] = ""
    trusted_certificates: Annotated[
        FileOrNone, Meta(description="Certificates that are trusted beside the machine's own, PEM; empty: none.")
    ] = ""


class ProbeExporter(Section, frozen=True):
    """The exporter that asks stream servers from outside."""

    targets: Annotated[
        list[ProbeTarget], Meta(description="The servers; `/metrics` tells of the first, `/probe?target=NAME` of any.")
    ] = field(default_factory=list)
    token_file: Annotated[
        FileOrNone,
        Meta(description="A file that holds a token for the appliance's own stream, where no targets are named; empty: none."),
    ] = ""
    interval: Annotated[Duration, Meta(description="How often a handshake, and each operation, is tried.")] = "10s"
    timeout: Annotated[Duration, Meta(description="When a try is given up.")] = "5s"

    def __post_init__(self) -> None:
        """Refuses two targets of one name, and times of no length."""
        names = [target.name for target in self.targets]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            msg = f"targets: the name {twice[0]!r} is used twice: give each its own"
            raise ValueError(msg)
        for name in ("interval", "timeout"):
            if seconds(getattr(self, name)) <= 0:
                msg = f"{name} is {getattr(self, name)}: give a duration above zero"
                raise ValueError(msg)


class KeyPattern(Section, frozen=True):
    """Keys of one database."""

    pattern: Annotated[str, Meta(min_length=1, description="A key's name, or a pattern as SCAN takes it, for example `jobs:*`.")]
    db: Annotated[int, Meta(ge=0, le=10_000, description="The number of the database.")] = 0


class RedisTarget(Section, frozen=True):
    """A Redis or Valkey server, or a Sentinel."""

    name: Annotated[Name, Meta(description="How `/probe?target=NAME` calls it, and its `instance` label.")]
    url: Annotated[RedisUrl, Meta(description="Where it is, `rediss://` with TLS; port 6379 unless it says another.")]
    user: Annotated[Line, Meta(description="The ACL user; empty for the default one.")] = ""
    password_file: Annotated[FileOrNone, Meta(description="A file that holds the user's password; empty for none.")] = ""
    ca: Annotated[FileOrNone, Meta(description="Certificates that are trusted, PEM; empty: the machine's.")] = ""
    certificate: Annotated[FileOrNone, Meta(description="The exporter's own certificate, PEM, where the server wants one.")] = ""
    key_file: Annotated[FileOrNone, Meta(description="A file that holds its key, PEM, without a passphrase.")] = ""
    keys: Annotated[list[KeyPattern], Meta(description="Keys whose size, memory and numeric value are told one by one.")] = field(
        default_factory=list
    )
    counts: Annotated[list[KeyPattern], Meta(description="Patterns whose keys are counted.")] = field(default_factory=list)
    streams: Annotated[list[KeyPattern], Meta(description="Streams that are told with their groups and consumers.")] = field(
        default_factory=list
    )

    def __post_init__(self) -> None:
        """Refuses half a certificate, and a user without a password."""
        if bool(self.certificate) != bool(self.key_file):
            raise ValueError("certificate and key_file go together: give both, or neither")
        if self.user and not self.password_file:
            raise ValueError("user has no password: give password_file, or leave user out")


class RedisExporter(Section, frozen=True):
    """The exporter of Redis and Valkey servers."""

    exporter: Which = "own"
    address: Address = ""
    targets: Annotated[
        list[RedisTarget],
        Meta(
            description="The servers; `/metrics` tells of the first, `/probe?target=NAME` of any. An external exporter is asked"
            " for each by `/scrape?target=URL`; without targets at `/metrics`."
        ),
    ] = field(default_factory=list)
    disabled_collectors: Annotated[list[str], Meta(description="Collectors that do not run.")] = field(default_factory=list)
    scan_keys: Annotated[
        int, Meta(ge=1000, le=10_000_000, description="Keys that a server looks at for patterns during one scrape.")
    ] = 20_000
    scan_time: Annotated[Duration, Meta(description="How long a scrape looks for patterns; the next one goes on.")] = "200ms"

    def __post_init__(self) -> None:
        """Refuses two targets of one name, a time of none, half an external exporter, what others cannot do."""
        _refuse_half(self.exporter, self.address)
        if self.exporter == "standard" and self.targets:
            raise ValueError(
                "exporter is standard: it watches the appliance's own servers: run one yourself and set external, or own"
            )
        if self.exporter == "external" and any(RedisTarget(name=one.name, url=one.url) != one for one in self.targets):
            raise ValueError("exporter is external: it has its own passwords and patterns: give its targets name and url alone")
        names = [target.name for target in self.targets]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            msg = f"targets: the name {twice[0]!r} is used twice: give each its own"
            raise ValueError(msg)
        if seconds(self.scan_time) <= 0:
            msg = f"scan_time is {self.scan_time}: give a duration above zero"
            raise ValueError(msg)


class Exporters(Section, frozen=True):
    """Our exporters."""

    series_limit: Annotated[
        int, Meta(ge=100, description="Series a metric may have in one scrape; the rest is left out and counted.")
    ] = 20_000
    system: Annotated[SystemExporter, Meta(description="The system exporter.")] = field(default_factory=SystemExporter)
    postgres: Annotated[PostgresExporter, Meta(description="The PostgreSQL exporter.")] = field(default_factory=PostgresExporter)
    model_quality: Annotated[ModelQualityExporter, Meta(description="The exporter of the models' quality.")] = field(
        default_factory=ModelQualityExporter
    )
    probe: Annotated[ProbeExporter, Meta(description="The exporter that asks from outside.")] = field(
        default_factory=ProbeExporter
    )
    redis: Annotated[RedisExporter, Meta(description="The Redis and Valkey exporter.")] = field(default_factory=RedisExporter)
