"""What keeps services from listening, told before anything is touched: another machine's address, a port that is taken."""

from __future__ import annotations

from compose.errors import BadInputError, ComposeError
from compose.ports import is_free, is_own_address
from compose.topology import services
from settings import Site
from settings.ports import holder

LOOPBACK = "127.0.0.1"


def refuse_addresses(site: Site, name: str) -> None:
    """Raises BadInputError for an address to bind that this machine does not have; `name` is the settings' file.

    Raises ComposeError where IPv4's loopback is missing: a machine of IPv6 alone.
    """
    if not is_own_address(LOOPBACK):
        what = f"{LOOPBACK} is not there: PostgreSQL and both Redis listen on it alone"
        raise ComposeError(f"{what}: give it back: `ip address add {LOOPBACK}/8 dev lo`; bind: in {name} may be ::1 all the same")
    bound = [("bind", site.bind)] + [("entrance.bind", site.entrance.bind)] * site.entrance.enabled
    for key, address in bound:
        if not is_own_address(address):
            raise BadInputError(f"{name}: {key}: {address} is no address of this machine: give one, or 127.0.0.1")


def refuse_taken_ports(site: Site, previous: Site | None, name: str) -> None:
    """Raises ComposeError for a port that somebody else has; those of the services that run by `previous` are ours."""
    ours = {
        (service.address(previous), port) for service in services(previous) for port in service.ports(previous)
    } if previous else set()  # fmt: skip
    wanted = [(service, port) for service in services(site) for port in service.ports(site)]
    for service, port in wanted:
        address = service.address(site)
        if (address, port) in ours or is_free(address, port):
            continue
        if previous and port in {number for _, number in ours}:
            continue  # a wider or narrower address for a port that we hold ourselves
        what = f"port {port} is in use: {service.name} needs it, {holder(port)} has it"
        raise ComposeError(f"{what}: stop that one, or set ports: in {name}")
