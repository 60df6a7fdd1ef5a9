"""The names of series, as Grafana makes them from `legendFormat`. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from metrics.query import quote

_LABEL = re.compile(r"\{\{\s*([^}]+?)\s*\}\}")
AUTO = "__auto"


def full_name(labels: Mapping[str, str]) -> str:
    """A series as Prometheus writes it: `up{instance="a"}`."""
    inner = ", ".join(f"{name}={quote(value)}" for name, value in sorted(labels.items()) if name != "__name__")
    return labels.get("__name__", "") + ("{" + inner + "}" if inner else "")


def names(legend: str, found: Sequence[Mapping[str, str]], expr: str) -> list[str]:
    """One name per series of a query: by format, by what tells the series apart (`__auto`), or in full (empty format)."""
    if legend == AUTO:
        return _distinct(found, expr)
    if not legend:
        return [full_name(labels) or expr for labels in found]
    return [_LABEL.sub(lambda hit, labels=labels: labels.get(hit[1], ""), legend) for labels in found]  # type: ignore[misc]


def _distinct(found: Sequence[Mapping[str, str]], expr: str) -> list[str]:
    keys = sorted({name for labels in found for name in labels if name != "__name__"})
    telling = [name for name in keys if len({labels.get(name) for labels in found}) > 1] or keys
    made = []
    for labels in found:
        own = {name: labels[name] for name in telling if name in labels}
        only = next(iter(own.values())) if len(telling) == 1 and own else ""
        made.append(only or (full_name(own) if own else labels.get("__name__") or expr))
    return made
