"""Whether a site shows its services to a network, and whether it may: by the entrance, or by saying that it is insecure."""

from __future__ import annotations

import ipaddress

from settings.errors import SettingsError
from settings.types import Site


def is_loopback(address: str) -> bool:
    """Whether an address of `bind` is reached from this machine alone; of a name other than localhost that is not known."""
    try:
        return ipaddress.ip_address(address.strip("[]").partition("%")[0]).is_loopback
    except ValueError:
        return address == "localhost"


def exposed(site: Site) -> bool:
    """Whether every service listens where others than this machine's users may reach it."""
    return not is_loopback(site.bind)


def refuse_exposed(site: Site, name: str = "site.yaml") -> None:
    """Raises SettingsError for a site that shows its services to a network without TLS and a password, and does not say so."""
    if exposed(site) and not site.insecure:
        what = f"bind: {site.bind} would show every service to the network without TLS and a password"
        fix = f"keep 127.0.0.1 and set `entrance: {{enabled: true, bind: {site.bind}}}`, or say `insecure: true`"
        raise SettingsError(name, what, fix)
