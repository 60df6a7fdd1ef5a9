"""How far ahead the models of a site look: what the analysis process learns, and what the API lets ask for."""

from __future__ import annotations

from metrics.durations import seconds
from settings import Site


def horizons(site: Site) -> tuple[int, ...]:
    """The horizons in seconds, the usual one first."""
    return tuple(max(round(seconds(site.scaled(horizon))), 1) for horizon in site.analysis.horizons)
