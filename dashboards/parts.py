"""What panels are made of: queries and what values mean, and the JSON that several kinds share. No grafanalib here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from metrics import catalog
from metrics.model import Signal, Unit
from metrics.query import Expr
from settings import Site, look

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
MAX_SERIES = 12
# Fixed order, so that the same thing looks the same everywhere; `text` is Grafana's black or white.
SERIES_COLOURS = (look.SERIES_DARK[0], look.SERIES_DARK[1], "text", look.SERIES_LIGHT[3])
_LEVELS = {"warning": look.WARNING, "critical": look.CRITICAL}


@dataclass(frozen=True)
class Query:
    """One query of a panel: an expression or a signal, how its series are called (`{{instance}}`), what narrows it.

    `scope` are the dashboard's variables that apply; None means those of its panels.
    """

    what: Expr | Signal
    legend: str = "{{instance}}"
    scope: tuple[str, ...] | None = None

    @property
    def expr(self) -> Expr:
        """What is asked: a recorded signal is read from its recording, which is what its alert compares."""
        if not isinstance(self.what, Signal):
            return self.what
        recorded = catalog.find(self.what.recorded_as) if self.what.recorded_as else None
        return recorded.select() if recorded else self.what.expr


@dataclass(frozen=True)
class States:
    """What the values of a 0-or-1 series mean, each with its word: colour alone tells nobody anything."""

    one: str = "up"
    zero: str = "DOWN"
    one_colour: str = look.OK
    zero_colour: str = look.CRITICAL


@dataclass(frozen=True)
class Column:
    """One value column of a table: its query, heading, and how its cells look."""

    what: Expr | Signal
    title: str
    unit: Unit
    states: States | None = None
    signal: Signal | None = None


Words: TypeAlias = Mapping[int, tuple[str, str]]  # value to word and colour


def words(states: States | Words) -> Words:
    """The words of values; those of `States` are 0 and 1."""
    if not isinstance(states, States):
        return states
    return {0: (states.zero, states.zero_colour), 1: (states.one, states.one_colour)}


def threshold(site: Site, signal: Signal, level: str) -> float | None:
    """The signal's threshold of that level, as this site's override of its alert sets it."""
    override = site.alerts.get(signal.alerts.get(level, ""))
    declared: float | None = getattr(signal, level)
    return declared if override is None or override.threshold is None else override.threshold


def steps(site: Site, signal: Signal, fine: str) -> list[dict[str, Any]]:
    """Grafana's threshold steps: each colour holds from its value upwards."""
    found = [(threshold(site, signal, level), colour) for level, colour in _LEVELS.items()]
    marks = sorted((value, colour) for value, colour in found if value is not None)
    if not signal.bad_below:
        return [step(fine), *(step(colour, value) for value, colour in marks)]
    colours = [*(colour for _, colour in marks), fine]
    return [step(colour, value) for colour, value in zip(colours, [None, *(value for value, _ in marks)], strict=True)]


def links(site: Site, signal: Signal | None) -> list[dict[str, Any]]:
    """Links to the runbooks of the signal's alerts."""
    runbooks = f"{site.public(site.ports.inbox)}/runbooks"
    names = dict.fromkeys(signal.alerts.values()) if signal else {}
    return [{"title": f"Runbook {name}", "url": f"{runbooks}/{name}", "targetBlank": True} for name in names]


def step(colour: str, value: float | None = None) -> dict[str, Any]:
    """One threshold step."""
    return {"color": colour, "value": value}


def ref(index: int) -> str:
    """Grafana's letter of the query at that place."""
    return chr(ord("A") + index)


def signal_of(queries: Sequence[Query]) -> Signal | None:
    """The signal of a panel that draws one alone."""
    first = queries[0].what
    return first if isinstance(first, Signal) and len(queries) == 1 else None


def unit_of(queries: Sequence[Query]) -> Unit:
    """The unit that the queries' signals share. Raises ValueError when they do not."""
    units = {query.what.unit for query in queries if isinstance(query.what, Signal)}
    if len(units) != 1:
        raise ValueError(f"{len(units)} units in one panel: name the panel's unit")
    return units.pop()


def colours(queries: Sequence[Query], colours: Sequence[str]) -> list[dict[str, Any]]:
    """A colour for each query that gives one series a machine; those with more series take the palette's."""
    named = (query.legend.replace("{{instance}}", "") for query in queries)
    return [
        {
            "matcher": {"id": "byFrameRefID", "options": ref(index)},
            "properties": [{"id": "color", "value": {"mode": "fixed", "fixedColor": colour}}],
        }
        for index, (legend, colour) in enumerate(zip(named, colours, strict=False))
        if "{{" not in legend
    ]


def mappings(states: States | Words) -> list[dict[str, Any]]:
    """The value mapping of states: each value's word and colour."""
    options = {
        str(value): {"text": word, "color": colour, "index": index}
        for index, (value, (word, colour)) in enumerate(words(states).items())
    }
    return [{"type": "value", "options": options}]


def special(text: str) -> dict[str, Any]:
    """The mapping of a value that is not there."""
    return {"type": "special", "options": {"match": "null+nan", "result": {"text": text, "color": look.UNKNOWN, "index": 2}}}
