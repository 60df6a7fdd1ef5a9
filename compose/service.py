"""What a service is: one process of the appliance, how it is started, asked for its health, and reached."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from compose.health import Scheme
from settings import Paths, Site
from settings.addresses import reached


@dataclass(frozen=True)
class Context:
    """What a command line is made from: the settings, the folders, and the interpreter of our own services."""

    site: Site
    paths: Paths
    python: Path

    def module(self, name: str, *arguments: str) -> tuple[str, ...]:
        """The command line of one of our own services."""
        return (str(self.python), "-m", name, *arguments)


@dataclass(frozen=True)
class Service:
    """One process. `alive` answers while it works (hung when it does not), `ready` when it serves.

    `own` tells our code, which reads the settings when it starts, from a server that rereads its files on SIGHUP. `page`
    is what a person opens; empty when there is nothing to see. `stop_seconds` is how long it may take to end after
    `stop_signal`. `worker` tells several processes of one job apart. `login` is the user, and the file of its password, by which
    one is asked for its health that answers nobody else.
    `public_port` is where its clients and `page` are, for a service whose `port` is for scrapes and health checks alone;
    `secure` whether they come by TLS that it ends itself.
    `check` is the protocol in which it is asked for its health; one that does not speak HTTP listens on loopback, has no `job`,
    because nothing scrapes it, and is told of by an exporter. `rereads` its files on SIGHUP. `wanted` tells whether a site has
    it. `user` is the OS user of its own that it has, if any.
    """

    name: str
    summary: str
    job: str
    port: Callable[[Site], int]
    command: Callable[[Context], tuple[str, ...]]
    own: bool = True
    alive: str = "/healthz"
    ready: str = "/readyz"
    page: str = "/"
    state: str = ""
    worker: str = ""
    stop_seconds: int = 10
    login: Callable[[Paths], tuple[str, Path]] | None = None
    public_port: Callable[[Site], int] | None = None
    check: Scheme = "http"
    user: str = ""
    stop_signal: str = "TERM"
    secure: Callable[[Site], bool] = lambda _: False
    rereads: bool = True
    wanted: Callable[[Site], bool] = lambda _: True

    def address(self, site: Site) -> str:
        """The address that it listens on."""
        if self.check == "https":
            return site.entrance.bind
        return site.bind if self.check == "http" else "127.0.0.1"

    def ports(self, site: Site) -> tuple[int, ...]:
        """Every port that it listens on."""
        return (self.port(site),) if self.public_port is None else (self.port(site), self.public_port(site))

    def url(self, site: Site, path: str = "") -> str:
        """Where other services of this machine reach it."""
        return (site.local_url(self.port(site)) if self.check == "http" else self._address(site)) + path

    def _address(self, site: Site) -> str:
        return f"{self.check}://{reached(self.address(site))}:{self.port(site)}"

    def public(self, site: Site) -> str:
        """Where a person reaches it."""
        if self.check not in ("http", "https"):
            return self._address(site)
        url = site.public(self.ports(site)[-1]) + (self.page if self.page != "/" else "")
        return url.replace("http://", "https://", 1) if self.secure(site) else url


def program(*names: str) -> str:
    """The path of the first of `names` that is installed, else the first name itself (its absence shows at start)."""
    return next((found for found in map(shutil.which, names) if found), names[0])


def listen(site: Site, port: int) -> str:
    """`address:port` as Go's servers want it."""
    return f"[{site.bind}]:{port}" if ":" in site.bind and not site.bind.startswith("[") else f"{site.bind}:{port}"
