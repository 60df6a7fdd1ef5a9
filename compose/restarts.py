"""Restarts of services, as the watchers have counted them."""

from __future__ import annotations

import re
import urllib.request
from http.client import HTTPException

from settings import Site

_METRIC = "watchfloor_service_restarts_total"
_LINE = re.compile(rf'^{_METRIC}{{service="([^"]+)",reason="[a-z]+"}} (\d+)$', re.MULTILINE)


def counted(site: Site) -> dict[str, int]:
    """Restarts by service; empty where no watcher answers."""
    counts: dict[str, int] = {}
    for port in (site.ports.watcher, site.ports.watcher + 1):
        try:
            with urllib.request.urlopen(site.local_url(port) + "/metrics", timeout=2) as response:  # noqa: S310  # our own URL
                text = response.read().decode()
        except (OSError, HTTPException):
            continue
        for name, count in _LINE.findall(text):
            counts[name] = counts.get(name, 0) + int(count)
    return counts
