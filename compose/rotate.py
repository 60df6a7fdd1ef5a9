"""`make rotate s=NAME`: a password or token is generated anew, and whoever uses it is told. No secret is ever printed."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from compose import roles
from compose.errors import BadInputError, ComposeError
from compose.images import CONTAINERS
from compose.secrets import rewrite
from compose.topology import services
from settings import Paths, Site

if TYPE_CHECKING:
    from compose.native import Stack, Tell

# What is made from each: hashes, and users by hash. Headers and password files of nginx follow by themselves.
NAMES: Mapping[str, tuple[str, ...]] = {
    "alertmanager_password": ("alertmanager_web.yml",),
    "app_password": (),
    "bus_password": ("bus.acl",),
    "cache_password": ("cache_users.conf",),
    "database_password": (),
    "edge_secret": (),
    "entrance_password": (),
    "exporter_password": (),
    "inbox_token": (),
    "postgres_password": (),
    "prometheus_password": ("prometheus_web.yml",),
    "reader_password": (),
    "redis_admin_password": ("bus.acl", "cache_users.conf"),
    "redis_exporter_password": ("bus.acl", "cache_users.conf"),
    "viewer_password": (),
}
# By the password's file, the role of PostgreSQL that enters by it.
ROLES: Mapping[str, str] = {file(Paths(Path())).name: role for role, file in roles.FILES.items()}
_RENDERED = {"edge_secret"}  # it stands in Varnish's configuration
_ELSEWHERE = {
    "ca.key": "remove it, then `make certs`: whoever trusts the old authority is to be given the new one",
    "grafana_password": "Grafana keeps it: change it on its page (user admin)",
    "grafana_secret_key": "what Grafana has stored is encrypted by it: it stays",
    "server.pem": "`make certs` makes a new certificate and key",
    "tokens": "`make token do='keys rotate'`, then `keys retire` (docs/guides/websocket.md)",
}


def rotate(stack: Stack, name: str, tell: Tell) -> None:
    """Generates the secret of that name anew. Raises BadInputError for a name that is none, ComposeError where it cannot be."""
    if name in _ELSEWHERE:
        raise BadInputError(f"{name}: is not rotated here: {_ELSEWHERE[name]}")
    if name not in NAMES:
        raise BadInputError(f"{name or 'no name'}: is no secret: `make rotate s=NAME` with one of {', '.join(sorted(NAMES))}")
    if stack.contained:
        stack.settings(tell)  # they are applied along with it: bad ones are refused before anything is changed
    site, path = stack.site(), stack.paths.secrets / name
    running = stack.running()
    if name in ROLES:
        if not (running and site.workload):
            raise ComposeError(f"{name}: PostgreSQL does not run: only it can take a new password: `make up` first")
        _change_role(stack, site, name, path)
    else:
        path.unlink(missing_ok=True)
        for derived in NAMES[name]:
            (stack.paths.secrets / derived).unlink(missing_ok=True)
    stack.remake(tell, render=name in _RENDERED)
    if running and not stack.contained:
        if told := users_of(name, site):
            stack.supervisor.restart(told)
            tell(f"restarted {', '.join(told)}")
        stack.wait_ready(site)
    tell(f"{name} is a new one: {path}")


def users_of(name: str, site: Site) -> list[str]:
    """The running services that read the secret when they start, in order; others look at its file each time."""
    files = {name, *NAMES[name]}
    held = {service for service, container in CONTAINERS.items() if files & set(container.secrets)}
    return [
        service.name
        for service in services(site)
        if (service.name in held or (service.name.startswith("stream-") and "stream" in held))
        and (service.own or not service.rereads)
    ]


def _change_role(stack: Stack, site: Site, name: str, path: Path) -> None:
    """The server takes it first. What is written before that says, after a crash in between, what it may have become."""
    fresh = path.with_name(f"{name}.new")
    if name == "postgres_password" and fresh.exists() and not stack.is_let_in(site):
        fresh.replace(path)  # a crash was in between
    fresh.unlink(missing_ok=True)
    password = secrets.token_urlsafe(32)
    rewrite(fresh, password, stack.host)
    try:
        stack.change_password(site, ROLES[name], password)
    except ComposeError:
        fresh.unlink()
        raise
    fresh.replace(path)
