"""What is probed, as `site.yaml` names it, and what a try needs of it: trust and token, read anew when their files change."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args
from urllib.parse import urlsplit

import msgspec

from exporters.probe.causes import ProbeError
from exporters.probe.http import Request
from exporters.probe.link import Place, anybody
from metrics import probe as m
from metrics.websocket import ROOMS
from settings import SettingsError, Site
from settings.exporters import Operation, ProbeTarget
from settings.secrets import read_secret

_QUESTION = "predictive-analysis"
MARKET, CANARY = ROOMS[0], ROOMS[-1]
_ALIVE = "/.entrance/health"  # asks for no password (compose/templates/entrance.conf.j2)
_OF_THE_MARKET = ("cryptocurrencies", "trading-signals-fast")


def own(site: Site) -> ProbeTarget:
    """The appliance's own stream server, edge and entrance, which are probed where the site names no other target.

    Without a token, what demands a scope is left out.
    """
    url, stream = site.local_url(site.ports.stream), site.stream
    if stream.tls.certificate:  # which holds the name that clients use, hardly the address
        url = f"https://{urlsplit(site.public_url).hostname}:{site.ports.stream}"
    token = site.exporters.probe.token_file
    closed = set() if token else set(stream.rooms.scopes())
    public = stream.anonymous and not stream.rooms.scopes() and not stream.api.scopes.dashboard  # the edge passes no token on
    return ProbeTarget(
        name="watchfloor", url=url, token_file=token, trusted_certificates=stream.tls.certificate,
        rooms=[room for room in ROOMS if room not in closed],
        api=[name for name in get_args(Operation) if not closed & _reads(name) and (token or not stream.api.scopes.of(name))],
        edge=site.local_url(site.ports.edge) if public else "",
        entrance=site.entrance_local_url if site.entrance.enabled else "",
    )  # fmt: skip


def _reads(operation: str) -> set[str]:
    """The rooms that an operation tells of, whose scopes it demands (docs/guides/api.md)."""
    return {MARKET} if operation in _OF_THE_MARKET else set(ROOMS) - {CANARY}


@dataclass
class Goal:
    """One target. Raises ValueError for a URL whose port is none."""

    target: ProbeTarget
    place: Place = field(init=False)
    edge: Place | None = field(init=False)
    entrance: Place | None = field(init=False)
    _trust: tuple[int, ssl.SSLContext] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        """Takes the URLs apart."""
        self.place = Place.of(self.target.url)
        self.edge = Place.of(self.target.edge) if self.target.edge else None
        self.entrance = Place.of(self.target.entrance) if self.target.entrance else None

    @property
    def endpoints(self) -> tuple[str, ...]:
        """What is tried, in the order of the exposition."""
        wanted = set(self.target.api) | ({m.EDGE} if self.edge else set()) | ({m.ENTRANCE} if self.entrance else set())
        if self.target.websocket:
            wanted |= {m.WEBSOCKET, m.STREAM} | ({m.AUTH} if self.target.token_file else set())
        return tuple(name for name in m.ENDPOINTS if name in wanted)

    def token(self) -> str:
        """The token; empty for none. Raises ProbeError for a file that cannot be used."""
        if not self.target.token_file:
            return ""
        try:
            return read_secret(Path(self.target.token_file), "token_file")
        except SettingsError as error:
            raise ProbeError("settings", str(error)) from error

    def trust(self, place: Place) -> ssl.SSLContext | None:
        """By what the server is trusted, the entrance by nothing; None where it has no TLS.

        Raises ProbeError for a file that cannot be used.
        """
        if not place.secure:
            return None
        if place is self.entrance:  # it holds the name by which people come, and is often of an authority that they alone know
            return anybody()
        file = self.target.trusted_certificates
        try:
            changed = Path(file).stat().st_mtime_ns if file else 0
            if self._trust is None or self._trust[0] != changed:
                made = ssl.create_default_context()
                made.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # a server's own certificate may be what is trusted
                made.verify_flags &= ~ssl.VERIFY_X509_STRICT  # Python 3.13's: private authorities often lack what it asks for
                if file:
                    made.load_verify_locations(file)
                self._trust = (changed, made)
        except OSError as error:  # ssl.SSLError is one
            raise ProbeError("settings", f"trusted_certificates: {file}: {error.strerror or error}") from error
        return self._trust[1]

    def request(self, endpoint: str) -> Request:
        """What an operation is asked. Raises ProbeError for a token's file that cannot be used."""
        if endpoint == m.ENTRANCE and self.entrance:
            return Request(self.entrance, _ALIVE)  # without the token: it does not show who it is
        if endpoint == m.EDGE and self.edge:
            return Request(self.edge, "/api/dashboard", self.token())
        if endpoint == "ai-analysis":
            body = msgspec.json.encode({"type": _QUESTION, "cryptoId": self.target.currency})
            return Request(self.place, "/api/ai-analysis", self.token(), body)
        return Request(self.place, f"/api/{endpoint}", self.token())
