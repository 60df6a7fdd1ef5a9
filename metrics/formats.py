"""Which exposition format a client of `/metrics` gets: content negotiation as RFC 9110, section 12.5, has it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


@dataclass(frozen=True)
class Format:
    """What the client of `/metrics` asked for."""

    openmetrics: bool = False
    gzip: bool = False

    @property
    def headers(self) -> dict[str, str]:
        """Response headers of that format."""
        headers = {"Content-Type": OPENMETRICS if self.openmetrics else TEXT, "Vary": "Accept, Accept-Encoding"}
        return headers | {"Content-Encoding": "gzip"} if self.gzip else headers


def negotiate(accept: str = "", accept_encoding: str = "") -> Format:
    """The format for these request headers, whatever stands in them.

    OpenMetrics where the client names it and likes it no less than text; else text, also for a client that takes neither,
    as RFC 9110 allows. gzip where the client likes it no less than plain bytes.
    """
    openmetrics = max((q for _, q in _named(accept, "application/openmetrics-text", version="1.0.0")), default=0.0)
    zipped = _encoding(accept_encoding, "gzip", default=0.0)
    plain = _encoding(accept_encoding, "identity", default=zipped)  # acceptable unless refused, preferred by nobody
    return Format(openmetrics=openmetrics > 0 and openmetrics >= _text(accept), gzip=zipped > 0 and zipped >= plain)


def _text(accept: str) -> float:
    """How much the client likes text 0.0.4: what it says of the most specific range that covers it."""
    for media_range in ("text/plain", "text/*", "*/*"):
        found = [q for _, q in _named(accept, media_range, version="0.0.4")]
        if found:
            return max(found)
    return 0.0


def _encoding(accept_encoding: str, coding: str, *, default: float) -> float:
    found = [q for name, q in _weighted(accept_encoding) if name == coding]
    found = found or ([q for name, q in _weighted(accept_encoding) if name == "*"] if coding != "identity" else [])
    return max(found, default=default)


def _named(header: str, wanted: str, *, version: str) -> Iterator[tuple[str, float]]:
    """Ranges of that name that ask for that version, or for none."""
    for value, q in _weighted(header):
        name, *parameters = value.split(";")
        versions = [parameter[8:].strip('"') for parameter in parameters if parameter.startswith("version=")]
        if name == wanted and versions in ([], [version]):
            yield value, q


def _weighted(header: str) -> Iterator[tuple[str, float]]:
    """The header's parts without spaces and without their weight, and the weight (0 to 1); parts with a bad one are left out."""
    for part in header.lower().split(","):
        pieces = ["".join(piece.split()) for piece in part.split(";")]
        weights = [piece[2:] for piece in pieces if piece.startswith("q=")]
        try:
            weight = float(weights[0]) if weights else 1.0
        except ValueError:
            continue
        if 0 <= weight <= 1:
            yield ";".join(piece for piece in pieces if not piece.startswith("q=")), weight
