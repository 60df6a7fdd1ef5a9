"""Passwords and tokens that the appliance makes for itself: generated once, 0600, owned by the user that needs them."""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
from pathlib import Path

import bcrypt
import yaml

from compose.errors import ComposeError
from compose.host import Host
from settings import Paths
from settings.paths import ALERTMANAGER_USER


def make_secrets(paths: Paths, host: Host) -> None:
    """Generates what is missing; what is there stays."""
    if not paths.secrets.exists():
        paths.secrets.mkdir(mode=0o700)
        host.give(paths.secrets)
    for path in (
        paths.inbox_token, paths.database_password, paths.postgres_password, paths.exporter_password, paths.edge_secret,
    ):  # fmt: skip
        _write(path, secrets.token_urlsafe(32), host)
    if _write(paths.bus_password, secrets.token_urlsafe(32), host):
        paths.bus_users.unlink(missing_ok=True)
    _write(paths.bus_users, _bus_user(paths), host)
    if _write(paths.cache_password, secrets.token_urlsafe(32), host):
        paths.cache_config.unlink(missing_ok=True)
    _write(paths.cache_config, f"requirepass {paths.cache_password.read_text(encoding='ascii')}\n", host)
    if _write(paths.alertmanager_password, secrets.token_urlsafe(32), host):
        paths.alertmanager_web.unlink(missing_ok=True)
    if not paths.alertmanager_web.exists():
        hashed = bcrypt.hashpw(paths.alertmanager_password.read_bytes(), bcrypt.gensalt(10)).decode()
        _write(paths.alertmanager_web, yaml.safe_dump({"basic_auth_users": {ALERTMANAGER_USER: hashed}}), host)


def _bus_user(paths: Paths) -> str:
    """Redis's list of users: the one it has, with the password that stands beside."""
    hashed = hashlib.sha256(paths.bus_password.read_bytes()).hexdigest()
    return f"user default on #{hashed} ~* &* +@all\n"


def _write(path: Path, text: str, host: Host) -> bool:
    """Makes the file unless it is there; by its descriptor, because the folder is the service user's, who might swap it."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
        host.give(descriptor)
    return True


def alertmanager_authorization(paths: Paths) -> dict[str, str]:
    """The request header by which Alertmanager knows us."""
    try:
        password = paths.alertmanager_password.read_text(encoding="ascii")
    except PermissionError as error:
        raise ComposeError(f"this appliance belongs to another user: {paths.home}: run it as that user, or by sudo") from error
    except FileNotFoundError:
        return {}
    return {"Authorization": "Basic " + base64.b64encode(f"{ALERTMANAGER_USER}:{password}".encode()).decode()}
