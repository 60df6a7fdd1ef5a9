"""What Prometheus collects beyond the appliance's own services, how often, and how long it is kept."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, field

from metrics import stack
from metrics.durations import seconds
from settings import patterns
from settings.basic import Address, Duration, FileOrNone, Label, Line, Name, Section, Size, in_bytes

_MOST_BYTES = 1000 << 40


class Prometheus(Section, frozen=True):
    """How often is collected and judged, and how long it is kept."""

    scrape_interval: Annotated[Duration, Meta(description="How often every target is scraped.")] = "10s"
    scrape_timeout: Annotated[Duration, Meta(description="When a scrape is given up; at most the interval.")] = "5s"
    evaluation_interval: Annotated[Duration, Meta(description="How often rules are evaluated.")] = "10s"
    retention_time: Annotated[Duration, Meta(description="Samples older than this are dropped (24h at least).")] = "35d"
    retention_size: Annotated[Size, Meta(description="Oldest blocks are dropped above this size on disk.")] = "10GB"
    sample_limit: Annotated[
        int,
        Meta(ge=1000, description="A scrape of more samples fails: a target that explodes harms nobody else. Ours tell no more."),
    ] = 50_000

    def __post_init__(self) -> None:
        """Refuses timeouts above the interval and a retention below 24 h."""
        for name in ("scrape_interval", "scrape_timeout", "evaluation_interval"):
            if seconds(getattr(self, name)) <= 0:
                msg = f"{name} is {getattr(self, name)}: give a duration above zero"
                raise ValueError(msg)
        if seconds(self.scrape_timeout) > seconds(self.scrape_interval):
            msg = f"scrape_timeout {self.scrape_timeout} is above scrape_interval {self.scrape_interval}: lower it"
            raise ValueError(msg)
        if seconds(self.retention_time) > seconds("100y"):
            msg = f"retention_time {self.retention_time} is above 100y: give less"
            raise ValueError(msg)
        if in_bytes(self.retention_size) > _MOST_BYTES:
            msg = f"retention_size {self.retention_size} is above 1000TB: give less"
            raise ValueError(msg)
        if seconds(self.retention_time) < seconds("24h"):
            msg = f"retention_time {self.retention_time} is below 24h: dashboards and rules look back that far"
            raise ValueError(msg)


class Access(Section, frozen=True):
    """How Prometheus is known where exporters want TLS: whom it believes, its own certificate, a user."""

    authority: Annotated[
        FileOrNone, Meta(description="The authority that signed their certificates, PEM; empty: those that this machine knows.")
    ] = ""
    certificate: Annotated[FileOrNone, Meta(description="Prometheus's own certificate, PEM; empty: it shows none.")] = ""
    key_file: Annotated[FileOrNone, Meta(description="A file that holds its key, PEM, without a passphrase.")] = ""
    username: Annotated[Line, Meta(description="As whom it asks; empty: as nobody.")] = ""
    password_file: Annotated[FileOrNone, Meta(description="A file that holds that user's password.")] = ""

    def __post_init__(self) -> None:
        """Refuses one half of a pair."""
        for one, other in (("certificate", "key_file"), ("username", "password_file")):
            if bool(getattr(self, one)) != bool(getattr(self, other)):
                raise ValueError(f"{one} and {other} go together: give both, or neither")


class Host(Section, frozen=True):
    """Another machine whose exporter is scraped too."""

    name: Annotated[Name, Meta(description="Its `instance` label.")]
    address: Annotated[Address, Meta(description="Where its system exporter answers, host:port.")]
    scheme: Annotated[Literal["http", "https"], Meta(description="https: by TLS, as `hosts_access` tells.")] = "http"
    labels: Annotated[dict[Label, Line], Meta(description="More labels for its series.")] = field(default_factory=dict)


class Scrape(Section, frozen=True):
    """A scrape job of your own."""

    job: Annotated[Name, Meta(description="Its `job` label.")]
    targets: Annotated[list[Address], Meta(min_length=1, description="Where it answers, each host:port.")]
    path: Annotated[str, Meta(pattern=patterns.PATH, description="The path of its metrics.")] = "/metrics"
    scheme: Annotated[Literal["http", "https"], Meta(description="http or https.")] = "http"
    bearer_token_file: Annotated[FileOrNone, Meta(description="A file that holds a bearer token; empty for none.")] = ""
    access: Annotated[Access, Meta(description="How Prometheus is known there; with scheme: https.")] = field(
        default_factory=Access
    )
    labels: Annotated[dict[Label, Line], Meta(description="More labels for its series.")] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuses the name of a job of the appliance itself, and a password that would go as it is."""
        if self.access != Access() and self.scheme == "http":
            raise ValueError(f"job {self.job!r} has an access and speaks plain http: set scheme: https")
        if self.job in stack.JOBS:
            msg = f"job {self.job!r} is the appliance's own: give yours another name"
            raise ValueError(msg)
