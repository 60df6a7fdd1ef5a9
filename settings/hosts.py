"""By which names this machine is known: a browser that came by another one carries a stranger's page.

A stranger can point a name of his at this machine (DNS rebinding), and his page would then be of our origin.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from settings.types import Site


def known_names(site: Site) -> frozenset[str]:
    """The names by which a browser may call a service: the public ones, the machine's, the bound one."""
    public = [(urlsplit(url).hostname or "").lower() for url in (site.public_url, *site.public_urls.given().values())]
    return frozenset({*public, site.instance_name.lower(), site.bind.lower()})


def host_known(host: str, names: frozenset[str]) -> bool:
    """Whether a Host header names this machine: an address, a name without dots, `*.localhost`, or one of `names`.

    Strangers own names with dots alone, and an address cannot be pointed elsewhere.
    """
    try:
        name = (urlsplit(f"//{host}").hostname or "").lower().rstrip(".")
    except ValueError:
        return False
    if not name:
        return False
    if "." not in name and ":" not in name:
        return True
    if name.endswith(".localhost") or name in names:
        return True
    try:
        ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    return True
