"""The edge cache: Varnish's configuration and command line."""

from __future__ import annotations

import hashlib
from urllib.parse import urlsplit

from compose.fill import page
from metrics.durations import seconds
from settings import Paths, Site
from settings.basic import in_bytes

FILE = "edge.vcl"
HEALTH = "/.edge/health"
SECRET_HEADER, PURGED_HEADER = "X-Watchfloor-Edge", "X-Purged"


def vcl(site: Site, secret: str) -> str:
    """Varnish's configuration for a site; `secret` is the word by which the appliance's own requests are known."""
    backend = urlsplit(site.local_url(site.ports.stream))
    return page(
        "edge.vcl.j2",
        host=backend.hostname, port=backend.port, ttl=max(1, int(seconds(site.cache.edge.ttl))), secret=secret, health=HEALTH,
        neighbours=[network.split("/") for network in _neighbours(site)],
        secret_header=SECRET_HEADER, purged_header=PURGED_HEADER,
    )  # fmt: skip


def _neighbours(site: Site) -> tuple[str, ...]:
    """Where the appliance's own services are: on loopback; in containers, in the networks that Docker gives to its bridges."""
    bridges = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16") if site.contained else ()
    return ("127.0.0.0/8", "::1/128", *bridges)


def command(site: Site, paths: Paths, program: str, address: str) -> tuple[str, ...]:
    """The command line: in the foreground, as whoever starts it, in little memory, without a port for commands.

    Varnish does not reread its configuration by itself; its digest is in the command line, so that a new one restarts it.
    """
    secret = paths.edge_secret.read_text(encoding="ascii") if paths.edge_secret.exists() else ""
    digest = hashlib.sha256(vcl(site, secret).encode()).hexdigest()[:12]
    return (
        program, "-F", "-j", "none", "-a", address, "-f", str(paths.rendered / FILE), "-i", f"edge-{digest}",
        "-n", str(paths.data / "edge"), "-s", f"malloc,{in_bytes(site.cache.edge.size)}", "-T", "none",
        "-p", "vsl_space=4m", "-p", "http_gzip_support=off",
    )  # fmt: skip
