"""A file that the site names, in containers: Prometheus shows a password, and believes an authority, where a door wants both."""

from __future__ import annotations

import yaml

from compose.docker import Containers
from tests.containers import backing, looks
from tests.waiting import until


def scrape_a_guarded_door(stack: Containers) -> None:
    """The entrance is that door: by TLS of the appliance's authority, with the operator's password."""
    before = stack.site_file.read_text(encoding="utf-8")
    access = {
        "authority": str(stack.paths.authority),
        "username": "watchfloor",
        "password_file": str(stack.paths.entrance_password),
    }
    job = {"job": "door", "scheme": "https", "targets": ["entrance:8443"], "path": "/prometheus/metrics", "access": access}
    # Its certificate is for the name by which people know it.
    more = {"scrape": [job], "public_url": "https://entrance"}
    stack.site_file.write_text(yaml.safe_dump(yaml.safe_load(before) | more), encoding="utf-8")
    try:
        stack.up(backing.say)
        until("Prometheus is let in", lambda: looks.query(stack, 'up{job="door"}') == 1, 60, 0.5)
    finally:
        stack.site_file.write_text(before, encoding="utf-8")
        stack.up(backing.say)
