"""Who may take how much: connections per address, messages per client; and whose word about an address is believed.

Pure: callers give the time, in seconds of a clock that never runs backwards.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from typing import TypeAlias

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
_SITE_BITS = 64  # an IPv6 customer has a /64 at least: its addresses count as one


class TokenBucket:
    """Allows `rate` a second on average and `burst` at once."""

    __slots__ = ("_burst", "_filled", "_rate", "_tokens")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate = rate
        self._burst = max(burst, 1.0)
        self._tokens = self._burst
        self._filled = now

    def take(self, now: float, cost: float = 1.0) -> bool:
        """Takes `cost`, or what the whole bucket holds if that is less; False, and nothing taken, when there is less at `now`."""
        if now > self._filled:
            self._tokens = min(self._burst, self._tokens + (now - self._filled) * self._rate)
            self._filled = now
        cost = min(cost, self._burst)
        if self._tokens < cost:
            return False
        self._tokens -= cost
        return True


class PerAddress:
    """Counts what each address holds, and refuses the one too many."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: dict[str, int] = {}

    def acquire(self, address: str) -> bool:
        """Counts one more of `address`; False, and nothing counted, when it holds `most` already."""
        key = counted_as(address)
        held = self._held.get(key, 0)
        if held >= self._most:
            return False
        self._held[key] = held + 1
        return True

    def release(self, address: str) -> None:
        """Counts one less of `address`; an address that holds none stays so."""
        key = counted_as(address)
        held = self._held.get(key, 0)
        if held > 1:
            self._held[key] = held - 1
        else:
            self._held.pop(key, None)

    def __len__(self) -> int:
        """How many addresses hold something."""
        return len(self._held)


def counted_as(address: str) -> str:
    """The unit that limits count: an IPv4 address (also one mapped into IPv6), or an IPv6 /64; other texts as they are."""
    parsed = _parsed(address)
    if parsed is None or parsed.version == 4:
        return str(parsed or address)
    return str(ipaddress.ip_network((int(parsed) >> _SITE_BITS << _SITE_BITS, _SITE_BITS)))


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Networks of addresses and CIDR texts. Raises ValueError for anything else."""
    return tuple(ipaddress.ip_network(text, strict=False) for text in texts)


def is_trusted(address: str, trusted: Sequence[Network]) -> bool:
    """Whether an address lies within one of the networks."""
    parsed = _parsed(address)
    return parsed is not None and any(parsed.version == network.version and parsed in network for network in trusted)


def client_address(peer: str, forwarded: Sequence[str], trusted: Sequence[Network], *, believed: bool = False) -> str:
    """Whose connection it is: the peer, or the address that the nearest trusted proxies name.

    `forwarded` are the values of `X-Forwarded-For`, in order. Read from the right, as each proxy appends whom it saw; the
    first address that is no trusted proxy is the client. What stands left of it was written by the client and is not read.
    `believed`: the peer has proved to be our own edge, wherever it is.
    """
    hops = [hop.strip() for value in forwarded for hop in value.split(",")]
    address = peer
    while hops and (believed or is_trusted(address, trusted)):
        believed = False  # of the address that it names nothing is proved
        parsed = _parsed(hops.pop().strip("[]"))
        if parsed is None:
            break
        address = str(parsed)
    return address


def _parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None
    return (parsed.version == 6 and parsed.ipv4_mapped) or parsed
