"""The entrance: nginx's configuration, its password file and command line. Why nginx, and why so: docs/topics/security.md."""

from __future__ import annotations

import base64
import hashlib
import os
import re
from collections.abc import Iterable
from pathlib import Path

from compose import certificates, grafana
from compose.edge import SECRET_HEADER
from compose.fill import page
from compose.host import Host
from compose.packages import ENTRANCE, Package
from compose.secrets import rewrite
from compose.service import Context, program
from settings import Paths, Site
from settings.entrance import PATHS
from settings.paths import ALERTMANAGER_USER, PROMETHEUS_USER

FILE = "entrance.conf"
HEALTH = "/.entrance/health"
INNER = 18081  # in its container: where it tells without TLS that it is alive
_DNS = "127.0.0.11"  # the one that Docker gives to every container of a network


def packages_of(site: Site) -> tuple[Package, ...]:
    """What must be installed for it."""
    return (ENTRANCE,) if site.entrance.enabled else ()


def configuration(site: Site, paths: Paths) -> str:
    """Nginx's configuration for a site. No secret stands in it: what is one is a file that it names."""
    given = site.entrance
    bind = site.bind if site.contained else given.bind
    host = f"[{bind}]" if ":" in bind and not bind.startswith("[") else bind
    upstreams = {name: site.local_url(getattr(site.ports, name)).removeprefix("http://") for name in PATHS}
    certificate, key = (
        (given.certificate, given.key_file) if given.certificate and not site.contained else (paths.certificate,) * 2
    )
    public = site.entrance_url.removeprefix("https://").rpartition(":")[0]
    return page(
        "entrance.conf.j2", trim=True,
        listen=f"{host}:{site.ports.entrance}", health=HEALTH, users=paths.entrance_users, viewer=re.escape(given.viewer),
        alertmanager=paths.entrance_alertmanager, prometheus=paths.entrance_prometheus, stream=paths.entrance_stream,
        edge_header=SECRET_HEADER,
        certificate=certificate, key=key, resolver=_DNS if site.contained else "", inner=INNER,
        state=paths.data / "entrance", upstreams=upstreams, scheme="https" if site.stream.tls.certificate else "http",
        workload=site.workload,
        # Who signs in at Grafana too may do there what Grafana lets him: it is asked by POST, also by who only looks.
        grafana_judges=site.contained or grafana.home() is not None,
        # A browser keeps it for the name, whatever the port: on this machine the services' own ports speak plain HTTP.
        strict=public != "localhost",
    )  # fmt: skip


def prepare(site: Site, paths: Paths, host: Host) -> None:
    """What its configuration names: certificate, password file, the headers by which services know it."""
    if not site.entrance.certificate:
        certificates.make(site, paths, host)
    users = {site.entrance.user: paths.entrance_password.read_bytes(), site.entrance.viewer: paths.viewer_password.read_bytes()}
    users.pop("", None)
    kept = paths.entrance_users.read_text(encoding="ascii").splitlines() if paths.entrance_users.exists() else []
    lines = [_kept(kept, user, password) or _line(user, password) for user, password in users.items()]
    rewrite(paths.entrance_users, "".join(f"{line}\n" for line in lines), host)
    known = (
        (paths.entrance_alertmanager, ALERTMANAGER_USER, paths.alertmanager_password),
        (paths.entrance_prometheus, PROMETHEUS_USER, paths.prometheus_password),
    )
    for file, user, password in known:
        word = base64.b64encode(f"{user}:".encode() + password.read_bytes()).decode()
        rewrite(file, f'proxy_set_header Authorization "Basic {word}";\n', host)
    secret = paths.edge_secret.read_text(encoding="ascii")
    rewrite(paths.entrance_stream, f'proxy_set_header {SECRET_HEADER} "{secret}";\n', host)


def _line(user: str, password: bytes) -> str:
    """A quick hash will do for a password of 256 random bits, and nginx computes it at every request."""
    salt = os.urandom(16)
    return f"{user}:{{SSHA}}{base64.b64encode(_hashed(password, salt) + salt).decode()}"


def _kept(lines: Iterable[str], user: str, password: bytes) -> str:
    """The line that fits already: a new salt would be a new file, and a restart."""
    for line in lines:
        head, _, hashed = line.partition("{SSHA}")
        made = base64.b64decode(hashed or "")
        if head == f"{user}:" and _hashed(password, made[20:]) == made[:20]:
            return line
    return ""


def _hashed(password: bytes, salt: bytes) -> bytes:
    return hashlib.sha1(password + salt, usedforsecurity=False).digest()


def command(context: Context) -> tuple[str, ...]:
    """One process in the foreground: nobody is left behind when it is killed. A digest of its files restarts it for new ones."""
    site, paths = context.site, context.paths
    digest = hashlib.sha256(configuration(site, paths).encode())
    files = [Path(site.entrance.certificate), Path(site.entrance.key_file)] if site.entrance.certificate else [paths.certificate]
    for file in (
        *files,
        paths.entrance_alertmanager,
        paths.entrance_prometheus,
        paths.entrance_stream,
    ):  # of the users' file each request is told
        digest.update(file.read_bytes() if file.is_file() and os.access(file, os.R_OK) else b"")
    return (
        program("nginx", "/usr/sbin/nginx"), "-p", str(paths.data / "entrance"), "-c", str(paths.rendered / FILE), "-e", "stderr",
        "-g", f"daemon off; env WATCHFLOOR_ENTRANCE={digest.hexdigest()[:12]};",
    )  # fmt: skip
