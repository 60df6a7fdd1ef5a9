"""Passwords and tokens that the appliance makes for itself: generated once, 0600, owned by the user that needs them."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

import bcrypt
import yaml

from compose import redis_users
from compose.errors import ComposeError
from compose.health import Login
from compose.host import Host
from compose.service import Service
from settings import Paths
from settings.cache import RedisLayer
from settings.paths import ALERTMANAGER_USER, PROMETHEUS_USER


def make_secrets(paths: Paths, host: Host, prefix: str = RedisLayer().prefix) -> None:
    """Generates what is missing; what is there stays. `prefix` is what the cache's keys begin with."""
    host.make(paths.secrets, 0o700)
    for path in (
        paths.inbox_token, paths.database_password, paths.app_password, paths.postgres_password, paths.exporter_password,
        paths.reader_password, paths.edge_secret,
        paths.grafana_password, paths.grafana_secret_key, paths.entrance_password,
        paths.viewer_password, paths.bus_password, paths.cache_password, paths.redis_exporter_password,
        paths.redis_admin_password,
    ):  # fmt: skip
        _write(path, secrets.token_urlsafe(32), host)
    rewrite(paths.bus_users, redis_users.bus(paths), host)
    rewrite(paths.cache_config, redis_users.cache(paths, prefix), host)
    for user, password, web in (
        (ALERTMANAGER_USER, paths.alertmanager_password, paths.alertmanager_web),
        (PROMETHEUS_USER, paths.prometheus_password, paths.prometheus_web),
    ):
        if _write(password, secrets.token_urlsafe(32), host):
            web.unlink(missing_ok=True)
        if not web.exists():
            hashed = bcrypt.hashpw(password.read_bytes(), bcrypt.gensalt(10)).decode()
            _write(web, yaml.safe_dump({"basic_auth_users": {user: hashed}}), host)


def rewrite(path: Path, text: str, host: Host) -> None:
    """Makes the file hold the text: what follows from the settings may change, other than what was generated."""
    with contextlib.suppress(FileNotFoundError):
        if path.read_text(encoding="ascii") == text:
            return
        path.unlink()
    _write(path, text, host)


def _write(path: Path, text: str, host: Host) -> bool:
    """Makes the file unless it is there and holds something; whole or not at all, should this process be killed.

    It is written under another name, by its descriptor, because the folder is the service user's, who might swap it.
    """
    with contextlib.suppress(FileNotFoundError):
        if path.lstat().st_size:
            return False
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
        host.give(descriptor)
    new.replace(path)
    return True


def login(service: Service, paths: Paths) -> Login | None:
    """As whom the service is asked for its health, read anew each time; None where it asks nobody, or has no password yet.

    Raises ComposeError where the file is another user's.
    """
    if not service.login:
        return None
    user, file = service.login(paths)
    try:
        return user, file.read_text(encoding="ascii")
    except PermissionError as error:
        raise ComposeError(f"this appliance belongs to another user: {paths.home}: run it as that user, or by sudo") from error
    except FileNotFoundError:
        return None
