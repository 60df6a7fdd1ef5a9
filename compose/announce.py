"""Tells the on-call inbox what the appliance did to itself, so that dashboards mark it."""

from __future__ import annotations

import json
import urllib.request
from http.client import HTTPException

from metrics.process import version
from settings import Site

_TIMEOUT = 3.0


def announce(site: Site, what: str) -> str:
    """Posts the event `what` (`started`, `settings applied`); returns an empty text, or why it could not be posted."""
    event = {"title": f"Watchfloor {version()} {what}", "kind": "appliance"}
    request = urllib.request.Request(  # noqa: S310  # the site's own inbox
        f"{site.local_url(site.ports.inbox)}/api/events", data=json.dumps(event).encode(), headers={"X-Watchfloor": "1"}
    )
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT):  # noqa: S310  # as above
            return ""
    except (OSError, HTTPException) as error:
        return f"the inbox did not take the event {event['title']!r}: {error}: `make logs s=inbox`"
