"""A public answer that is ready as bytes: its body in each encoding, its entity tag, its age. Pure."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from functools import lru_cache

_LEAST = 1024  # bytes from which compression is worth it
_SMALLER = 0.9


@dataclass(eq=False)
class Prepared:
    """`made` is when its content was made, `until` when these bytes are made anew (s, Unix time); `route` is for metrics.

    `headers` say who may keep it; without `Cache-Control` there, others ask again each time. `identity` is what the tag is made
    from, where the body holds what changes by itself, such as its own age.
    """

    route: str
    body: bytes
    made: float
    until: float
    identity: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    now: float = 0.0
    renewed: bool = False  # somebody is making the next one
    _bodies: dict[str, bytes] = field(default_factory=dict)
    _heads: dict[tuple[str, bool], bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Its tag: weak, because bodies of one tag may tell different ages."""
        self.tag = f'W/"{hashlib.blake2b(self.identity or self.body, digest_size=12).hexdigest()}"'

    def encoding(self, accepted: str) -> str:
        """The encoding for an `Accept-Encoding`: "gzip", or "" for none."""
        if len(self.body) < _LEAST or not takes_gzip(accepted):
            return ""
        return "gzip" if len(self.encoded("gzip")) < len(self.body) * _SMALLER else ""

    def encoded(self, encoding: str) -> bytes:
        """The body in an encoding."""
        if not encoding:
            return self.body
        if encoding not in self._bodies:
            self._bodies[encoding] = gzip.compress(self.body, 6, mtime=0)
        return self._bodies[encoding]

    def fields(self, encoding: str, *, modified: bool = True) -> dict[str, str]:
        """The headers of an answer of now, without those that every answer has; 304 when not `modified`."""
        age = str(max(0, int(self.now - self.made)))
        found = {"Cache-Control": "no-cache", "ETag": self.tag, "Age": age, "Vary": "Accept-Encoding, Origin", **self.headers}
        if not modified:
            return found
        found |= {"Content-Type": "application/json", "Content-Length": str(len(self.encoded(encoding)))}
        return found | ({"Content-Encoding": encoding} if encoding else {})

    def head(self, encoding: str, common: Mapping[str, str], *, modified: bool = True) -> bytes:
        """The same with `common`, a date and the status, as it stands on the wire up to where a request's own headers follow."""
        key = (encoding, modified)
        if key not in self._heads:
            lines = ["HTTP/1.1 200 OK" if modified else "HTTP/1.1 304 Not Modified"]
            fields = self.fields(encoding, modified=modified) | dict(common) | {"Date": formatdate(self.now, usegmt=True)}
            lines += [f"{name}: {value}" for name, value in fields.items()]
            self._heads[key] = ("\r\n".join(lines) + "\r\nX-Request-Id: ").encode("ascii")
        return self._heads[key]

    def matches(self, given: str) -> bool:
        """Whether an `If-None-Match` names this content; compared weakly, as RFC 9110 section 13.1.2 wants."""
        return given.strip() == "*" or self.tag.removeprefix("W/") in (
            part.strip().removeprefix("W/") for part in given.split(",")
        )


@lru_cache(maxsize=256)
def takes_gzip(accepted: str) -> bool:
    """Whether an `Accept-Encoding` takes gzip: named, or by `*`, and not with q=0 (RFC 9110 section 12.5.3)."""
    found: dict[str, bool] = {}
    for part in accepted.lower().split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        refused = any(piece.startswith("q=") and not piece[2:].strip("0.") for piece in parameters)
        found[name] = not refused
    return found.get("gzip", found.get("x-gzip", found.get("*", False)))
