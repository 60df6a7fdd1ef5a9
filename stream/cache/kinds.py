"""The kinds of values that the workload keeps: their keys, how long they live, when and in which order they are warmed. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import IntEnum
from typing import NamedTuple

from stream.messages import MARKET, ONCHAIN, SENTIMENT


class Priority(IntEnum):
    """What is warmed first."""

    DEMANDED = 0
    HIGH = 1
    MEDIUM = 2
    LOW = 3


class Kind(NamedTuple):
    """One kind: the first part of its keys, how many parts follow, seconds between two rounds, its values' seconds to live."""

    name: str
    parts: int
    every: float
    ttl: float
    priority: Priority


MARKET_DATA = Kind("market-data", 1, 300, 300, Priority.HIGH)
CRYPTO_METRICS = Kind("crypto-metrics", 1, 600, 600, Priority.MEDIUM)
ANALYSIS = Kind("analysis", 2, 900, 900, Priority.MEDIUM)
SENTIMENT_DATA = Kind("sentiment", 1, 1800, 1800, Priority.LOW)
KINDS: Mapping[str, Kind] = {kind.name: kind for kind in (MARKET_DATA, CRYPTO_METRICS, ANALYSIS, SENTIMENT_DATA)}
OF_ROOM: Mapping[str, Kind] = {MARKET: MARKET_DATA, ONCHAIN: CRYPTO_METRICS, SENTIMENT: SENTIMENT_DATA}


def key(kind: Kind, *parts: str) -> str:
    """`market-data:BTC`, `analysis:BTC:risk-assessment`. Raises ValueError for too few or too many parts."""
    if len(parts) != kind.parts:
        raise ValueError(f"a key of {kind.name} has {kind.parts} part(s) after it, not {len(parts)}")
    return ":".join((kind.name, *parts))


def kind_of(text: str) -> Kind:
    """The kind of a key. Raises ValueError, with the kinds there are, for a key of none."""
    name, *parts = text.split(":")
    kind = KINDS.get(name)
    if kind is None or len(parts) != kind.parts or not all(parts):
        shapes = ", ".join(":".join((known.name, *["<id>", "<type>"][: known.parts])) for known in KINDS.values())
        raise ValueError(f"{text!r} is no key that can be warmed: give one such as {shapes}")
    return kind


def due(last: Mapping[str, float], now: float) -> list[Kind]:
    """The kinds whose round has come, the most urgent first; `last` holds when each was last begun (same clock as `now`, s)."""
    waiting = [kind for kind in KINDS.values() if now - last.get(kind.name, float("-inf")) >= kind.every]
    return sorted(waiting, key=lambda kind: kind.priority)


def until_next(last: Mapping[str, float], now: float) -> float:
    """Seconds until the next round of any kind that `last` holds; 0 when one is due."""
    return max(0.0, min((begun + KINDS[name].every - now for name, begun in last.items()), default=0.0))


def by_kind(keys: Iterable[str]) -> dict[Kind, list[str]]:
    """Keys by kind, each once, the most urgent kind first. Raises ValueError as `kind_of` does."""
    found: dict[Kind, list[str]] = {}
    for text in dict.fromkeys(keys):
        found.setdefault(kind_of(text), []).append(text)
    return dict(sorted(found.items(), key=lambda item: item[0].priority))
