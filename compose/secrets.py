"""Passwords and tokens that the appliance makes for itself: generated once, 0600, owned by the user that needs them."""

from __future__ import annotations

import os
import secrets

from compose.host import Host
from settings import Paths


def make_secrets(paths: Paths, host: Host) -> None:
    """Generates what is missing; what is there stays."""
    paths.secrets.mkdir(exist_ok=True)
    paths.secrets.chmod(0o700)
    host.give(paths.secrets)
    if not paths.inbox_token.exists():
        descriptor = os.open(paths.inbox_token, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(32))
        host.give(paths.inbox_token)
