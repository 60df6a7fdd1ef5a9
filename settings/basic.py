"""What every section of `site.yaml` is made of: the base of sections, and the kinds of texts and numbers."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from msgspec import Meta, Struct

from settings import patterns

Duration: TypeAlias = Annotated[str, Meta(pattern=patterns.DURATION)]
Size: TypeAlias = Annotated[str, Meta(pattern=patterns.SIZE)]
Port: TypeAlias = Annotated[int, Meta(ge=1, le=65535)]
Label: TypeAlias = Annotated[str, Meta(pattern=patterns.LABEL)]
Name: TypeAlias = Annotated[str, Meta(pattern=patterns.NAME, max_length=63)]
Address: TypeAlias = Annotated[str, Meta(pattern=patterns.TARGET)]
Url: TypeAlias = Annotated[str, Meta(pattern=patterns.URL)]
OpenUrlOrNone: TypeAlias = Annotated[str, Meta(pattern=patterns.OPEN_URL_OR_NONE)]
UrlOrNone: TypeAlias = Annotated[str, Meta(pattern=patterns.URL_OR_NONE)]
Mail: TypeAlias = Annotated[str, Meta(pattern=patterns.MAIL)]
File: TypeAlias = Annotated[str, Meta(pattern=patterns.FILE)]
FileOrNone: TypeAlias = Annotated[str, Meta(pattern=patterns.FILE_OR_NONE)]
HostOrNone: TypeAlias = Annotated[str, Meta(pattern=patterns.HOST_OR_NONE)]
Line: TypeAlias = Annotated[str, Meta(pattern=patterns.LINE)]
Symbol: TypeAlias = Annotated[str, Meta(pattern=patterns.SYMBOL)]
Origin: TypeAlias = Annotated[str, Meta(pattern=patterns.ORIGIN)]
OriginOrNone: TypeAlias = Annotated[str, Meta(pattern=patterns.ORIGIN_OR_NONE)]
Network: TypeAlias = Annotated[str, Meta(pattern=patterns.NETWORK)]
HostName: TypeAlias = Annotated[str, Meta(pattern=patterns.HOST)]
RequestRate: TypeAlias = Annotated[str, Meta(pattern=patterns.REQUEST_RATE)]
Header: TypeAlias = Annotated[str, Meta(pattern=patterns.HEADER)]
Feed: TypeAlias = Annotated[str, Meta(pattern=patterns.FEED)]
MarketFeed: TypeAlias = Annotated[str, Meta(pattern=patterns.MARKET_FEED)]
BusOrNone: TypeAlias = Annotated[str, Meta(pattern=patterns.BUS_OR_NONE)]
RedisUrl: TypeAlias = Annotated[str, Meta(pattern=patterns.REDIS)]
MetricName: TypeAlias = Annotated[str, Meta(pattern=patterns.METRIC, max_length=63)]
JsonPath: TypeAlias = Annotated[str, Meta(pattern=patterns.JSON_PATH)]

_UNITS = {"B": 1, "KB": 2**10, "MB": 2**20, "GB": 2**30, "TB": 2**40}


class Section(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A part of `site.yaml`: unknown keys are refused, values cannot change afterwards."""


def in_bytes(size: str) -> int:
    """Bytes in a `Size`, by powers of 1024 as Prometheus counts them: 65536 of `64KB`."""
    digits = size.rstrip("BKMGT")
    return int(digits) * _UNITS[size[len(digits) :]]
